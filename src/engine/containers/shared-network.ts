import { hasCode } from '../../base/errors.js';
import { composeLabels } from '../../api/labels.js';
import type { Container } from './container.js';
import type { ContainerRecord } from './record.js';
import type { Room } from './room.js';

/**
 * A container's network namespace is pinned by those that joined it (`network_mode: container:…`): it goes on without its
 * owner while one of them runs, with addresses, names and ports. The owner's next run finds itself in it again, and so
 * does the container that takes the owner's place: one that compose made to replace it, or that has its name.
 */
export async function leaveNetwork(room: Room, container: Container): Promise<void> {
  const target = joinedBy(container.record);
  if (target === undefined) await letGo(room, container.id);
  else {
    const owner = room.registry.find(target);
    if (owner === undefined) await letGo(room, target);
    // In its turn, for it may be starting into the namespace at this moment.
    else
      await owner.exclusive(async () => {
        if (!owner.isLive) await letGo(room, owner.id);
      });
  }
}

/** A process in the network namespace of a container: its own, else one of those that go on in it without its owner. */
export function networkPid(room: Room, container: Container): number | undefined {
  return container.isLive ? container.state.process?.pid : joinerPid(room, container.id);
}

function joinerPid(room: Room, ownerId: string): number | undefined {
  return joinersOf(room, ownerId).find(({ isLive }) => isLive)?.state.process?.pid;
}

async function letGo(room: Room, ownerId: string): Promise<void> {
  const pid = joinerPid(room, ownerId);
  if (pid === undefined) await room.networks.leave(ownerId);
  else await room.networks.settle(ownerId, pid);
}

/** The namespace of a container that goes is that of the one that compose has made to replace it. */
export async function bequeathNetwork(room: Room, old: Container): Promise<void> {
  if (joinersOf(room, old.id).length === 0) return;
  const heir = room.registry.list().find(({ record }) => record.config.Labels?.[composeLabels.replace] === old.id);
  if (heir !== undefined) await handOver(room, old.id, heir);
}

/** A namespace that outlived a container of this name is that of the next one. */
export async function inheritNetwork(room: Room, heir: Container): Promise<void> {
  for (const id of room.networks.heldAs(heir.record.name)) {
    if (room.registry.find(id)?.id !== id) await handOver(room, id, heir);
  }
}

async function handOver(room: Room, from: string, heir: Container): Promise<void> {
  for (const joiner of joinersOf(room, from)) {
    await joiner.change({ networkOf: heir.id }).catch((error: unknown) => {
      if (!hasCode(error, 'container/removing')) throw error; // it goes meanwhile
    });
  }
  await room.networks.handOver(from, heir.id);
}

function joinersOf(room: Room, ownerId: string): Container[] {
  return [...room.registry.values()].filter((other) => !other.gone && joinedBy(other.record) === ownerId);
}

/** The id of the container whose network namespace this one shares, or will with its next start. */
export function joinedBy({ hostConfig: { NetworkMode: mode = '' }, networkOf }: ContainerRecord): string | undefined {
  return mode.startsWith('container:') ? (networkOf ?? mode.slice('container:'.length)) : undefined;
}
