import type { ProgressMessage } from '../../api/image.js';
import { hasCode } from '../../base/errors.js';
import { describe, detailsOf } from './failure.js';
import type { Exchange } from './exchange.js';

/**
 * Runs work that reports its progress, one JSON object a line. A failure before the first message is an ordinary error
 * answer; a later one is a message, since the status is sent by then (reference, "Progress streams").
 */
export async function streamProgress(
  { response, client }: Exchange,
  work: (send: (message: ProgressMessage) => void) => Promise<void>,
): Promise<void> {
  const write = (message: ProgressMessage) => {
    if (response.destroyed) return;
    if (!response.headersSent) response.writeHead(200, { 'Content-Type': 'application/json' });
    response.write(`${JSON.stringify(message)}\r\n`);
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
