import { chmodSync, lchownSync, lstatSync, mkdirSync, rmSync, type Stats } from 'node:fs';
import { fileName } from '../../../base/tar/names.js';
import type { PathName } from '../../sys/index.js';
import { resolveInRoot } from '../context/scoped-path.js';
import { type Owner, root0 } from './owner.js';

/**
 * The one way by which the builder writes files into a root file system. A place it gives has parents that are
 * directories of that root and no links, so that the kernel, which knows no `root`, does not leave it on the way. Paths
 * are relative to the root, without links where not said otherwise. Nobody else may write there meanwhile.
 */
export class RootDoor {
  readonly #root: string;
  readonly #inTheWay: (path: string) => Error;
  /** Known to be directories, as are all above them. */
  readonly #directories = new Set(['']);

  /** @param inTheWay - what is thrown where something that is no directory would have to be one */
  constructor(root: string, inTheWay: (path: string) => Error) {
    this.#root = root;
    this.#inTheWay = inTheWay;
  }

  /** Follows the links of any path, as a process with the root as its `/` would; what is not there stays as written. */
  find(path: string): { readonly path: string; readonly stats: Stats | undefined } {
    const found = resolveInRoot(this.#root, path, 'follow-last').path;
    const whole = found === '' ? this.#root : this.#at(found);
    return { path: found, stats: lstatSync(whole, { throwIfNoEntry: false }) };
  }

  /** Where something is to be; directories that are missing on the way are made, 0755. */
  place(path: string, owner: Owner = root0): PathName {
    const slash = path.lastIndexOf('/');
    if (['', '.', '..'].includes(path.slice(slash + 1))) throw new Error(`bug: ${path} is no place for a file`);
    this.makeDirectories(slash < 0 ? '' : path.slice(0, slash), owner);
    return this.#at(path);
  }

  /** Makes a directory and those above it, 0755, where they are missing. */
  makeDirectories(path: string, owner: Owner = root0): void {
    if (this.#directories.has(path)) return;
    const place = this.place(path, owner);
    const stats = lstatSync(place, { throwIfNoEntry: false });
    if (stats === undefined) {
      mkdirSync(place, { mode: 0o755 });
      chmodSync(place, 0o755); // whatever our umask
      lchownSync(place, owner.uid, owner.gid);
    } else if (!stats.isDirectory()) {
      throw this.#inTheWay(path);
    }
    this.#directories.add(path);
  }

  /** Whether a directory was seen or made there, and is there still. */
  knows(path: string): boolean {
    return this.#directories.has(path);
  }

  /** Takes away what is at a place, with all below. */
  clear(path: string): void {
    rmSync(this.place(path), { recursive: true, force: true });
    if (!this.#directories.delete(path)) return;
    for (const known of this.#directories) if (known.startsWith(`${path}/`)) this.#directories.delete(known);
  }

  #at(path: string): PathName {
    return fileName(`${this.#root}/${path}`);
  }
}
