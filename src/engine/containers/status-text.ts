import type { HealthStatus } from '../../api/container.js';
import { humanDuration } from '../../base/human-duration.js';
import type { ContainerState } from './record.js';
import { parseTime } from './time.js';

/** For people: `Up 2 minutes (healthy)`, `Exited (0) 3 seconds ago`. */
export function renderStatus(state: ContainerState, health: HealthStatus | undefined, now: bigint): string {
  switch (state.status) {
    case 'running':
      return `Up ${since(state.startedAt, now)}${health === undefined ? '' : ` (${healthText(health)})`}`;
    case 'paused':
      return `Up ${since(state.startedAt, now)} (Paused)`;
    case 'restarting':
      return `Restarting (${state.exitCode}) ${since(state.finishedAt, now)} ago`;
    case 'removing':
      return 'Removal In Progress';
    case 'dead':
      return 'Dead';
    case 'created':
      return 'Created';
    case 'starting':
    case 'exited':
      return parseTime(state.startedAt) === undefined || state.finishedAt.startsWith('0001')
        ? 'Created'
        : `Exited (${state.exitCode}) ${since(state.finishedAt, now)} ago`;
  }
}

function healthText(health: HealthStatus): string {
  return health === 'starting' ? 'health: starting' : health;
}

function since(time: string, now: bigint): string {
  return humanDuration(Number((now - (parseTime(time) ?? now)) / 1_000_000n));
}
