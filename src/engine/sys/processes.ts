import { closeSync, constants, openSync, readFileSync } from 'node:fs';
import { errnoOf } from '../../base/errors.js';
import { callFailed } from './call-failed.js';
import { O_PATH } from './open-flags.js';

/** A process that cannot be mistaken for a later one with the same number. */
export interface ProcessIdentity {
  readonly pid: number;
  /** {@link processStartTime} */
  readonly startTime: string;
}

/** Field 22 of /proc/PID/stat (proc_pid_stat(5)): clock ticks since boot; undefined when there is no such process. */
export function processStartTime(pid: number): string | undefined {
  return statFields(pid)?.[19];
}

/** Whether exactly this process still exists and is not a zombie. */
export function isAlive({ pid, startTime }: ProcessIdentity): boolean {
  const fields = statFields(pid);
  return fields?.[19] === startTime && fields[0] !== 'Z' && fields[0] !== 'X';
}

/**
 * Opens the folder that exactly this process has in /proc. What is looked up beneath it is of this process; once that has
 * ended nothing is found there any more (ENOENT, ESRCH), whoever has its number then.
 * @returns a file descriptor that the caller closes; undefined when the process has ended
 */
export function openProcess(process: ProcessIdentity): number | undefined {
  let fd: number;
  try {
    fd = openSync(`/proc/${process.pid}`, O_PATH | constants.O_DIRECTORY);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
  if (isAlive(process)) return fd;
  closeSync(fd);
  return undefined;
}

/** The fields after the command name, which may itself hold spaces and parentheses; the first one is field 3, the state. */
function statFields(pid: number): string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes(errnoOf(error) ?? '')) return undefined;
    throw error;
  }
}

/** kill(2). @returns false when there is no such process. @throws `sys/call-failed` */
export function sendSignal(pid: number, signal: string | number): boolean {
  try {
    return process.kill(pid, signal);
  } catch (error) {
    const errno = errnoOf(error) ?? 'EINVAL';
    if (errno === 'ESRCH') return false;
    throw callFailed('kill', [pid, signal], errno === 'ERR_UNKNOWN_SIGNAL' ? 'EINVAL' : errno);
  }
}
