import { chmodSync, lchownSync, type Stats } from 'node:fs';
import { fileName } from '../../base/tar/names.js';
import { lgetxattr, llistxattr, lsetxattr, sysErrno } from '../sys/index.js';

const unsupported = ['ENOTSUP', 'EOPNOTSUPP', 'EPERM'];

/** Owner, mode and attributes of one file for another, without overlayfs' own; times are left to the caller. */
export function copyMetadata(from: string, stats: Stats, to: string): void {
  const target = fileName(to);
  lchownSync(target, stats.uid, stats.gid);
  if (!stats.isSymbolicLink()) chmodSync(target, stats.mode & 0o7777);
  for (const [name, value] of readXattrs(from)) {
    if (isOverlayXattr(name)) continue;
    try {
      lsetxattr(target, name, value);
    } catch (error) {
      if (!unsupported.includes(sysErrno(error) ?? '')) throw error;
    }
  }
}

/** All attributes of a file, not following a link; none on a file system without them. */
export function readXattrs(path: string): Map<string, Buffer> {
  const file = fileName(path);
  const found = new Map<string, Buffer>();
  try {
    for (const name of llistxattr(file)) {
      const value = lgetxattr(file, name);
      if (value !== undefined) found.set(name, value);
    }
  } catch (error) {
    if (!unsupported.includes(sysErrno(error) ?? '')) throw error;
  }
  return found;
}

/** overlayfs' bookkeeping: meaningful only where overlayfs, or we, put it. */
export function isOverlayXattr(name: string): boolean {
  return name.startsWith('trusted.overlay.') || name.startsWith('user.overlay.');
}
