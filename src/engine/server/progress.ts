import type { ProgressMessage } from '../../api/image.js';
import { hasCode } from '../../base/errors.js';
import { describe, detailsOf } from './failure.js';
import type { Exchange } from './exchange.js';

/**
 * What is kept for a client that reads slowly or not at all. Work is not slowed down for it: others may wait for the
 * same step.
 */
const mostBehindBytes = 4 << 20;

/**
 * Runs work that reports its progress, one JSON object a line. A failure before the first message is an ordinary error
 * answer; a later one is a message, since the status is sent by then (reference, "Progress streams").
 */
export async function streamProgress(
  { response, client }: Exchange,
  work: (send: (message: ProgressMessage) => void) => Promise<void>,
): Promise<void> {
  const send = (message: ProgressMessage) => void response.write(`${JSON.stringify(message)}\r\n`);
  let clipped = false;
  const write = (message: ProgressMessage & { readonly tscompose?: { readonly kind: string } }) => {
    if (response.destroyed) return;
    if (!response.headersSent) response.writeHead(200, { 'Content-Type': 'application/json' });
    const behind = response.writableLength > mostBehindBytes;
    const { stream, status, tscompose } = message;
    const isOutput = stream !== undefined || status !== undefined || tscompose?.kind === 'output';
    if (behind && isOutput) {
      if (!clipped) send({ stream: '\n[output clipped: it was not read]\n' });
      clipped = true;
      return;
    }
    clipped = behind;
    send(message);
  };
  try {
    await work(write);
  } catch (error) {
    if (client.aborted) return;
    if (!response.headersSent) throw error;
    const message = describe(error);
    const code = hasCode(error, 'build/step-failed') ? { code: error.facts.exitCode } : {};
    write({ errorDetail: { ...code, message, details: detailsOf(error) }, error: message });
  }
  if (!response.headersSent) response.writeHead(200, { 'Content-Type': 'application/json' });
  response.end();
}
