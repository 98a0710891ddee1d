import type { ContainerStatus as WireStatus } from '../../api/container.js';

/** `starting` is between the journal entry and the first instruction of the container; the wire does not know it. */
export type Status = WireStatus | 'starting';

export type ContainerEvent =
  | 'start'
  | 'started'
  | 'start-failed-new'
  | 'start-failed'
  | 'exited'
  | 'will-restart'
  | 'restart-cancelled'
  | 'pause'
  | 'unpause'
  | 'remove'
  | 'remove-failed';

/** What may happen in which status, and what comes of it. What has no entry is refused. */
export const transitions: Readonly<Record<Status, Readonly<Partial<Record<ContainerEvent, Status>>>>> = {
  created: { start: 'starting', remove: 'removing' },
  starting: { started: 'running', 'start-failed-new': 'created', 'start-failed': 'exited' },
  running: { pause: 'paused', exited: 'exited', 'will-restart': 'restarting' },
  paused: { unpause: 'running', exited: 'exited', 'will-restart': 'restarting' },
  restarting: { start: 'starting', 'restart-cancelled': 'exited' },
  exited: { start: 'starting', remove: 'removing' },
  removing: { 'remove-failed': 'dead', remove: 'removing' },
  dead: { remove: 'removing' },
};

export function nextStatus(status: Status, event: ContainerEvent): Status | undefined {
  return transitions[status][event];
}

/** Whether there are processes. */
export function isLive(status: Status): boolean {
  return status === 'running' || status === 'paused';
}
