import type { Stats } from 'node:fs';
import type { PathStat } from '../../api/container.js';

/** Bits of Go's file mode above the permissions, in which the Engine API shows modes. */
const directory = 2 ** 31;
const symlink = 2 ** 27;
const device = 2 ** 26;
const namedPipe = 2 ** 25;
const socket = 2 ** 24;
const setuid = 2 ** 23;
const setgid = 2 ** 22;
const charDevice = 2 ** 21;
const sticky = 2 ** 20;

export function goMode(
  stats: Pick<
    Stats,
    'mode' | 'isDirectory' | 'isSymbolicLink' | 'isBlockDevice' | 'isCharacterDevice' | 'isFIFO' | 'isSocket'
  >,
): PathStat['mode'] {
  let mode = stats.mode & 0o777;
  if (stats.isDirectory()) mode += directory;
  if (stats.isSymbolicLink()) mode += symlink;
  if (stats.isBlockDevice()) mode += device;
  if (stats.isCharacterDevice()) mode += device + charDevice;
  if (stats.isFIFO()) mode += namedPipe;
  if (stats.isSocket()) mode += socket;
  if ((stats.mode & 0o4000) !== 0) mode += setuid;
  if ((stats.mode & 0o2000) !== 0) mode += setgid;
  if ((stats.mode & 0o1000) !== 0) mode += sticky;
  return mode;
}
