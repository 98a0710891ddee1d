import {
  chmodSync,
  constants,
  copyFileSync,
  lchownSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  symlinkSync,
  type BigIntStats,
} from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { posix } from 'node:path';
import { TscomposeError } from '../../../base/errors.js';
import { fileName } from '../../../base/tar/names.js';
import { lgetxattr, lsetxattr, mknod, type PathName, splitDevice } from '../../sys/index.js';
import { breather } from '../../../base/breathe.js';
import { type SelectedItem, type SourceTree, wholePath } from '../context/selection.js';
import type { TreeEntry } from '../context/tree.js';
import { RootDoor } from './door.js';
import type { ModeChange } from './mode.js';
import type { Owner } from './owner.js';
import '../errors.js';

/** Above this a file is copied outside the event loop. */
const largeBytes = 1_000_000n;

export interface TransferRequest {
  readonly tree: SourceTree;
  readonly items: readonly SelectedItem[];
  /** The root file system to write into; nothing else may change it meanwhile. */
  readonly root: string;
  readonly destination: Destination;
  /** `keep`: as in the source. */
  readonly owner: Owner | 'keep';
  /** For directories made on the way to the destination. */
  readonly createdOwner: Owner;
  readonly mode?: ModeChange | undefined;
  readonly signal: AbortSignal;
}

export interface Destination {
  /** Absolute in the root file system. */
  readonly path: string;
  /** It was written with a slash at its end: a directory, made if need be. */
  readonly isDirectory: boolean;
}

/**
 * Copies as COPY does: a directory's content into the destination, a file under its name where the destination is a
 * directory and as the destination where it is not. Links in the destination path are followed inside `root`; in what is
 * copied, a directory joins a directory and anything else replaces what stands in its way. Times are kept.
 * @throws `build/bad-copy`
 */
export async function transfer(request: TransferRequest): Promise<void> {
  const writer = new Writer(request);
  const { destination } = request;
  for (const item of request.items) {
    const { path: target, stats: existing } = writer.door.find(destination.path);
    if (item.isDirectory && item.parents === undefined) {
      if (existing !== undefined && !existing.isDirectory()) throw notADirectory(destination.path);
      await writer.copy(item, target);
      continue;
    }
    if (!destination.isDirectory && item.parents === undefined && existing?.isDirectory() !== true) {
      await writer.copy(item, target);
      continue;
    }
    if (existing !== undefined && !existing.isDirectory()) throw notADirectory(destination.path);
    const directory = writer.door.find(`${destination.path}/${item.parents ?? ''}`).path;
    await writer.copy(item, under(directory, item.name));
  }
}

class Writer {
  readonly door: RootDoor;
  readonly #request: TransferRequest;
  readonly #pause: () => Promise<void> | undefined;
  #directoryTimes: { path: PathName; stats: BigIntStats }[] = [];

  constructor(request: TransferRequest) {
    this.door = new RootDoor(request.root, notADirectory);
    this.#request = request;
    this.#pause = breather(request.signal);
  }

  /** @param target - relative to the root */
  async copy(item: SelectedItem, target: string): Promise<void> {
    const { tree, createdOwner } = this.#request;
    /** Where the first name of a file with several went, by device and inode. Of another item it may be overwritten. */
    const linked = new Map<string, PathName>();
    for (const entry of item.entries) {
      await this.#pause();
      if (entry.path === '' && entry.type === 'directory') {
        this.door.makeDirectories(target, createdOwner); // with --chown's owner all the way, as BuildKit; the classic builder has root's on it
        continue;
      }
      const path = entry.path === '' ? target : under(target, entry.path);
      const source = wholePath(tree, item, entry);
      const copied = this.#copyEntry(source, path, entry, linked);
      if (copied !== undefined) {
        await copied;
        this.#finish(source, this.door.place(path), entry);
      }
    }
    // Last, for every name made in a directory moves its time on; the inner ones first.
    for (const { path, stats } of this.#directoryTimes.reverse()) setTime(path, stats);
    this.#directoryTimes = [];
  }

  /** @returns a promise where the copying goes on outside; `#finish` is then still to be done */
  #copyEntry(
    source: PathName,
    path: string,
    entry: TreeEntry,
    linked: Map<string, PathName>,
  ): Promise<void> | undefined {
    const place = this.door.place(path, this.#request.createdOwner);
    const inTheWay = lstatSync(place, { throwIfNoEntry: false });
    if (entry.type === 'directory') {
      if (inTheWay?.isDirectory() !== true) {
        if (inTheWay !== undefined) this.door.clear(path);
        mkdirSync(place, { mode: 0o700 });
      }
      this.#finish(source, place, entry);
      return undefined;
    }
    if (inTheWay !== undefined) this.door.clear(path);
    switch (entry.type) {
      case 'file': {
        const inode = entry.stats.nlink > 1n ? `${entry.stats.dev}:${entry.stats.ino}` : undefined;
        const first = inode === undefined ? undefined : linked.get(inode);
        if (first !== undefined) {
          linkSync(first, place);
          return undefined;
        }
        if (inode !== undefined) linked.set(inode, place);
        const flags = constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL;
        if (entry.stats.size > largeBytes) return copyFile(source, place, flags);
        copyFileSync(source, place, flags);
        break;
      }
      case 'symlink':
        symlinkSync(fileName(entry.linkTarget ?? ''), place);
        break;
      case 'fifo':
      case 'character-device':
      case 'block-device': {
        const format = entry.type === 'fifo' ? 0o010000 : entry.type === 'character-device' ? 0o020000 : 0o060000;
        const { major, minor } = splitDevice(entry.stats.rdev);
        mknod(place, format | entry.mode, major, minor);
        break;
      }
      case 'socket':
        return undefined; // a socket is nothing without its process; archives leave it out too
    }
    this.#finish(source, place, entry);
    return undefined;
  }

  #finish(source: PathName, path: PathName, entry: TreeEntry): void {
    const { owner, mode, tree } = this.#request;
    const { uid, gid } = owner === 'keep' ? entry : owner;
    lchownSync(path, uid, gid);
    if (entry.type !== 'symlink') {
      const isDirectory = entry.type === 'directory';
      chmodSync(path, mode?.(entry.mode, isDirectory) ?? entry.mode); // after chown, which clears setuid
      if (tree.kind === 'snapshot' && entry.type === 'file' && (entry.mode & 0o111) !== 0)
        copyCapabilities(source, path);
    }
    if (entry.type === 'directory') this.#directoryTimes.push({ path, stats: entry.stats });
    else setTime(path, entry.stats);
  }
}

/** File capabilities are the one extended attribute that archives of images carry. */
function copyCapabilities(source: PathName, path: PathName): void {
  const value = lgetxattr(source, 'security.capability');
  if (value !== undefined) lsetxattr(path, 'security.capability', value);
}

function setTime(path: PathName, { mtimeNs }: BigIntStats): void {
  const seconds = Number(mtimeNs / 1_000_000_000n); // whole seconds, as the archives that Docker copies by
  lutimesSync(path, seconds, seconds);
}

function under(directory: string, name: string): string {
  return [directory, name].filter((part) => part !== '').join('/');
}

function notADirectory(given: string): TscomposeError<'build/bad-copy'> {
  const path = posix.resolve('/', given);
  return new TscomposeError({
    code: 'build/bad-copy',
    message: `failed to copy files: ${path} (${posix.basename(path)}): not a directory`,
    facts: { destination: path },
  });
}
