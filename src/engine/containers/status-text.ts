import type { HealthStatus } from '../../api/container.js';
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
  return humanDuration(Number((now - (parseTime(time) ?? now)) / 1_000_000_000n));
}

const hour = 3_600;
const day = 24 * hour;

/** As the docker command shows it. */
export function humanDuration(seconds: number): string {
  if (seconds < 1) return 'Less than a second';
  if (seconds === 1) return '1 second';
  if (seconds < 60) return `${seconds} seconds`;
  const minutes = Math.floor(seconds / 60);
  if (minutes === 1) return 'About a minute';
  if (minutes < 60) return `${minutes} minutes`;
  const hours = Math.round(seconds / hour);
  if (hours === 1) return 'About an hour';
  if (hours < 48) return `${hours} hours`;
  if (seconds < 14 * day) return `${Math.floor(seconds / day)} days`;
  if (seconds < 60 * day) return `${Math.floor(seconds / (7 * day))} weeks`;
  if (seconds < 730 * day) return `${Math.floor(seconds / (30 * day))} months`;
  return `${Math.floor(seconds / (365 * day))} years`;
}
