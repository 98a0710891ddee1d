import {
  chmodSync,
  constants,
  copyFileSync,
  lchownSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  rmSync,
  symlinkSync,
  type BigIntStats,
} from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { TscomposeError } from '../../../base/errors.js';
import { lgetxattr, lsetxattr, mknod } from '../../sys/index.js';
import { breather } from '../../../base/breathe.js';
import { resolveInRoot } from '../context/scoped-path.js';
import { type SelectedItem, type SourceTree, wholePath } from '../context/selection.js';
import type { TreeEntry } from '../context/tree.js';
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
  for (const item of request.items) {
    const target = resolve(request.root, request.destination.path);
    const existing = lstatSync(target, { throwIfNoEntry: false });
    if (item.isDirectory && item.parents === undefined) {
      if (existing !== undefined && !existing.isDirectory()) throw notADirectory(request.destination.path);
      await writer.copy(item, target);
      continue;
    }
    if (!request.destination.isDirectory && item.parents === undefined && existing?.isDirectory() !== true) {
      writer.makeDirectories(dirname(target));
      await writer.copy(item, target);
      continue;
    }
    if (existing !== undefined && !existing.isDirectory()) throw notADirectory(request.destination.path);
    const directory = resolve(request.root, `${request.destination.path}/${item.parents ?? ''}`);
    writer.makeDirectories(directory);
    await writer.copy(item, `${directory}/${item.name}`);
  }
}

/** A path of the root file system as one of this machine, links followed beneath `root`. */
export function resolve(root: string, path: string): string {
  const inside = resolveInRoot(root, path, 'follow-last').path;
  return inside === '' ? root : `${root}/${inside}`;
}

class Writer {
  readonly #request: TransferRequest;
  readonly #pause: () => Promise<void> | undefined;
  /** Where the first name of a file with several went, by device and inode. */
  readonly #linked = new Map<string, string>();
  #directoryTimes: { path: string; stats: BigIntStats }[] = [];

  constructor(request: TransferRequest) {
    this.#request = request;
    this.#pause = breather(request.signal);
  }

  /** Makes what is missing on the way to `path`, 0755. */
  makeDirectories(path: string): void {
    const stats = lstatSync(path, { throwIfNoEntry: false });
    if (stats?.isDirectory() === true) return;
    if (stats !== undefined) throw notADirectory(path.slice(this.#request.root.length));
    this.makeDirectories(dirname(path));
    mkdirSync(path, { mode: 0o755 });
    chmodSync(path, 0o755); // whatever our umask
    lchownSync(path, this.#request.createdOwner.uid, this.#request.createdOwner.gid);
  }

  async copy(item: SelectedItem, target: string): Promise<void> {
    const { tree } = this.#request;
    for (const entry of item.entries) {
      await this.#pause();
      if (entry.path === '' && entry.type === 'directory') {
        this.makeDirectories(target); // with --chown's owner all the way, as BuildKit; the classic builder has root's on it
        continue;
      }
      const path = entry.path === '' ? target : `${target}/${entry.path}`;
      const source = wholePath(tree, item, entry);
      const copied = this.#copyEntry(source, path, entry);
      if (copied !== undefined) {
        await copied;
        this.#finish(source, path, entry);
      }
    }
    // Last, for every name made in a directory moves its time on; the inner ones first.
    for (const { path, stats } of this.#directoryTimes.reverse()) setTime(path, stats);
    this.#directoryTimes = [];
  }

  /** @returns a promise where the copying goes on outside; `#finish` is then still to be done */
  #copyEntry(source: string, path: string, entry: TreeEntry): Promise<void> | undefined {
    const inTheWay = lstatSync(path, { throwIfNoEntry: false });
    if (entry.type === 'directory') {
      if (inTheWay?.isDirectory() !== true) {
        if (inTheWay !== undefined) rmSync(path, { recursive: true });
        this.#makeParent(path);
        mkdirSync(path, { mode: 0o700 });
      }
      this.#finish(source, path, entry);
      return undefined;
    }
    if (inTheWay !== undefined) rmSync(path, { recursive: true, force: true });
    else this.#makeParent(path);
    switch (entry.type) {
      case 'file': {
        const inode = entry.stats.nlink > 1n ? `${entry.stats.dev}:${entry.stats.ino}` : undefined;
        const first = inode === undefined ? undefined : this.#linked.get(inode);
        if (first !== undefined) {
          linkSync(first, path);
          return undefined;
        }
        if (inode !== undefined) this.#linked.set(inode, path);
        const flags = constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL;
        if (entry.stats.size > largeBytes) return copyFile(source, path, flags);
        copyFileSync(source, path, flags);
        break;
      }
      case 'symlink':
        symlinkSync(entry.linkTarget ?? '', path);
        break;
      case 'fifo':
      case 'character-device':
      case 'block-device': {
        const format = entry.type === 'fifo' ? 0o010000 : entry.type === 'character-device' ? 0o020000 : 0o060000;
        const { rdev } = entry.stats;
        mknod(
          path,
          format | entry.mode,
          Number((rdev >> 8n) & 0xfffn),
          Number((rdev & 0xffn) | ((rdev >> 12n) & 0xfff00n)),
        );
        break;
      }
      case 'socket':
        return undefined; // a socket is nothing without its process; archives leave it out too
    }
    this.#finish(source, path, entry);
    return undefined;
  }

  /** Parents are there already, unless an exclusion or an ignore rule took them out of the list. */
  #makeParent(path: string): void {
    const parent = dirname(path);
    if (lstatSync(parent, { throwIfNoEntry: false })?.isDirectory() !== true) this.makeDirectories(parent);
  }

  #finish(source: string, path: string, entry: TreeEntry): void {
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
function copyCapabilities(source: string, path: string): void {
  const value = lgetxattr(source, 'security.capability');
  if (value !== undefined) lsetxattr(path, 'security.capability', value);
}

function setTime(path: string, { mtimeNs }: BigIntStats): void {
  const seconds = Number(mtimeNs / 1_000_000_000n); // whole seconds, as the archives that Docker copies by
  lutimesSync(path, seconds, seconds);
}

function notADirectory(path: string): TscomposeError<'build/bad-copy'> {
  return new TscomposeError({
    code: 'build/bad-copy',
    message: `failed to copy files: ${path === '' ? '/' : path} (${basename(path)}): not a directory`,
    facts: { destination: path },
  });
}
