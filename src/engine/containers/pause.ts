import { TscomposeError } from '../../base/errors.js';
import type { Container } from './container.js';
import { notRunning } from './errors.js';
import { publish, type Room } from './room.js';

/** @throws `container/not-running`, `container/paused`, `oci/runtime-failed` */
export function pauseContainer(room: Room, container: Container): Promise<void> {
  return container.exclusive(async () => {
    const { id, state } = container;
    if (state.status === 'paused') {
      const message = `Container ${id} is already paused`;
      throw new TscomposeError({ code: 'container/paused', message, facts: { containerId: id } });
    }
    if (state.status !== 'running') throw notRunning(id);
    await room.oci.pause(id);
    await container.moved('pause');
    publish(room, container, 'pause');
  });
}

/** @throws `container/not-paused`, `oci/runtime-failed` */
export function unpauseContainer(room: Room, container: Container): Promise<void> {
  return container.exclusive(async () => {
    const { id, state } = container;
    if (state.status !== 'paused') {
      const message = `Container ${id} is not paused`;
      throw new TscomposeError({ code: 'container/not-paused', message, facts: { containerId: id } });
    }
    await room.oci.resume(id);
    await container.moved('unpause');
    publish(room, container, 'unpause');
  });
}

/** Runs `work` while nothing in the container moves, where that is asked for. */
export async function heldStill<T>(
  room: Room,
  container: Container,
  { pause }: { readonly pause: boolean },
  work: () => Promise<T>,
): Promise<T> {
  if (!pause || container.state.status !== 'running') return work();
  await pauseContainer(room, container);
  try {
    return await work();
  } finally {
    if (isPaused(container)) await unpauseContainer(room, container);
  }
}

function isPaused({ state }: Container): boolean {
  return state.status === 'paused';
}
