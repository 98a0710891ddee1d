import type { RestartPolicy } from '../../api/container.js';

const firstDelayMs = 100;
const longestDelayMs = 60_000;
/** A run this long counts as a success, and the next wait is short again. */
const steadyMs = 10_000;

export interface EndedRun {
  readonly exitCode: number;
  readonly ranMs: number;
  /** By stop, kill or remove. */
  readonly byUser: boolean;
  readonly restartCount: number;
  /** The wait before this run. */
  readonly lastDelayMs: number;
}

/** @returns how long to wait before the next start; undefined for no restart */
export function restartDelay(policy: RestartPolicy | undefined, run: EndedRun): number | undefined {
  if (run.byUser || !wants(policy, run)) return undefined;
  if (run.lastDelayMs === 0 || run.ranMs >= steadyMs) return firstDelayMs;
  return Math.min(run.lastDelayMs * 2, longestDelayMs);
}

function wants(policy: RestartPolicy | undefined, { exitCode, restartCount }: EndedRun): boolean {
  switch (policy?.Name ?? '') {
    case 'always':
    case 'unless-stopped':
      return true;
    case 'on-failure': {
      const most = policy?.MaximumRetryCount ?? 0;
      return exitCode !== 0 && (most === 0 || restartCount < most);
    }
    default:
      return false;
  }
}

/** Whether a container that ended without us, with the host or with an earlier engine, starts with the engine. */
export function startsWithEngine(
  policy: RestartPolicy | undefined,
  state: { stoppedByUser: boolean; exitCode: number },
): boolean {
  switch (policy?.Name ?? '') {
    case 'always':
      return true;
    case 'unless-stopped':
      return !state.stoppedByUser;
    case 'on-failure':
      return !state.stoppedByUser && state.exitCode !== 0;
    default:
      return false;
  }
}
