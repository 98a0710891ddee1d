import { rmSync } from 'node:fs';
import { posix } from 'node:path';
import type { Digest } from '../../../base/digest.js';
import { TscomposeError } from '../../../base/errors.js';
import type { SourceLocation } from '../../../base/source-location.js';
import { decodeName } from '../../../base/tar/names.js';
import { withoutCredentials } from '../../../base/url-credentials.js';
import { download } from '../context/download.js';
import type { StepDependencies } from './dependencies.js';
import { type MadeFiles, madeFilePath, madeFiles } from './made-files.js';

declare module '../../../base/errors.js' {
  interface ErrorFacts {
    'build/checksum-mismatch': { readonly url: string; readonly expected: string; readonly actual: string };
  }
}

/** A file that ADD downloads, at most once a build. */
export interface RemoteFile {
  readonly url: string;
  /** Its name and content; with a checksum given nothing has to be downloaded to know it. */
  digest(signal: AbortSignal): Promise<string>;
  fetch(signal: AbortSignal): Promise<MadeFiles>;
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
  const name = fileNameIn(url);
  const shown = withoutCredentials(url);
  if (isDirectory && name === undefined) {
    throw new TscomposeError({
      code: 'build/download-failed',
      message: `cannot determine filename for source ${shown}`,
      facts: { url: shown },
      at,
    });
  }
  let started: Promise<MadeFiles & { digest: Digest }> | undefined;

  const start = async (signal: AbortSignal) => {
    const root = await layers.scratch();
    defer(() => rmSync(root, { recursive: true, force: true }));
    const digest = await download(url, madeFilePath(root, 0), signal);
    if (checksum !== undefined && checksum !== digest) {
      throw new TscomposeError({
        code: 'build/checksum-mismatch',
        message: `ADD failed: ${shown} has the digest ${digest}, not ${checksum}`,
        facts: { url: shown, expected: checksum, actual: digest },
        at,
      });
    }
    return { digest, ...(await madeFiles(root, [name ?? 'file'], signal)) };
  };
  const once = (signal: AbortSignal) => (started ??= start(signal));
  return {
    url,
    digest: async (signal) => JSON.stringify([name ?? null, checksum ?? (await once(signal)).digest]),
    fetch: once,
  };
}

/** The last element of a URL's path, escapes resolved first: `%2f` is a slash. Undefined where that is no name of a file. */
export function fileNameIn(url: string): string | undefined {
  if (!URL.canParse(url)) return undefined;
  const bytes = new URL(url).pathname.replace(/%([0-9a-f]{2})/gi, (_, hex: string) =>
    String.fromCharCode(parseInt(hex, 16)),
  );
  const name = posix.basename(decodeName(Buffer.from(bytes, 'latin1')));
  return name === '' || name === '.' || name === '..' || name.includes('\0') ? undefined : name;
}
