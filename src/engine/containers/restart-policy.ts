import type { RestartPolicy } from '../../api/container.js';
import type { RestartPace } from '../../api/tscompose.js';

const firstDelayMs = 100;
const longestDelayMs = 60_000;
/** A run this long counts as a success, and the next wait is short again. */
export const steadyMs = 10_000;

export interface EndedRun {
  readonly exitCode: number;
  readonly ranMs: number;
  /** By stop, kill or remove. */
  readonly byUser: boolean;
  readonly restartCount: number;
  /** The wait before this run. */
  readonly lastDelayMs: number;
  /** Short runs in a row before this one. */
  readonly shortRuns: number;
}

/** @returns how long to wait before the next start; undefined for no restart */
export function restartDelay(
  policy: RestartPolicy | undefined,
  run: EndedRun,
  pace: RestartPace = {},
): number | undefined {
  if (run.byUser || !wants(policy, run, pace)) return undefined;
  if (pace.delayMs !== undefined) return pace.delayMs;
  if (run.lastDelayMs === 0 || isSteady(run, pace)) return firstDelayMs;
  return Math.min(run.lastDelayMs * 2, longestDelayMs);
}

/** Whether a run was long enough to count as a success. */
export function isSteady({ ranMs }: Pick<EndedRun, 'ranMs'>, { windowMs = steadyMs }: RestartPace): boolean {
  return ranMs >= windowMs;
}

function wants(policy: RestartPolicy | undefined, run: EndedRun, pace: RestartPace): boolean {
  const { exitCode, restartCount } = run;
  const { maxAttempts } = pace;
  const triesLeft = maxAttempts === undefined || isSteady(run, pace) || run.shortRuns < maxAttempts;
  switch (policy?.Name ?? '') {
    case 'always':
    case 'unless-stopped':
      return triesLeft;
    case 'on-failure': {
      // With a window a success gives all attempts back; without one Docker counts over the container's life.
      if (pace.windowMs !== undefined && maxAttempts !== undefined) return exitCode !== 0 && triesLeft;
      const most = policy?.MaximumRetryCount ?? 0;
      return exitCode !== 0 && (most === 0 || restartCount < most);
    }
    default:
      return false;
  }
}

/** Whether the end of a run is something a policy answers, as long as it has attempts left. */
export function isCrash(policy: RestartPolicy | undefined, { exitCode }: Pick<EndedRun, 'exitCode'>): boolean {
  const name = policy?.Name ?? '';
  return name === 'always' || name === 'unless-stopped' || (name === 'on-failure' && exitCode !== 0);
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
