import { lstatSync, mkdirSync, readlinkSync, type Stats } from 'node:fs';
import { decodeName, fileName } from '../../base/tar/names.js';
import { badArchive, escapesRoot } from './failures.js';

const maxLinksFollowed = 40; // as the kernel

/**
 * The parts of an entry's path, `.` and slashes folded away.
 * @throws `layer/escapes-root` when `..` climbs above the root
 */
export function pathParts(path: string): string[] {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    if (part !== '..') parts.push(part);
    else if (parts.pop() === undefined) throw escapesRoot(path);
  }
  return parts;
}

export interface TreeHooks {
  /** A directory was made because something below it was asked for. */
  implicit(relative: string): void;
  /** A whiteout stands where a directory is needed; puts an opaque directory there. */
  overWhiteout(relative: string): void;
}

/**
 * A directory that only we write to, in which every path is resolved with the directory as its `/`: symbolic links are
 * followed inside it, never out of it. Directories known to be real are remembered, so that the usual entry costs nothing.
 */
export class LayerTree {
  readonly #root: string;
  /** Path as asked for → path without symbolic links, both relative to the root; only directories. */
  readonly #directories = new Map<string, string>([['', '']]);
  readonly #hooks: TreeHooks;

  constructor(root: string, hooks: TreeHooks) {
    this.#root = root;
    this.#hooks = hooks;
  }

  /** The absolute name of a resolved path, as Node's file functions take it. */
  at(relative: string): string | Buffer {
    return fileName(relative === '' ? this.#root : `${this.#root}/${relative}`);
  }

  /** Without following a link at its end. */
  stat(relative: string): Stats | undefined {
    return lstatSync(this.at(relative), { throwIfNoEntry: false });
  }

  /**
   * The resolved path of the directory with these parts. Missing ones are made with mode 0755, owned by us.
   * @throws `layer/bad-archive` when something on the way is not a directory
   */
  directory(parts: readonly string[], entry: string): string {
    const asked = parts.join('/');
    const known = this.#directories.get(asked);
    if (known !== undefined) return known;
    const resolved = this.#walk(parts, entry, 'make');
    if (resolved === undefined) throw new Error('bug: a directory neither found nor made');
    this.#directories.set(asked, resolved);
    return resolved;
  }

  /** The same without making anything; undefined when it is not there. */
  existingDirectory(parts: readonly string[], entry: string): string | undefined {
    return this.#directories.get(parts.join('/')) ?? this.#walk(parts, entry, 'find');
  }

  /** To be called when something that may be a directory or a link to one was removed or replaced. */
  forget(): void {
    this.#directories.clear();
    this.#directories.set('', '');
  }

  /** Remembers a directory just made at a resolved path. */
  made(relative: string): void {
    this.#directories.set(relative, relative);
  }

  #walk(parts: readonly string[], entry: string, missing: 'make' | 'find'): string | undefined {
    const rest = [...parts].reverse();
    const here: string[] = [];
    let followed = 0;
    for (let name = rest.pop(); name !== undefined; name = rest.pop()) {
      if (name === '' || name === '.') continue;
      if (name === '..') {
        here.pop(); // at the root it stays there, as for a process inside
        continue;
      }
      here.push(name);
      const relative = here.join('/');
      if (this.#directories.get(relative) === relative) continue;
      const found = this.stat(relative);
      if (found === undefined) {
        if (missing === 'find') return undefined;
        this.#make(relative);
      } else if (found.isSymbolicLink()) {
        followed += 1;
        if (followed > maxLinksFollowed) throw badArchive('too many levels of symbolic links', entry);
        const target = decodeName(readlinkSync(this.at(relative), { encoding: 'buffer' }));
        if (target.startsWith('/')) here.length = 0;
        else here.pop();
        rest.push(...target.split('/').reverse());
        continue;
      } else if (isWhiteout(found) && missing === 'make') {
        this.#hooks.overWhiteout(relative);
      } else if (!found.isDirectory()) {
        throw badArchive(`${relative} is not a directory`, entry);
      }
      this.#directories.set(relative, relative);
    }
    return here.join('/');
  }

  #make(relative: string): void {
    mkdirSync(this.at(relative), 0o755);
    this.#hooks.implicit(relative);
  }
}

/** In an upper directory: leads to the work directory with the copy that is used in place of an overlay. */
export const copyMarker = '.wh..wh.copy';

/** No file of a layer; fuse-overlayfs marks an opaque directory by such files too, beside the attribute. */
export function isMarker(name: string): boolean {
  return name === '.wh..opq' || name === '.wh..wh..opq' || name === copyMarker;
}

/** A character device 0/0, which hides what lower layers have at its name (overlayfs.rst, "whiteouts"). */
export function isWhiteout(found: Stats): boolean {
  return found.isCharacterDevice() && found.rdev === 0;
}
