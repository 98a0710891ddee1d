import type { Container } from './container.js';
import type { Room } from './room.js';

/**
 * A container's network namespace is pinned by those that joined it (`network_mode: container:…`): it goes on without its
 * owner while one of them runs, with addresses, names and ports, and the owner's next run finds itself in it again.
 */
export async function leaveNetwork(room: Room, container: Container): Promise<void> {
  const target = joinedBy(container);
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

async function letGo(room: Room, ownerId: string): Promise<void> {
  const holder = [...room.registry.values()].find((other) => other.isLive && isOwner(room, other, ownerId));
  const pid = holder?.state.process?.pid;
  if (pid === undefined) await room.networks.leave(ownerId);
  else await room.networks.settle(ownerId, pid);
}

function isOwner(room: Room, joiner: Container, ownerId: string): boolean {
  const target = joinedBy(joiner);
  return target !== undefined && (target === ownerId || room.registry.find(target)?.id === ownerId);
}

/** What the container's mode names: mostly an id. */
function joinedBy({ record }: Container): string | undefined {
  const mode = record.hostConfig.NetworkMode ?? '';
  return mode.startsWith('container:') ? mode.slice('container:'.length) : undefined;
}
