import { closeSync, constants, openSync } from 'node:fs';
import { hasCode } from '../../base/errors.js';
import { callFailed } from './call-failed.js';
import { native } from './native.js';
import { runToolSync } from './tool.js';

const LOCK_EX = 2;
const LOCK_NB = 4;
const EWOULDBLOCK = 11;

export interface HeldLock {
  /** Gives the lock back; the file stays, so that two engines can never lock two files of one name. */
  release(): void;
}

/**
 * flock(2) on the file at `path`, made when it is missing. The lock belongs to the open file, so it ends with the
 * process however that ends. @returns undefined when somebody else holds it. @throws `sys/call-failed`
 */
export function tryLock(path: string): HeldLock | undefined {
  const fd = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600);
  try {
    if (!lock(fd, path)) {
      closeSync(fd);
      return undefined;
    }
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  let held = true;
  return {
    release: () => {
      if (held) closeSync(fd);
      held = false;
    },
  };
}

function lock(fd: number, path: string): boolean {
  const libc = native()?.libc;
  if (libc !== undefined) {
    if (libc.flock(fd, LOCK_EX | LOCK_NB) === 0) return true;
    if (libc.errno() === EWOULDBLOCK) return false;
    throw callFailed('flock', [path], libc.errno());
  }
  try {
    runToolSync('flock', ['--nonblock', '3'], { fd }); // locks the open file that it shares with us
    return true;
  } catch (error) {
    if (!hasCode(error, 'sys/call-failed')) throw error;
    return false;
  }
}
