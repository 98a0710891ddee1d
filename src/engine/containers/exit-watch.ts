import { type FSWatcher, mkdirSync, watch } from 'node:fs';
import { settleExit } from './exit.js';
import { rotateLog } from './log-rotation.js';
import { tellOfMemory } from './out-of-memory.js';
import { exitsOf, type Room } from './room.js';

/** Events may be lost; this is how late an exit can be noticed then. */
const sweepMs = 15_000;
/** How late a log is noticed that is longer than it may be, and memory that was not enough. */
const lookMs = 1_000;

/** One watch for the exits of all containers, and timers for what has to be looked at now and then. */
export function watchExits(room: Room): () => void {
  const folder = exitsOf(room);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const look = (id: string) => {
    const container = room.registry.find(id);
    if (container?.id !== id) return; // the monitor's temporary names
    settleExit(room, container).catch((error: unknown) => {
      room.log.error('cannot settle the end of a container', { containerId: id, error });
    });
  };
  const watcher: FSWatcher = watch(folder, (_event, name) => {
    if (name !== null) look(name);
  });
  watcher.on('error', (error) => {
    room.log.error('the watch on exit codes failed; ends are noticed later from now on', { error });
  });
  const timer = setInterval(() => {
    for (const container of room.registry.values()) {
      void container.writeAgain();
      if (container.isLive) look(container.id);
    }
  }, sweepMs);
  const looks = setInterval(() => {
    for (const container of room.registry.values()) {
      if (!container.isLive) continue;
      rotateLog(room, container);
      tellOfMemory(room, container).catch((error: unknown) => {
        if (!container.gone)
          room.log.error('cannot tell of an end for want of memory', { containerId: container.id, error });
      });
    }
  }, lookMs);
  timer.unref();
  looks.unref();
  return () => {
    watcher.close();
    clearInterval(timer);
    clearInterval(looks);
  };
}
