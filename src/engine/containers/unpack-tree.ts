import { chmodSync, chownSync, closeSync, constants, linkSync, lstatSync, mkdirSync, symlinkSync } from 'node:fs';
import { posix } from 'node:path';
import { TscomposeError } from '../../base/errors.js';
import type { TarEntry } from '../../base/tar/entry.js';
import { encodeName, fileName } from '../../base/tar/names.js';
import { readTar } from '../../base/tar/stream.js';
import { writeTarFile } from '../../base/tar/write-file.js';
import { holdAt, openFolderBeneath, removeAt } from '../oci/index.js';
import { lsetxattr, mknod, setTimes, sysErrno } from '../sys/index.js';
import { readOnly } from './errors.js';

export interface UnpackOptions {
  /** Where `/` of the container is. */
  readonly root: string;
  /** The folder to unpack into, as the container calls it; absolute, without a slash at its end. */
  readonly path: string;
  /** Refuse to put a file in a folder's place and the other way round; otherwise what is there goes. */
  readonly noOverwriteDirNonDir: boolean;
  /** Everything belongs to this user instead of the one in the archive. */
  readonly owner: { readonly uid: number; readonly gid: number } | undefined;
  readonly signal: AbortSignal;
}

/**
 * Unpacks an archive beneath a container's root; no name and no link in it or in the container leads outside, although
 * the container may run and put a link in the place of what has just been made: owner and mode go to what is held open.
 * @throws `tar/invalid`, `container/cannot-overwrite`, `container/read-only`, `container/path-not-found`
 */
export async function unpackTree(tar: AsyncIterable<Uint8Array>, options: UnpackOptions): Promise<void> {
  const folders: { readonly path: string; readonly mtimeNs: bigint }[] = [];
  try {
    await readTar(tar, async (entry, body) => {
      options.signal.throwIfAborted();
      await unpackEntry(entry, body, options);
      if (entry.type === 'directory') folders.push({ path: placeOf(entry.path, options), mtimeNs: entry.mtimeNs });
    });
  } catch (error) {
    if (sysErrno(error) !== 'EROFS') throw error;
    throw readOnly('mounted volume', options.path); // a root that is to be read-only is not even tried
  }
  for (const { path, mtimeNs } of folders.reverse()) {
    inFolder(options.root, posix.dirname(path), (folder) => {
      if (path !== options.path) setTimes(`${folder}/${posix.basename(path)}`, { mtimeNs });
    });
  }
}

/** @throws `container/path-not-found` for a name that climbs out */
function placeOf(name: string, { path }: Pick<UnpackOptions, 'path'>): string {
  const clean = posix.normalize(`/${name}`).replace(/(?<=.)\/+$/, '');
  if (name.split('/').includes('..')) {
    const message = `the archive names ${JSON.stringify(name)}, which is not beneath ${path}`;
    throw new TscomposeError({ code: 'container/path-not-found', message, facts: { path: name } });
  }
  return clean === '/' ? path : posix.join(path, clean);
}

/** Runs `work` with the path of a held folder beneath the root. */
function inFolder<T>(root: string, path: string, work: (folder: string) => T): T {
  const fd = openFolderBeneath(root, path);
  try {
    return work(`/proc/self/fd/${fd}`);
  } finally {
    closeSync(fd);
  }
}

async function unpackEntry(entry: TarEntry, body: AsyncIterable<Buffer>, options: UnpackOptions): Promise<void> {
  const place = placeOf(entry.path, options);
  if (place === options.path) return; // `./`: the folder itself stays as it is
  const folder = openFolderBeneath(options.root, posix.dirname(place));
  try {
    const name = posix.basename(place);
    const path = `/proc/self/fd/${folder}/${name}`;
    makeRoom(folder, name, place, entry, options);
    await make(entry, path, body, options);
    if (entry.type === 'hardlink') return; // owner, mode and times are those of what it names
    if (entry.type !== 'file') dressHeld(entry, holdAt(folder, name), options);
    dressPath(entry, path);
  } finally {
    closeSync(folder);
  }
}

function makeRoom(
  folder: number,
  name: string,
  place: string,
  entry: TarEntry,
  { noOverwriteDirNonDir }: UnpackOptions,
): void {
  const there = lstatSync(fileName(`/proc/self/fd/${folder}/${name}`), { throwIfNoEntry: false });
  if (there === undefined) return;
  const isFolder = entry.type === 'directory';
  if (there.isDirectory() && isFolder) return;
  if (noOverwriteDirNonDir && there.isDirectory() !== isFolder) {
    const message = there.isDirectory()
      ? `cannot overwrite directory "${place}" with non-directory "${entry.path}"`
      : `cannot overwrite non-directory "${place}" with directory "${entry.path}"`;
    throw new TscomposeError({ code: 'container/cannot-overwrite', message, facts: { path: place } });
  }
  removeAt(folder, name);
}

async function make(entry: TarEntry, path: string, body: AsyncIterable<Buffer>, options: UnpackOptions): Promise<void> {
  const target = fileName(path);
  switch (entry.type) {
    case 'directory':
      if (lstatSync(target, { throwIfNoEntry: false }) === undefined) mkdirSync(target, { mode: 0o755 });
      return;
    case 'symlink':
      symlinkSync(encodeName(entry.linkPath ?? ''), target);
      return;
    case 'hardlink': {
      const source = placeOf(entry.linkPath ?? '', options);
      inFolder(options.root, posix.dirname(source), (folder) => {
        linkSync(fileName(`${folder}/${posix.basename(source)}`), target);
      });
      return;
    }
    case 'file':
      await writeTarFile(target, entry, body, (fd) => {
        dress(entry, fd, options);
      });
      return;
    case 'fifo':
      mknod(path, constants.S_IFIFO | 0o600, 0, 0);
      return;
    case 'block':
    case 'character': {
      const type = entry.type === 'block' ? constants.S_IFBLK : constants.S_IFCHR;
      mknod(path, type | 0o600, entry.major ?? 0, entry.minor ?? 0);
    }
  }
}

function dressHeld(entry: TarEntry, fd: number, options: UnpackOptions): void {
  try {
    dress(entry, fd, options);
  } finally {
    closeSync(fd);
  }
}

/** Owner before mode, since a change of owner clears setuid. */
function dress(entry: TarEntry, fd: number, { owner }: UnpackOptions): void {
  const held = `/proc/self/fd/${fd}`;
  chownSync(held, owner?.uid ?? entry.uid, owner?.gid ?? entry.gid);
  if (entry.type !== 'symlink') chmodSync(held, entry.mode & 0o7777);
}

/** What never follows a link. After the owner, for a change of that clears capabilities. */
function dressPath(entry: TarEntry, path: string): void {
  for (const [name, value] of entry.xattrs ?? []) {
    if (name === 'security.capability' || name.startsWith('user.')) lsetxattr(path, name, value);
  }
  setTimes(path, { mtimeNs: entry.mtimeNs });
}
