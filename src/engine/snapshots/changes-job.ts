import { lstatSync, readdirSync, type Stats } from 'node:fs';
import type { FilesystemChange } from '../../api/container.js';
import { decodeName, fileName } from '../../base/tar/names.js';
import { lgetxattr, sysErrno } from '../sys/index.js';
import { isMarker, isWhiteout } from './layer-tree.js';
import { isOpaque, LowerView } from './lower-view.js';

export interface ChangesJob {
  readonly kind: 'changes';
  /** Top first. */
  readonly lower: readonly string[];
  readonly upperDir: string;
  readonly opaqueXattr: string;
}

const modified = 0;
const added = 1;
const deleted = 2;

/** What `upperDir` changes, sorted by path. A directory counts as modified when something in it was. */
export function runChanges(job: ChangesJob): FilesystemChange[] {
  const lower = new LowerView(job.lower, job.opaqueXattr);
  const changes: FilesystemChange[] = [];
  const report = (relative: string, kind: 0 | 1 | 2) => void changes.push({ Path: `/${relative}`, Kind: kind });

  /** @returns whether anything below differs. `over`: there is a directory at the same place below us. */
  const directory = (relative: string, over: boolean): boolean => {
    const path = relative === '' ? job.upperDir : `${job.upperDir}/${relative}`;
    const prefix = relative === '' ? '' : `${relative}/`;
    const names = readdirSync(fileName(path), { encoding: 'buffer' })
      .map(decodeName)
      .filter((name) => !isMarker(name));
    const before = changes.length;
    for (const name of names) entry(`${prefix}${name}`, over);
    if (over && relative !== '' && isOpaque(path, job.opaqueXattr)) {
      const own = new Set(names);
      for (const name of lower.names(relative)) if (!own.has(name)) report(`${prefix}${name}`, deleted);
    }
    return changes.length > before;
  };

  const entry = (relative: string, over: boolean) => {
    const path = `${job.upperDir}/${relative}`;
    const stats = lstatSync(fileName(path));
    const below = over ? lower.find(relative) : undefined;
    if (isWhiteout(stats)) {
      if (below !== undefined) report(relative, deleted);
      return;
    }
    if (below === undefined) report(relative, added);
    if (stats.isDirectory()) {
      const changedInside = directory(relative, below?.stats.isDirectory() === true);
      if (below !== undefined && (changedInside || differs(path, stats, below))) report(relative, modified);
    } else if (below !== undefined && differs(path, stats, below)) {
      report(relative, modified);
    }
  };

  directory('', true);
  return changes.sort((a, b) => (a.Path < b.Path ? -1 : a.Path > b.Path ? 1 : 0));
}

/** Copying a file up keeps all of this, so that a file only opened for writing does not count. */
export function differs(path: string, stats: Stats, below: { readonly path: string; readonly stats: Stats }): boolean {
  const other = below.stats;
  if (stats.mode !== other.mode || stats.uid !== other.uid || stats.gid !== other.gid) return true;
  if (stats.rdev !== other.rdev) return true;
  if (stats.isDirectory()) return false;
  if (stats.size !== other.size || stats.mtimeMs !== other.mtimeMs) return true;
  return stats.isFile() && capability(path) !== capability(below.path);
}

function capability(path: string): string | undefined {
  try {
    return lgetxattr(fileName(path), 'security.capability')?.toString('hex');
  } catch (error) {
    if (['ENOTSUP', 'EOPNOTSUPP'].includes(sysErrno(error) ?? '')) return undefined;
    throw error;
  }
}
