import type { ContainerInspect, HealthState } from '../api/container.js';
import type { WaitFor } from '../plan/index.js';

/** Why a container will not come to the state that someone waits for. */
export type Obstacle =
  | { readonly kind: 'exited'; readonly exitCode: number; readonly oomKilled: boolean }
  | { readonly kind: 'unhealthy'; readonly probes: readonly string[] }
  | { readonly kind: 'no-health-check' }
  | { readonly kind: 'start-failed'; readonly message: string };

export type Verdict =
  { readonly met: true; readonly status: string } | { readonly met: false; readonly obstacle: Obstacle };

/** Whether a container has come to `condition`; undefined while it still may. */
export function judge(condition: WaitFor, { State: state }: ContainerInspect): Verdict | undefined {
  switch (state.Status) {
    case 'created':
      return state.Error === '' ? undefined : failed({ kind: 'start-failed', message: state.Error });
    case 'restarting': // its restart policy gives it another try
      return undefined;
    case 'exited':
    case 'dead':
    case 'removing':
      if ((condition === 'completed' || condition === 'settled') && state.ExitCode === 0)
        return { met: true, status: 'Exited' };
      return failed({ kind: 'exited', exitCode: state.ExitCode, oomKilled: state.OOMKilled });
    case 'running':
    case 'paused':
      return condition === 'completed' ? undefined : judgeHealth(condition, state);
  }
}

function judgeHealth(
  condition: WaitFor,
  { Health: health = noHealthCheck }: ContainerInspect['State'],
): Verdict | undefined {
  switch (health.Status) {
    case 'none':
      return condition === 'ready' || condition === 'settled'
        ? { met: true, status: 'Running' }
        : failed({ kind: 'no-health-check' });
    case 'healthy':
      return { met: true, status: 'Healthy' };
    case 'unhealthy':
      return failed({ kind: 'unhealthy', probes: probesOf(health.Log) });
    case 'starting':
      return undefined;
  }
}

const noHealthCheck: HealthState = { Status: 'none', FailingStreak: 0, Log: [] };

function failed(obstacle: Obstacle): Verdict {
  return { met: false, obstacle };
}

/** Output of the last probes, the latest last. */
function probesOf(log: HealthState['Log'] | null): string[] {
  return (log ?? []).slice(-3).map(({ ExitCode, Output }) => `exit code ${ExitCode}: ${Output.trim()}`);
}
