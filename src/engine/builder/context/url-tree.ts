import { createReadStream, readFileSync, statSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { ignoreNothing } from '../../../base/ignore-rules.js';
import { isTarArchive } from '../archive/detect.js';
import { extractTar } from '../archive/extract.js';
import { download } from './download.js';
import { plainFileDigests } from './file-digests.js';
import type { SourceTree } from './selection.js';

export interface UrlTree {
  /** What the archive holds; nothing where the URL is a Dockerfile. */
  readonly tree: SourceTree;
  /** The text that came, where it is no archive. */
  readonly text: string | undefined;
}

/**
 * What a URL stands for that is no git repository: an archive, plain or compressed, found by looking, or one file.
 * @param scratch - gives an empty directory; `defer` removes it
 * @throws `build/download-failed`, `build/bad-archive`
 */
export async function urlTree(
  url: string,
  scratch: () => Promise<string>,
  defer: (undo: () => unknown) => void,
  signal: AbortSignal,
): Promise<UrlTree> {
  const folder = await scratch();
  defer(() => rm(folder, { recursive: true, force: true }));
  const file = `${folder}/download`;
  const root = `${folder}/tree`;
  await mkdir(root, { mode: 0o755 });
  await download(url, file, signal);
  const tree: SourceTree = { root, kind: 'context', ignore: ignoreNothing, digests: plainFileDigests };
  if (!(await isTarArchive(file))) {
    return { tree, text: statSync(file).size > maxTextBytes ? '' : readFileSync(file, 'utf8') };
  }
  await extractTar(createReadStream(file, { highWaterMark: 1 << 18 }), {
    root,
    destination: '/',
    keep: 'content',
    signal,
  });
  await rm(file);
  return { tree, text: undefined };
}

/** Larger than any Dockerfile a person writes; what is larger is none. */
const maxTextBytes = 4 * 1024 * 1024;
