import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readOrEmpty } from '../oci/index.js';
import { cgroupLayout } from '../sys/index.js';
import type { Container } from './container.js';
import { bundleOf, cgroupOf, publish, type Room } from './room.js';

/**
 * Whether the kernel has ended a process of this run for want of memory: the monitor leaves a file then, and on cgroup v2
 * the kernel counts them, where the monitor does not always look.
 */
export function ranOutOfMemory(room: Room, container: Container): boolean {
  if (existsSync(join(bundleOf(room, container.id), 'oom'))) return true;
  if (cgroupLayout() !== 'v2') return false; // asked for every container every second
  return /^oom_kill [1-9]/m.test(readOrEmpty(join(cgroupOf(room, container).folder('memory'), 'memory.events')));
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
