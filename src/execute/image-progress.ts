import type { ProgressMessage } from '../api/image.js';
import { lintOf } from './lint.js';
import type { OnEvent } from './progress.js';

/** The last lines of a long output; with a limit of 0 it only tells lines apart. */
export class OutputTail {
  readonly #limit: number;
  #lines: string[] = [];
  #open = '';

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Takes text cut anywhere; gives back the lines it completes. */
  push(text: string): string[] {
    const lines = (this.#open + text).split(/\r?\n/);
    this.#open = lines.pop() ?? '';
    this.#lines = this.#last([...this.#lines, ...lines]);
    return lines;
  }

  /** The output is over: gives back the line that it ended in the middle of. */
  end(): string[] {
    return this.#open === '' ? [] : this.push('\n');
  }

  get lines(): readonly string[] {
    return this.#open === '' ? this.#lines : this.#last([...this.#lines, this.#open]);
  }

  #last(lines: string[]): string[] {
    return this.#limit === 0 ? [] : lines.slice(-this.#limit);
  }
}

/**
 * Passes the messages of a pull, push or build on as progress. @returns the id of the image, where a message names it
 * @throws what the stream throws
 */
export async function reportMessages(
  messages: AsyncIterable<ProgressMessage>,
  subject: string,
  onEvent: OnEvent,
  output = new OutputTail(0),
  transfer: 'Pulling' | 'Pushing' = 'Pulling',
): Promise<string | undefined> {
  let id: string | undefined;
  const tell = (line: string): void => {
    if (line.trim() !== '') onEvent({ kind: 'progress', subject, status: 'Building', detail: line });
  };
  for await (const message of messages) {
    const { stream, status, id: layer, progressDetail, aux } = message;
    const lint = lintOf(message);
    for (const { rule, message: said, line } of lint?.warnings ?? []) {
      const detail = `${rule}: ${said} (${lint?.dockerfile ?? ''}:${line})`;
      onEvent({ kind: 'warning', subject, status: 'Warning', detail });
    }
    if (stream !== undefined) output.push(stream).forEach(tell);
    if (status !== undefined) {
      onEvent({
        kind: 'progress',
        subject,
        status: transfer,
        detail: layer === undefined ? status : `${layer} ${status}`,
        ...(layer === undefined ? {} : { layer }),
        ...(progressDetail?.current === undefined ? {} : { current: progressDetail.current }),
        ...(progressDetail?.total === undefined ? {} : { total: progressDetail.total }),
      });
    }
    id = imageId(aux) ?? id;
  }
  output.end().forEach(tell);
  return id;
}

function imageId(aux: unknown): string | undefined {
  if (typeof aux !== 'object' || aux === null || !('ID' in aux)) return undefined;
  return typeof aux.ID === 'string' ? aux.ID : undefined;
}
