import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { hasCode, TscomposeError } from '../../base/errors.js';
import type { Filters } from '../../api/common.js';
import type { PruneReport } from '../../api/volume.js';
import type { Container } from './container.js';
import { removing } from './errors.js';
import { giveBack } from './give-back.js';
import { matchesPrune } from './list-filters.js';
import { folderOf, publish, type Room } from './room.js';
import { bequeathNetwork } from './shared-network.js';
import { forgetExit } from './start.js';
import { cancelRestart, killContainer } from './stop.js';
import { folderSize } from './sizes.js';

export interface RemoveOptions {
  readonly force: boolean;
  /** Anonymous volumes that nobody else uses go as well. */
  readonly volumes: boolean;
}

/** @throws `container/running`, `container/removing`, `container/stop-failed` */
export async function removeContainer(
  room: Room,
  container: Container,
  { force, volumes }: RemoveOptions,
  signal: AbortSignal,
): Promise<void> {
  if (container.state.status === 'removing') throw removing(container.id);
  await container.idle();
  if (isBusy(container)) {
    if (!force) throw stillRunning(container);
    await end(room, container, signal);
  }
  await container.exclusive(async () => {
    if (container.gone || container.state.status === 'removing') throw removing(container.id);
    if (isBusy(container)) throw stillRunning(container); // started again meanwhile
    await takeAway(room, container, volumes);
  });
}

function isBusy({ isLive, state }: Container): boolean {
  return isLive || state.status === 'restarting' || state.status === 'starting';
}

async function end(room: Room, container: Container, signal: AbortSignal): Promise<void> {
  if (await cancelRestart(container)) return;
  try {
    await killContainer(room, container, 'KILL', signal);
  } catch (error) {
    if (!hasCode(error, 'container/not-running')) throw error; // it ended by itself
  }
}

/** Under the container's turn. From `removing` on it can only be finished, if need be by the next engine. */
export async function takeAway(room: Room, container: Container, volumes: boolean): Promise<void> {
  const { id, record } = container;
  await container.forward?.finish();
  await container.moved('remove'); // who removes may be making room on a full disk
  const anonymous = volumes ? record.mounts.filter(({ type }) => type === 'volume') : [];
  try {
    await giveBack(room, container);
    await bequeathNetwork(room, container);
    // The name and the record go first, so that the rest, which may take long, holds nobody up. What is left is swept.
    await rename(folderOf(room, id), trashOf(room, id)).catch(() => undefined);
    container.gone = true;
    await room.registry.remove(container);
    forgetExit(room, id);
  } catch (error) {
    container.gone = false;
    await container.moved('remove-failed'); // it can be removed again
    throw error;
  }
  for (const { name = '' } of anonymous) await removeIfAnonymous(room, name); // who waits for the end finds them gone
  publish(room, container, 'destroy');
  container.signals.emit('removed');
  rm(trashOf(room, id), { recursive: true, force: true, maxRetries: 2 }).catch((error: unknown) => {
    room.log.warn('cannot delete the files of a removed container', { containerId: id, error });
  });
}

export const trashPrefix = '.trash-';

function trashOf(room: Pick<Room, 'dir'>, id: string): string {
  return join(room.dir, `${trashPrefix}${id}`);
}

/** Never rejects: the container is gone, and whoever waits for that is to hear of it. */
async function removeIfAnonymous(room: Room, name: string): Promise<void> {
  if (room.volumes.find(name)?.anonymous !== true) return;
  try {
    await room.volumes.remove(name, { force: true });
  } catch (error) {
    if (hasCode(error, 'volume/in-use')) return;
    room.log.warn('cannot remove an anonymous volume of a removed container', { volume: name, error });
  }
}

/** Removes every container that does not run and passes the filters (`label`, `label!`, `until`). */
export async function pruneContainers(room: Room, filters: Filters, signal: AbortSignal): Promise<PruneReport> {
  const removed: string[] = [];
  let bytes = 0;
  for (const container of room.registry.list()) {
    if (!['created', 'exited', 'dead'].includes(container.state.status)) continue;
    if (!matchesPrune(container, filters)) continue;
    const size = await folderSize(join(folderOf(room, container.id), 'upper'), signal);
    try {
      await removeContainer(room, container, { force: false, volumes: false }, signal);
    } catch (error) {
      if (hasCode(error, 'container/running') || hasCode(error, 'container/removing')) continue; // just now
      throw error;
    }
    bytes += size;
    removed.push(container.id);
  }
  room.events.publish({
    Type: 'container',
    Action: 'prune',
    Actor: { ID: '', Attributes: { reclaimed: String(bytes) } },
  });
  return { ContainersDeleted: removed, SpaceReclaimed: bytes };
}

function stillRunning({ id, record, state }: Container): TscomposeError<'container/running'> {
  const status = state.status === 'starting' ? 'running' : state.status;
  return new TscomposeError({
    code: 'container/running',
    message: `cannot remove container "/${record.name}": container is ${status}: stop the container before removing or force remove`,
    facts: { containerId: id, status },
  });
}
