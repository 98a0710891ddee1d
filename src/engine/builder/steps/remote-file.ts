import { createHash } from 'node:crypto';
import { createWriteStream, rmSync } from 'node:fs';
import { chmod, utimes } from 'node:fs/promises';
import { posix } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';
import { type Digest, digestFromHex } from '../../../base/digest.js';
import { messageOf, TscomposeError } from '../../../base/errors.js';
import type { SourceLocation } from '../../../base/source-location.js';
import { plainFileDigests } from '../context/file-digests.js';
import { ignoreNothing } from '../../../base/ignore-rules.js';
import { select, type SelectedItem, type SourceTree } from '../context/selection.js';
import type { StepDependencies } from './dependencies.js';

declare module '../../../base/errors.js' {
  interface ErrorFacts {
    'build/download-failed': { readonly url: string; readonly status?: number };
    'build/checksum-mismatch': { readonly url: string; readonly expected: string; readonly actual: string };
  }
}

/** A file that ADD downloads, at most once a build. */
export interface RemoteFile {
  readonly url: string;
  /** Its content; with a checksum given nothing has to be downloaded to know it. */
  digest(signal: AbortSignal): Promise<string>;
  fetch(signal: AbortSignal): Promise<{ readonly tree: SourceTree; readonly items: readonly SelectedItem[] }>;
}

const timeoutMs = 10 * 60 * 1000;

export function isRemote(source: string): boolean {
  return /^https?:\/\//i.test(source);
}

/**
 * @param isDirectory - the destination takes the file under the name in its URL
 * @param checksum - `sha256:…`, refused when the bytes are others
 * @throws `build/download-failed`, `build/checksum-mismatch`
 */
export function remoteFile(
  { layers, defer }: StepDependencies,
  options: {
    readonly url: string;
    readonly isDirectory: boolean;
    readonly checksum?: string;
    readonly at: SourceLocation;
  },
): RemoteFile {
  const { url, isDirectory, checksum, at } = options;
  const name = decodeURIComponent(posix.basename(new URL(url).pathname));
  if (isDirectory && (name === '' || name === '/')) {
    throw new TscomposeError({
      code: 'build/download-failed',
      message: `cannot determine filename for source ${url}`,
      facts: { url },
      at,
    });
  }
  let download: Promise<{ digest: Digest; tree: SourceTree; items: readonly SelectedItem[] }> | undefined;

  const start = async (signal: AbortSignal) => {
    const root = await layers.scratch();
    defer(() => rmSync(root, { recursive: true, force: true }));
    const path = `${root}/${name || 'file'}`;
    const failed = (reason: string, status?: number, cause?: unknown) =>
      new TscomposeError({
        code: 'build/download-failed',
        message: `ADD failed: cannot download ${url}: ${reason}`,
        facts: { url, ...(status === undefined ? {} : { status }) },
        at,
        cause,
      });
    const within = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
    const hash = createHash('sha256');
    let response: Response;
    try {
      response = await fetch(url, { signal: within });
      if (!response.ok || response.body === null) throw failed(`status ${response.status}`, response.status);
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
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof TscomposeError) throw error;
      throw failed(messageOf(error), undefined, error);
    }
    await chmod(path, 0o600); // Docker's mode for what comes from a URL
    const modified = Date.parse(response.headers.get('last-modified') ?? '');
    const seconds = Number.isNaN(modified) ? 0 : modified / 1000;
    await utimes(path, seconds, seconds);
    const digest = digestFromHex(hash.digest('hex'));
    if (checksum !== undefined && checksum !== digest) {
      throw new TscomposeError({
        code: 'build/checksum-mismatch',
        message: `ADD failed: ${url} has the digest ${digest}, not ${checksum}`,
        facts: { url, expected: checksum, actual: digest },
        at,
      });
    }
    const tree: SourceTree = { root, kind: 'context', ignore: ignoreNothing, digests: plainFileDigests };
    const pattern = (name || 'file').replace(/[*?[\\]/g, '\\$&');
    const items = await select({ tree, patterns: [pattern], exclude: [], parents: false, signal });
    return { digest, tree, items };
  };
  const once = (signal: AbortSignal) => (download ??= start(signal));
  return {
    url,
    digest: async (signal) => checksum ?? (await once(signal)).digest,
    fetch: once,
  };
}
