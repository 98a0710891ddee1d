import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { chmod, utimes } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';
import { type Digest, digestFromHex } from '../../../base/digest.js';
import { messageOf, TscomposeError } from '../../../base/errors.js';
import { takeCredentials, withoutCredentials } from '../../../base/url-credentials.js';

declare module '../../../base/errors.js' {
  interface ErrorFacts {
    'build/download-failed': { readonly url: string; readonly status?: number };
  }
}

/** Without a byte for so long a server counts as gone. */
const silenceMs = 120_000;

/**
 * Gets a file over HTTP and writes it with Docker's mode for what comes from a URL, 0600, dated as the server says. A user
 * and a password in the URL go along as basic authentication, and into no error.
 * @throws `build/download-failed`; the abort reason
 */
export async function download(
  given: string,
  path: string,
  signal: AbortSignal,
  patience: { readonly silenceMs: number } = { silenceMs },
): Promise<Digest> {
  if (!URL.canParse(given)) throw failed(given, 'it is no URL');
  const silence = new AbortController();
  const timer = setTimeout(() => {
    silence.abort(new Error(`nothing came for ${patience.silenceMs / 1000} seconds`));
  }, patience.silenceMs);
  const within = AbortSignal.any([signal, silence.signal]);
  const hash = createHash('sha256');
  const { url, authorization } = takeCredentials(given);
  try {
    const headers = authorization === undefined ? {} : { authorization };
    const response = await fetch(url, { headers, signal: within });
    if (!response.ok || response.body === null) throw failed(url, `status ${response.status}`, response.status);
    await pipeline(
      Readable.fromWeb(response.body as ReadableStream<Uint8Array>),
      async function* (chunks: AsyncIterable<Uint8Array>) {
        for await (const chunk of chunks) {
          timer.refresh();
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
    const cause: unknown = silence.signal.aborted ? silence.signal.reason : error;
    throw failed(url, messageOf(cause), undefined, cause);
  } finally {
    clearTimeout(timer);
  }
  return digestFromHex(hash.digest('hex'));
}

function failed(
  given: string,
  reason: string,
  status?: number,
  cause?: unknown,
): TscomposeError<'build/download-failed'> {
  const url = withoutCredentials(given);
  return new TscomposeError({
    code: 'build/download-failed',
    message: `cannot download ${url}: ${reason}`,
    facts: { url, ...(status === undefined ? {} : { status }) },
    cause,
  });
}
