import { closeSync, constants, fstatSync, readFileSync } from 'node:fs';
import { sysErrno } from './call-failed.js';
import { openBeneath } from './files.js';

/** The text of a file, or why there is none. */
export type SmallFile =
  | { readonly text: string }
  | { readonly text: undefined; readonly reason: 'missing' | 'not a regular file' | 'too large' };

/**
 * Reads a file of somebody else's tree with `root` as its `/`. No link leads out, no fifo or device holds us up, and no
 * size takes our memory.
 * @throws `sys/call-failed` where it is there and cannot be opened
 */
export function readSmallFile(root: string, path: string, maxBytes: number): SmallFile {
  let fd: number;
  try {
    fd = openBeneath(root, path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch (error) {
    const errno = sysErrno(error) ?? '';
    if (['ENOENT', 'ENOTDIR', 'ELOOP'].includes(errno)) return { text: undefined, reason: 'missing' };
    // A socket, and a device without a driver.
    if (['ENXIO', 'ENODEV'].includes(errno)) return { text: undefined, reason: 'not a regular file' };
    throw error;
  }
  try {
    const stats = fstatSync(fd);
    if (!stats.isFile()) return { text: undefined, reason: 'not a regular file' };
    return stats.size > maxBytes ? { text: undefined, reason: 'too large' } : { text: readFileSync(fd, 'utf8') };
  } finally {
    closeSync(fd);
  }
}
