import type { IncomingMessage } from 'node:http';

/** How long a registry may keep us waiting. */
export interface Patience {
  /** Without a byte for so long a connection counts as broken. */
  readonly silenceMs: number;
  /** In as long a time of waiting at least so many bytes must come; a byte now and then is no better than silence. */
  readonly minBytes: number;
}

export const defaultPatience: Patience = { silenceMs: 60_000, minBytes: 16 << 10 };

/**
 * The body as it comes. Only the time spent waiting for the sender counts, not what the reader takes.
 * @throws ETIMEDOUT when it comes too slowly; Node's errors
 */
export async function* paced(
  body: IncomingMessage,
  { silenceMs, minBytes }: Patience,
): AsyncGenerator<Buffer, void, undefined> {
  let waitedMs = 0;
  let came = 0;
  let since = performance.now();
  for await (const chunk of body as AsyncIterable<Buffer>) {
    waitedMs += performance.now() - since;
    came += chunk.length;
    if (waitedMs >= silenceMs) {
      if (came < minBytes) throw timedOut(`reading: ${came} bytes came in ${Math.round(waitedMs / 1_000)} seconds`);
      waitedMs = 0;
      came = 0;
    }
    yield chunk;
    since = performance.now();
  }
}

export function timedOut(doing: string): Error {
  return Object.assign(new Error(`timed out ${doing}`), { code: 'ETIMEDOUT' });
}
