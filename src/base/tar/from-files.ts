import { lstat, open, readdir, readlink, stat, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from '../errors.js';
import type { TarEntry } from './entry.js';
import type { TarMember } from './stream.js';

export interface FromFilesOptions {
  /** Whether a path below the first one is left out, with all below it. */
  readonly ignores?: (inside: string, directory: boolean) => boolean;
  /** A file that is cut while it is read is filled up with zeros, as tar(1) does; otherwise it fails the archive. */
  readonly fillsUp?: boolean;
  readonly signal: AbortSignal;
}

const pieceBytes = 1 << 18;

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
    const file = await open(path); // from here on it does not matter who removes it
    try {
      yield { entry: { ...entry, sizeBytes }, body: contentOf(file, sizeBytes, options.fillsUp === true) };
    } finally {
      await file.close();
    }
  }
}

/** A file that grows meanwhile is taken as long as it was. */
async function* contentOf(file: FileHandle, sizeBytes: number, fillsUp: boolean): AsyncGenerator<Buffer> {
  for (let at = 0; at < sizeBytes;) {
    const piece = Buffer.alloc(Math.min(pieceBytes, sizeBytes - at));
    const { bytesRead } = await file.read(piece, 0, piece.byteLength, at);
    if (bytesRead === 0 && !fillsUp) return;
    const content = bytesRead === 0 ? piece : piece.subarray(0, bytesRead);
    at += content.byteLength;
    yield content;
  }
}
