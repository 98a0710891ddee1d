import { readdirSync, readFileSync } from 'node:fs';
import { isContainerId } from './container-id.js';

/** A monitor or a runtime command that works for containers of ours. */
export interface Helper {
  readonly pid: number;
  readonly containerId: string;
}

/**
 * Monitors and runtime commands (`create`, `run`, `exec`, …) under one runtime state folder, found by their command
 * lines: an engine that was killed half way may have left some that no file tells of yet. Anybody can choose such a
 * command line, other users and containers among them: only processes of our user in our process namespace are
 * believed, and of what they say only what is an id.
 */
export function findHelpers(runtimeRoot: string): Helper[] {
  const own = standing('self');
  return readdirSync('/proc').flatMap((name): Helper[] => {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === process.pid) return [];
    const words = readIfThere(`/proc/${pid}/cmdline`).split('\0').slice(0, -1);
    if (!words.includes(runtimeRoot) || standing(pid) !== own) return [];
    // `crun --root ROOT [options] command [options] ID`, or a monitor's `-c ID`
    const isMonitor = words[0]?.endsWith('conmon') === true;
    if (!isMonitor && !words.includes('--root')) return [];
    const containerId = isMonitor ? words[words.indexOf('-c') + 1] : words.at(-1);
    return containerId !== undefined && isContainerId(containerId) ? [{ pid, containerId }] : [];
  });
}

/** Of which users a process has the rights, and how many process namespaces deep it is (proc_pid_status(5)). */
function standing(pid: number | 'self'): string {
  const lines = readIfThere(`/proc/${pid}/status`).split('\n');
  const users = lines.find((line) => line.startsWith('Uid:')) ?? '';
  const numbers = lines.find((line) => line.startsWith('NSpid:')) ?? '';
  return `${users} ${numbers.split('\t').length}`;
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // gone meanwhile
  }
}
