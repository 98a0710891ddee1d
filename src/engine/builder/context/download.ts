import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { chmod, utimes } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';
import { type Digest, digestFromHex } from '../../../base/digest.js';
import { messageOf, TscomposeError } from '../../../base/errors.js';

declare module '../../../base/errors.js' {
  interface ErrorFacts {
    'build/download-failed': { readonly url: string; readonly status?: number };
  }
}

const timeoutMs = 10 * 60 * 1000;

/**
 * Gets a file over HTTP and writes it with Docker's mode for what comes from a URL, 0600, dated as the server says.
 * @throws `build/download-failed`; the abort reason
 */
export async function download(url: string, path: string, signal: AbortSignal): Promise<Digest> {
  const within = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  const hash = createHash('sha256');
  try {
    const response = await fetch(url, { signal: within });
    if (!response.ok || response.body === null) throw failed(url, `status ${response.status}`, response.status);
    await pipeline(
      Readable.fromWeb(response.body as ReadableStream<Uint8Array>),
      async function* (chunks: AsyncIterable<Uint8Array>) {
        for await (const chunk of chunks) {
          hash.update(chunk);
          yield chunk;
        }
      },
      createWriteStream(path, { mode: 0o600 }),
      { signal: within },
    );
    await chmod(path, 0o600); // whatever our umask
    const modified = Date.parse(response.headers.get('last-modified') ?? '');
    const seconds = Number.isNaN(modified) ? 0 : modified / 1000;
    await utimes(path, seconds, seconds);
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof TscomposeError) throw error;
    throw failed(url, messageOf(error), undefined, error);
  }
  return digestFromHex(hash.digest('hex'));
}

function failed(
  url: string,
  reason: string,
  status?: number,
  cause?: unknown,
): TscomposeError<'build/download-failed'> {
  return new TscomposeError({
    code: 'build/download-failed',
    message: `cannot download ${url}: ${reason}`,
    facts: { url, ...(status === undefined ? {} : { status }) },
    cause,
  });
}
