import { chmodSync, chownSync, lstatSync, mkdirSync, writeFileSync, type BigIntStats } from 'node:fs';
import { dirname } from 'node:path';
import { fileName } from '../../../base/tar/names.js';
import { setTimes, type PathName } from '../../sys/index.js';
import { resolveInRoot } from '../context/scoped-path.js';

export interface MountPoint {
  /** Absolute in the root file system. */
  readonly path: string;
  readonly type: 'file' | 'directory';
}

/**
 * Fills an empty directory with the mount points that `root` lacks. Put between a chain and the upper directory of a
 * RUN, it keeps what would have to be made for its `--mount`s out of the layer. Directories on the way look as they do in `root`,
 * for an overlay shows the topmost.
 */
export function writeMountPoints(directory: string, root: string, points: readonly MountPoint[]): void {
  const times: { path: PathName; stats: BigIntStats }[] = [];
  const likeIn = (path: string): void => {
    const own = fileName(path === '' ? directory : `${directory}/${path}`);
    const stats = lstatSync(fileName(path === '' ? root : `${root}/${path}`), { bigint: true, throwIfNoEntry: false });
    if (path !== '') {
      if (lstatSync(own, { throwIfNoEntry: false }) !== undefined) return;
      likeIn(parentOf(path));
      mkdirSync(own);
    }
    chmodSync(own, stats === undefined ? 0o755 : Number(stats.mode & 0o7777n));
    if (stats === undefined) return;
    chownSync(own, Number(stats.uid), Number(stats.gid));
    times.push({ path: own, stats });
  };
  likeIn('');
  for (const point of points) {
    const { path, exists } = resolveInRoot(root, point.path, 'follow-last');
    const own = fileName(`${directory}/${path}`);
    if (exists || path === '' || lstatSync(own, { throwIfNoEntry: false }) !== undefined) continue;
    likeIn(parentOf(path));
    if (point.type === 'directory') mkdirSync(own, { mode: 0o755 });
    else writeFileSync(own, '', { mode: 0o644 });
  }
  for (const { path, stats } of times.reverse()) setTimes(path, { mtimeNs: stats.mtimeNs });
}

/** Makes the root of a fresh upper directory look like that of the chain below it. */
export function likeRoot(upper: string, root: string | undefined): void {
  const stats = root === undefined ? undefined : lstatSync(root);
  chmodSync(upper, stats === undefined ? 0o755 : stats.mode & 0o7777);
  if (stats !== undefined) chownSync(upper, stats.uid, stats.gid);
}

function parentOf(path: string): string {
  const parent = dirname(path);
  return parent === '.' ? '' : parent;
}
