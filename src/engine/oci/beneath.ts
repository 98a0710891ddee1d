import {
  chmodSync,
  closeSync,
  constants,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  rmdirSync,
  statSync,
  symlinkSync,
  unlinkSync,
} from 'node:fs';
import { basename, dirname } from 'node:path';
import { decodeName, fileName } from '../../base/tar/names.js';
import { O_PATH, openBeneath, sysErrno } from '../sys/index.js';

/**
 * Makes a folder and those above it beneath `root`, following links only inside it.
 * @returns a held descriptor of the folder, which the caller closes
 * @throws `sys/call-failed` or a Node system error, ENOTDIR when something else is in the way
 */
export function openFolderBeneath(root: string, path: string, mode = 0o755): number {
  const open = () => openBeneath(root, path, O_PATH | constants.O_DIRECTORY);
  try {
    return open();
  } catch (error) {
    if (sysErrno(error) !== 'ENOENT' || dirname(path) === path) throw error;
  }
  const parent = openFolderBeneath(root, dirname(path), mode);
  try {
    mkdirSync(`/proc/self/fd/${parent}/${basename(path)}`, { mode });
    const made = holdAt(parent, basename(path));
    chmodSync(`/proc/self/fd/${made}`, mode); // whatever the umask
    return made;
  } catch (error) {
    if (sysErrno(error) !== 'EEXIST') throw error;
  } finally {
    closeSync(parent);
  }
  return open();
}

/**
 * Holds what has a name in a held folder, be it a link, without opening it: what is done by `/proc/self/fd/…` to the
 * descriptor is done to just that, although a process of a container may put something else in its place at any time.
 * @returns a descriptor that the caller closes
 */
export function holdAt(folder: number, name: string): number {
  return openSync(fileName(`/proc/self/fd/${folder}/${name}`), O_PATH | constants.O_NOFOLLOW);
}

/** Removes what has a name in a held folder, with all below, and nothing elsewhere: folders are held on the way. */
export function removeAt(folder: number, name: string): void {
  const path = fileName(`/proc/self/fd/${folder}/${name}`);
  if (lstatSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) {
    unlinkSync(path);
    return;
  }
  const held = openSync(path, O_PATH | constants.O_NOFOLLOW | constants.O_DIRECTORY);
  try {
    for (const entry of readdirSync(`/proc/self/fd/${held}`, { encoding: 'buffer' })) removeAt(held, decodeName(entry));
  } finally {
    closeSync(held);
  }
  rmdirSync(path);
}

/** Makes a folder beneath `root`, with those above it. */
export function ensureFolderBeneath(root: string, path: string, mode = 0o755): void {
  closeSync(openFolderBeneath(root, path, mode));
}

/** Makes an empty file beneath `root` unless something, be it a dangling link, has that name. */
export function ensureFileBeneath(root: string, path: string, mode = 0o644): void {
  const parent = openFolderBeneath(root, dirname(path));
  try {
    const here = `/proc/self/fd/${parent}/${basename(path)}`;
    if (lstatSync(here, { throwIfNoEntry: false }) !== undefined) return;
    closeSync(openSync(here, 'wx', mode));
  } finally {
    closeSync(parent);
  }
}

/** Makes a symbolic link beneath `root` unless something has that name. */
export function ensureLinkBeneath(root: string, path: string, target: string): void {
  const parent = openFolderBeneath(root, dirname(path));
  try {
    const here = `/proc/self/fd/${parent}/${basename(path)}`;
    if (lstatSync(here, { throwIfNoEntry: false }) === undefined) symlinkSync(target, here);
  } finally {
    closeSync(parent);
  }
}

/** Whether `path` is a folder, a file or nothing, as a process with `root` as its `/` would find it. */
export function kindBeneath(root: string, path: string): 'folder' | 'file' | 'nothing' {
  let fd: number;
  try {
    fd = openBeneath(root, path, O_PATH);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP'].includes(sysErrno(error) ?? '')) return 'nothing';
    throw error;
  }
  try {
    return statSync(`/proc/self/fd/${fd}`).isDirectory() ? 'folder' : 'file';
  } finally {
    closeSync(fd);
  }
}
