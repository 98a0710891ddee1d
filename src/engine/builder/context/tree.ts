import { lstatSync, type BigIntStats } from 'node:fs';
import { breather } from '../../../base/breathe.js';
import type { IgnoreRules } from '../../../base/ignore-rules.js';
import { fileName } from '../../../base/tar/names.js';
import { readLink, readNames } from '../../../base/tar/read-names.js';

export type EntryType = 'file' | 'directory' | 'symlink' | 'fifo' | 'socket' | 'character-device' | 'block-device';

/** One file of a tree that COPY reads. */
export interface TreeEntry {
  /** Relative to the root of the walk; `` is the walk's own start. */
  readonly path: string;
  readonly type: EntryType;
  /** Permission bits with setuid, setgid and sticky. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly stats: BigIntStats;
  readonly linkTarget?: string;
}

export interface WalkOptions {
  readonly root: string;
  /** Where to start, relative to `root`, without links in it. */
  readonly start: string;
  readonly ignore: IgnoreRules;
  readonly signal: AbortSignal;
}

/**
 * The start and everything below it that is not ignored, parents before children, names in byte order. A directory
 * that is ignored but holds something let in again is listed.
 */
export async function walkTree({ root, start, ignore, signal }: WalkOptions): Promise<TreeEntry[]> {
  const entries: TreeEntry[] = [];
  const pause = breather(signal);
  const visit = async (path: string): Promise<void> => {
    await pause();
    const inContext = start === '' ? path : path === '' ? start : `${start}/${path}`;
    const whole = inContext === '' ? root : `${root}/${inContext}`;
    const stats = lstatSync(fileName(whole), { bigint: true, throwIfNoEntry: false });
    if (stats === undefined) return; // went away while we looked
    const ignored = inContext !== '' && ignore.ignores(inContext);
    const entry = entryOf(path, whole, stats);
    if (entry.type !== 'directory') {
      if (!ignored) entries.push(entry);
      return;
    }
    if (ignored && ignore.prunes(inContext)) return;
    const before = entries.length;
    entries.push(entry);
    for (const name of readNames(whole)) {
      await visit(path === '' ? name : `${path}/${name}`);
    }
    if (ignored && entries.length === before + 1) entries.pop(); // nothing in it was let in again
  };
  await visit('');
  return entries;
}

function entryOf(path: string, whole: string, stats: BigIntStats): TreeEntry {
  const type = typeOf(stats);
  return {
    path,
    type,
    mode: Number(stats.mode & 0o7777n),
    uid: Number(stats.uid),
    gid: Number(stats.gid),
    stats,
    ...(type === 'symlink' ? { linkTarget: readLink(whole) } : {}),
  };
}

function typeOf(stats: BigIntStats): EntryType {
  if (stats.isFile()) return 'file';
  if (stats.isDirectory()) return 'directory';
  if (stats.isSymbolicLink()) return 'symlink';
  if (stats.isFIFO()) return 'fifo';
  if (stats.isSocket()) return 'socket';
  return stats.isCharacterDevice() ? 'character-device' : 'block-device';
}
