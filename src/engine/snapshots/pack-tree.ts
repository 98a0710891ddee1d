import {
  closeSync,
  constants,
  createReadStream,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  type BigIntStats,
} from 'node:fs';
import type { TarEntry } from '../../base/tar/entry.js';
import { decodeName, fileName } from '../../base/tar/names.js';
import type { TarMember } from '../../base/tar/stream.js';
import { lgetxattr, llistxattr, O_PATH, splitDevice, sysErrno } from '../sys/index.js';

export interface PackOptions {
  /** Stay on the file system of the tree's top: what is mounted in it appears as an empty folder. */
  readonly oneFilesystem: boolean;
  readonly signal: AbortSignal;
}

/**
 * A file or tree as members of a tar, parents first, names sorted. Held open folder by folder, so that a change outside
 * cannot lead it astray; files that vanish on the way are left out.
 * @param folder - a descriptor of the folder that holds `name`
 * @param as - what the archive calls it
 */
export async function* packTree(
  folder: number,
  name: string,
  as: string,
  options: PackOptions,
): AsyncGenerator<TarMember> {
  const links = new Map<string, string>();
  const top = statIn(folder, name);
  if (top !== undefined) yield* pack(folder, name, as, { ...options, links, device: top.dev });
}

interface Packing extends PackOptions {
  /** First name of each file with several, by inode. */
  readonly links: Map<string, string>;
  readonly device: bigint;
}

async function* pack(folder: number, name: string, as: string, packing: Packing): AsyncGenerator<TarMember> {
  packing.signal.throwIfAborted();
  const stats = statIn(folder, name);
  if (stats === undefined || stats.isSocket()) return; // a tar has no sockets
  const path = `/proc/self/fd/${folder}/${name}`;
  const common = commonOf(stats, as, path);
  const first = stats.nlink > 1n && !stats.isDirectory() ? packing.links.get(`${stats.dev}:${stats.ino}`) : undefined;
  if (first !== undefined) {
    yield { entry: { ...common, type: 'hardlink', linkPath: first, sizeBytes: 0 } };
    return;
  }
  if (stats.nlink > 1n && !stats.isDirectory()) packing.links.set(`${stats.dev}:${stats.ino}`, as);
  if (stats.isDirectory()) {
    yield { entry: { ...common, type: 'directory', sizeBytes: 0 } };
    if (!packing.oneFilesystem || stats.dev === packing.device) yield* packFolder(path, as, packing);
  } else if (stats.isFile()) {
    yield* packFile(path, { ...common, type: 'file', sizeBytes: Number(stats.size) });
  } else if (stats.isSymbolicLink()) {
    const linkPath = decodeName(readlinkSync(fileName(path), { encoding: 'buffer' }));
    yield { entry: { ...common, type: 'symlink', linkPath, sizeBytes: 0 } };
  } else if (stats.isFIFO()) {
    yield { entry: { ...common, type: 'fifo', sizeBytes: 0 } };
  } else {
    const type = stats.isBlockDevice() ? 'block' : 'character';
    yield { entry: { ...common, type, sizeBytes: 0, ...splitDevice(stats.rdev) } };
  }
}

async function* packFolder(path: string, as: string, packing: Packing): AsyncGenerator<TarMember> {
  let fd: number;
  try {
    fd = openSync(fileName(path), O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  } catch (error) {
    if (isGone(error)) return;
    throw error;
  }
  try {
    const names = readdirSync(`/proc/self/fd/${fd}`, { encoding: 'buffer' }).map(decodeName).sort();
    for (const name of names)
      yield* pack(fd, name, as === '' || as.endsWith('/') ? `${as}${name}` : `${as}/${name}`, packing);
  } finally {
    closeSync(fd);
  }
}

function* packFile(path: string, entry: TarEntry): Generator<TarMember> {
  let fd: number;
  try {
    fd = openSync(fileName(path), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (isGone(error)) return;
    throw error;
  }
  try {
    yield { entry, body: exactly(fd, entry.sizeBytes) };
  } finally {
    closeSync(fd);
  }
}

/** A file that grows is cut, one that shrinks is filled with zeros: the header has promised its length. */
async function* exactly(fd: number, length: number): AsyncGenerator<Uint8Array> {
  let left = length;
  if (left > 0) {
    const options = { fd, autoClose: false, start: 0, end: length - 1, highWaterMark: 256 * 1024 };
    for await (const chunk of createReadStream('', options) as AsyncIterable<Buffer>) {
      left -= chunk.length;
      yield chunk;
    }
  }
  for (; left > 0; left -= Math.min(left, 65_536)) yield Buffer.alloc(Math.min(left, 65_536));
}

function commonOf(
  stats: BigIntStats,
  as: string,
  path: string,
): Pick<TarEntry, 'path' | 'mode' | 'uid' | 'gid' | 'mtimeNs' | 'xattrs'> {
  const xattrs = stats.isSymbolicLink() ? undefined : xattrsOf(path);
  return {
    path: as,
    mode: Number(stats.mode) & 0o7777,
    uid: Number(stats.uid),
    gid: Number(stats.gid),
    mtimeNs: stats.mtimeNs,
    ...(xattrs === undefined ? {} : { xattrs }),
  };
}

/** What an archive of a container carries: capabilities and the user's own; overlayfs keeps its notes to itself. */
function xattrsOf(path: string): Map<string, Buffer> | undefined {
  let names: string[];
  try {
    names = llistxattr(path).filter((name) => name === 'security.capability' || name.startsWith('user.'));
  } catch (error) {
    if (isGone(error) || ['ENOTSUP', 'EOPNOTSUPP', 'EPERM', 'EACCES'].includes(sysErrno(error) ?? '')) return undefined;
    throw error;
  }
  const found = names.flatMap((name) => {
    const value = lgetxattr(path, name);
    return value === undefined ? [] : [[name, value] as const];
  });
  return found.length === 0 ? undefined : new Map(found);
}

function statIn(folder: number, name: string): BigIntStats | undefined {
  return lstatSync(fileName(`/proc/self/fd/${folder}/${name}`), { bigint: true, throwIfNoEntry: false });
}

function isGone(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR', 'ELOOP', 'ESRCH'].includes(sysErrno(error) ?? '');
}
