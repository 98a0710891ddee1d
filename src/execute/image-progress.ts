import type { ProgressMessage } from '../api/image.js';
import { lintOf } from './lint.js';
import type { OnEvent } from './progress.js';

/** The last lines of a long output. */
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
    this.#lines = [...this.#lines, ...lines].slice(-this.#limit);
    return lines;
  }

  get lines(): readonly string[] {
    return this.#open === '' ? this.#lines : [...this.#lines, this.#open].slice(-this.#limit);
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
  for await (const message of messages) {
    const { stream, status, id: layer, progressDetail, aux } = message;
    const lint = lintOf(message);
    for (const { rule, message: said, line } of lint?.warnings ?? []) {
      const detail = `${rule}: ${said} (${lint?.dockerfile ?? ''}:${line})`;
      onEvent({ kind: 'warning', subject, status: 'Warning', detail });
    }
    if (stream !== undefined) {
      for (const line of output.push(stream)) {
        if (line.trim() !== '') onEvent({ kind: 'progress', subject, status: 'Building', detail: line });
      }
    }
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
  return id;
}

function imageId(aux: unknown): string | undefined {
  if (typeof aux !== 'object' || aux === null || !('ID' in aux)) return undefined;
  return typeof aux.ID === 'string' ? aux.ID : undefined;
}
