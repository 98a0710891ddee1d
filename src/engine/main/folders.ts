import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  mkdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { errnoOf, messageOf, TscomposeError } from '../../base/errors.js';
import { tryLock } from '../sys/index.js';
import './errors.js';

/** Owner only, but to be passed through: processes in containers may have other ids. */
const folderMode = 0o711;

/**
 * Makes a folder of the engine and takes it for this process alone, until the process ends.
 * @returns gives it back
 * @param lockedCode - given when another process has it, whose id the message has
 * @throws `lockedCode`; `engine/bad-folder`
 */
export function takeFolder(path: string, lockedCode: 'engine/locked' | 'engine/data-locked'): () => void {
  makeFolder(path);
  const { uid, mode } = statSync(path);
  if (uid !== process.geteuid?.()) {
    throw badFolder(path, `it belongs to the user with id ${uid}`);
  }
  if ((mode & 0o022) !== 0) chmodSync(path, folderMode); // nobody else may put anything here
  const file = join(path, 'engine.lock');
  const lock = tryLock(file);
  if (lock === undefined) {
    const pid = holderOf(file);
    throw new TscomposeError({
      code: lockedCode,
      message: `another engine${pid === undefined ? '' : `, process ${pid},`} uses ${path}`,
      facts: { path, pid },
      hint: 'use that one, end it with "tscompose engine stop", or give this one other folders with TSCOMPOSE_DATA_ROOT and TSCOMPOSE_RUNTIME_DIR',
    });
  }
  writeFileSync(file, `${process.pid}\n`); // same inode: the lock stays
  return () => lock.release();
}

function makeFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: folderMode });
    accessSync(path, constants.W_OK);
  } catch (error) {
    throw badFolder(path, readOnlyAbove(path) ?? messageOf(error));
  }
}

/** Why nothing can be made there: Node's own word for it is `ENOENT`. */
function readOnlyAbove(path: string): string | undefined {
  if (!existsSync(path)) return readOnlyAbove(dirname(path));
  try {
    accessSync(path, constants.W_OK);
    return undefined;
  } catch (error) {
    return errnoOf(error) === 'EROFS' ? `${path} is on a read-only file system` : undefined;
  }
}

function holderOf(file: string): number | undefined {
  const pid = Number(readFileSync(file, 'utf8').trim() || NaN);
  return Number.isInteger(pid) && pid > 0 ? pid : undefined;
}

function badFolder(path: string, reason: string): TscomposeError<'engine/bad-folder'> {
  return new TscomposeError({
    code: 'engine/bad-folder',
    message: `cannot use ${path} as a folder of the engine: ${reason}`,
    facts: { path, reason },
    hint: 'name another one with TSCOMPOSE_DATA_ROOT or TSCOMPOSE_RUNTIME_DIR',
  });
}
