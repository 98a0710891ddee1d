import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Container } from './container.js';
import { bundleOf, publish, type Room } from './room.js';

/** Whether the kernel has ended a process of this run for want of memory: the monitor leaves a file then. */
export function ranOutOfMemory(room: Room, container: Container): boolean {
  return existsSync(join(bundleOf(room, container.id), 'oom'));
}

/** Tells of it while the container goes on, as when it was not the first process that had to go. */
export async function tellOfMemory(room: Room, container: Container): Promise<void> {
  const isNews = () => container.isLive && !container.state.oomKilled;
  if (!isNews() || !ranOutOfMemory(room, container)) return;
  await container.exclusive(async () => {
    if (!isNews()) return;
    await container.note({ state: { ...container.state, oomKilled: true } });
    publish(room, container, 'oom');
  });
}
