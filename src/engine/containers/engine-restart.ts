import { messageOf } from '../../base/errors.js';
import type { Container } from './container.js';
import { runHooks } from './hooks.js';
import type { Room } from './room.js';
import { terminate } from './stop.js';
import { without } from './without.js';

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
  container.engineRestart =
    inRow === undefined ? { delayMs: Number(why) } : { delayMs: pauseMs(inRow), unhealthyRestarts: inRow };
  room.log.info('container is restarted by the engine', { containerId: container.id, why });
  void endRun(room, container);
}

/** Goes on with a restart that an earlier engine had begun. */
export function resumeRestart(room: Room, container: Container): void {
  if (container.state.engineRestart === undefined) return;
  container.engineRestart = container.state.engineRestart;
  void endRun(room, container);
}

/** Never rejects. */
async function endRun(room: Room, container: Container): Promise<void> {
  const { startedAt } = container.state;
  try {
    await writeDown(container); // an engine that dies now is followed by one that goes on
    await runHooks(room, container, 'pre_stop');
    if (container.state.startedAt !== startedAt) return; // another run: somebody was faster
    await terminate(room, container, {}, room.closing);
  } catch (error) {
    if (room.closing.aborted) return; // as above
    room.log.warn('cannot restart a container', { containerId: container.id, reason: messageOf(error) });
    container.engineRestart = undefined;
    await writeDown(container).catch(() => undefined); // the warning stands
  }
}

async function writeDown(container: Container): Promise<void> {
  await container.exclusive(async () => {
    if (!container.isLive || container.gone) return;
    const { engineRestart } = container;
    const state = without(container.state, 'engineRestart');
    await container.note({ state: engineRestart === undefined ? state : { ...state, engineRestart } });
  });
}

/** Which restart in a row this one is, counted from 1. */
function inARow({ state, health }: Container): number {
  return (health?.healthyForMs ?? 0) >= steadyHealthMs ? 1 : (state.unhealthyRestarts ?? 0) + 1;
}

/** None before the first one. */
function pauseMs(inRow: number): number {
  return inRow <= 1 ? 0 : Math.min(firstDelayMs * 2 ** (inRow - 2), longestDelayMs);
}
