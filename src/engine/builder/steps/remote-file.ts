import { rmSync } from 'node:fs';
import { posix } from 'node:path';
import type { Digest } from '../../../base/digest.js';
import { TscomposeError } from '../../../base/errors.js';
import type { SourceLocation } from '../../../base/source-location.js';
import { download } from '../context/download.js';
import { plainFileDigests } from '../context/file-digests.js';
import { ignoreNothing } from '../../../base/ignore-rules.js';
import { select, type SelectedItem, type SourceTree } from '../context/selection.js';
import type { StepDependencies } from './dependencies.js';

declare module '../../../base/errors.js' {
  interface ErrorFacts {
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
  let started: Promise<{ digest: Digest; tree: SourceTree; items: readonly SelectedItem[] }> | undefined;

  const start = async (signal: AbortSignal) => {
    const root = await layers.scratch();
    defer(() => rmSync(root, { recursive: true, force: true }));
    const path = `${root}/${name || 'file'}`;
    const digest = await download(url, path, signal);
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
  const once = (signal: AbortSignal) => (started ??= start(signal));
  return {
    url,
    digest: async (signal) => checksum ?? (await once(signal)).digest,
    fetch: once,
  };
}
