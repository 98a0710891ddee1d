import { closeSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { randomUUID } from 'node:crypto';
import { mount, unmount } from './mounts.js';
import { O_PATH } from './open-flags.js';

/**
 * Another way to a file, by which nobody can open it for writing: through a read-only mount that is in no tree.
 * @param dir - a folder of ours; nothing stays there
 * @returns a path for this process and those that it starts, as long as this one lives
 * @throws `sys/call-failed`
 */
export function readOnlyFile(path: string, dir: string): string {
  const target = join(dir, `.read-only-${randomUUID()}`);
  writeFileSync(target, '', { mode: 0o600 });
  let fd: number | undefined;
  try {
    mount({ source: path, target, flags: ['bind'] });
    try {
      mount({ target, flags: ['bind', 'remount', 'ro'] });
      fd = openSync(target, O_PATH);
    } finally {
      unmount(target, { detach: true });
    }
    return `/proc/${process.pid}/fd/${fd}`;
  } catch (error) {
    if (fd !== undefined) closeSync(fd);
    throw error;
  } finally {
    rmSync(target, { force: true });
  }
}
