import type { ProgressMessage } from '../api/image.js';
import { lintOf } from './lint.js';
import { OutputTail } from './output-tail.js';
import type { OnEvent } from './progress.js';

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
