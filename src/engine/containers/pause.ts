import { TscomposeError } from '../../base/errors.js';
import { isAlive } from '../sys/index.js';
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

/**
 * Has a container go on that is paused when its turn comes. On cgroup v2 SIGKILL ends processes that are held, too: then
 * there is nothing to go on with, and its exit follows.
 * @returns whether it goes on
 * @throws `oci/runtime-failed`
 */
export function letGoOn(room: Room, container: Container): Promise<boolean> {
  return container.exclusive(async () => {
    const { status, process } = container.state;
    if (status !== 'paused') return false;
    try {
      await room.oci.resume(container.id);
    } catch (error) {
      if (process === undefined || !isAlive(process)) return false;
      throw error;
    }
    await container.moved('unpause');
    return true;
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
    if (await letGoOn(room, container)) publish(room, container, 'unpause');
  }
}
