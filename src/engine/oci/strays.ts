import { readdirSync, readFileSync } from 'node:fs';

/** A monitor or a runtime command that works for containers of ours. */
export interface Helper {
  readonly pid: number;
  readonly program: 'monitor' | 'runtime';
  readonly containerId: string;
}

/**
 * Monitors and runtime commands (`create`, `run`, `exec`, …) under one runtime state folder, found by their command
 * lines: an engine that was killed half way may have left some that no file tells of yet.
 */
export function findHelpers(runtimeRoot: string): Helper[] {
  return readdirSync('/proc').flatMap((name): Helper[] => {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === process.pid) return [];
    const words = commandLine(pid);
    if (!words.includes(runtimeRoot)) return [];
    if (words[0]?.endsWith('conmon') === true) {
      const containerId = words[words.indexOf('-c') + 1];
      return containerId === undefined ? [] : [{ pid, program: 'monitor', containerId }];
    }
    // `crun --root ROOT [options] command [options] ID`; the first process of a container looks so until it executes.
    const containerId = words.at(-1);
    return words.indexOf('--root') > 0 && containerId !== undefined ? [{ pid, program: 'runtime', containerId }] : [];
  });
}

function commandLine(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1);
  } catch {
    return []; // gone meanwhile
  }
}
