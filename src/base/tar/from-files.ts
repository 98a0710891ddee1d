import { createReadStream } from 'node:fs';
import { lstat, readdir, readlink, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from '../errors.js';
import type { TarEntry } from './entry.js';
import type { TarMember } from './stream.js';

export interface FromFilesOptions {
  /** Whether a path below the first one is left out, with all below it. */
  readonly ignores?: (inside: string, directory: boolean) => boolean;
  readonly signal: AbortSignal;
}

/**
 * A file or folder, and all below it, as members called `name` and `name/…`, sorted. Symbolic links stay links, but a
 * `path` that ends with a slash is what its link leads to. Sockets and what has gone meanwhile are left out.
 */
export async function* membersOf(path: string, name: string, options: FromFilesOptions): AsyncGenerator<TarMember> {
  yield* walk(path, name, '', options);
}

async function* walk(path: string, name: string, inside: string, options: FromFilesOptions): AsyncGenerator<TarMember> {
  options.signal.throwIfAborted();
  const stats = await (path.endsWith('/') ? stat(path, { bigint: true }) : lstat(path, { bigint: true })).catch(
    (error: unknown) => {
      if (inside !== '' && errnoOf(error) === 'ENOENT') return undefined;
      throw error;
    },
  );
  if (stats === undefined) return;
  const entry: TarEntry = {
    type: 'file',
    path: name,
    mode: Number(stats.mode) & 0o7777,
    uid: Number(stats.uid),
    gid: Number(stats.gid),
    sizeBytes: 0,
    mtimeNs: stats.mtimeNs,
  };
  if (stats.isDirectory()) {
    if (name !== '.') yield { entry: { ...entry, type: 'directory' } };
    for (const child of (await readdir(path, { withFileTypes: true })).sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const below = inside === '' ? child.name : `${inside}/${child.name}`;
      if (options.ignores?.(below, child.isDirectory()) === true) continue;
      yield* walk(join(path, child.name), name === '.' ? child.name : `${name}/${child.name}`, below, options);
    }
  } else if (stats.isSymbolicLink()) yield { entry: { ...entry, type: 'symlink', linkPath: await readlink(path) } };
  else if (stats.isFIFO()) yield { entry: { ...entry, type: 'fifo' } };
  else if (stats.isFile()) {
    const sizeBytes = Number(stats.size);
    // A file that grows meanwhile is taken as long as it was; one that shrinks fails the archive.
    const body = sizeBytes === 0 ? Buffer.alloc(0) : createReadStream(path, { end: sizeBytes - 1 });
    yield { entry: { ...entry, sizeBytes }, body };
  }
}
