import { lstatSync, readdirSync, type Stats } from 'node:fs';
import { decodeName, fileName } from '../../base/tar/names.js';
import { lgetxattr, sysErrno } from '../sys/index.js';
import { isWhiteout } from './layer-tree.js';

/** What a mount of `lower` would show, read from the layers themselves: whiteouts hide, opaque directories end the search. */
export class LowerView {
  readonly #opaqueXattr: string;
  /** Directory → its places in the layers, top first; an empty list is no directory. */
  readonly #places = new Map<string, readonly string[]>();

  /** @param lower - layer directories, top first */
  constructor(lower: readonly string[], opaqueXattr: string) {
    this.#places.set('', lower);
    this.#opaqueXattr = opaqueXattr;
  }

  /** Where `relative` is, without following links; undefined where it is not to be seen. */
  find(relative: string): { readonly path: string; readonly stats: Stats } | undefined {
    const slash = relative.lastIndexOf('/');
    const name = relative.slice(slash + 1);
    for (const place of this.#placesOf(relative.slice(0, Math.max(slash, 0)))) {
      const path = name === '' ? place : `${place}/${name}`;
      const stats = lstatSync(fileName(path), { throwIfNoEntry: false });
      if (stats !== undefined) return isWhiteout(stats) ? undefined : { path, stats };
    }
    return undefined;
  }

  /** Names in a directory, sorted; none where there is no such directory. */
  names(relative: string): string[] {
    const seen = new Set<string>();
    for (const place of this.#placesOf(relative)) {
      for (const name of readdirSync(fileName(place), { encoding: 'buffer' })) seen.add(decodeName(name));
    }
    const prefix = relative === '' ? '' : `${relative}/`;
    return [...seen].filter((name) => this.find(`${prefix}${name}`) !== undefined).sort();
  }

  #placesOf(relative: string): readonly string[] {
    const known = this.#places.get(relative);
    if (known !== undefined) return known;
    const slash = relative.lastIndexOf('/');
    const name = relative.slice(slash + 1);
    const found: string[] = [];
    for (const place of this.#placesOf(relative.slice(0, Math.max(slash, 0)))) {
      const path = `${place}/${name}`;
      const stats = lstatSync(fileName(path), { throwIfNoEntry: false });
      if (stats === undefined) continue;
      if (!stats.isDirectory()) break;
      found.push(path);
      if (isOpaque(path, this.#opaqueXattr)) break;
    }
    this.#places.set(relative, found);
    return found;
  }
}

export function isOpaque(directory: string, opaqueXattr: string): boolean {
  try {
    return lgetxattr(fileName(directory), opaqueXattr)?.toString() === 'y';
  } catch (error) {
    if (['ENOTSUP', 'EOPNOTSUPP'].includes(sysErrno(error) ?? '')) return false; // a file system without attributes
    throw error;
  }
}
