import { messageOf } from '../../base/errors.js';
import type { Container } from './container.js';
import { runHooks } from './hooks.js';
import type { Room } from './room.js';
import { terminate } from './stop.js';

const firstDelayMs = 1_000;
const longestDelayMs = 60_000;
/** A container that was healthy for so long has done well, and the next wait is none again. */
const steadyHealthMs = 60_000;

/**
 * Ends a run as `stop` would and has the scheduler start the next one, though no client asked and whatever the restart
 * policy says. Does nothing while the container does not run, or somebody stops it.
 * @param why - `unhealthy`: each time in a row is followed by a longer pause; a number: the pause in ms
 */
export function restartByEngine(room: Room, container: Container, why: 'unhealthy' | number): void {
  const { state, engineRestart, stopRequested } = container;
  if (state.status !== 'running' || engineRestart !== undefined || stopRequested) return;
  const inRow = why === 'unhealthy' ? inARow(container) : undefined;
  container.engineRestart = { delayMs: inRow === undefined ? Number(why) : pauseMs(inRow), unhealthyRestarts: inRow };
  room.log.info('container is restarted by the engine', { containerId: container.id, why });
  endRun(room, container).catch((error: unknown) => {
    container.engineRestart = undefined;
    if (room.closing.aborted) return; // the next engine looks again
    room.log.warn('cannot restart a container', { containerId: container.id, reason: messageOf(error) });
  });
}

async function endRun(room: Room, container: Container): Promise<void> {
  const { startedAt } = container.state;
  await runHooks(room, container, 'pre_stop');
  if (container.state.startedAt !== startedAt) return; // another run: somebody was faster
  await terminate(room, container, {}, room.closing);
}

/** Which restart in a row this one is, counted from 1. */
function inARow({ state, health }: Container): number {
  return (health?.healthyForMs ?? 0) >= steadyHealthMs ? 1 : (state.unhealthyRestarts ?? 0) + 1;
}

/** None before the first one. */
export function pauseMs(inRow: number): number {
  return inRow <= 1 ? 0 : Math.min(firstDelayMs * 2 ** (inRow - 2), longestDelayMs);
}
