import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { TscomposeError } from '../../base/errors.js';
import type { OciMount } from '../oci/index.js';
import { bindForeignMount, canBindForeignMounts, isMountPoint, mount } from '../sys/index.js';
import type { Container } from './container.js';
import { bundleOf, type Room } from './room.js';
import { liveContainer } from './sandbox.js';

/**
 * /dev/shm where it is shared: a `shareable` container has it as a mount of ours, which those that join its IPC
 * namespace get too. A private one is the runtime's.
 * @throws `container/not-running`, `container/invalid-config` for a container that does not share
 */
export function shmMounts(room: Room, container: Container): OciMount[] {
  const { IpcMode: mode = 'private', ShmSize = 0 } = container.record.hostConfig;
  if (mode === 'shareable') {
    const target = shmOf(room, container.id);
    mkdirSync(target, { recursive: true });
    const data = `mode=1777,size=${ShmSize}`;
    mount({ source: 'shm', target, fstype: 'tmpfs', flags: ['nosuid', 'nodev', 'noexec'], data });
    return [bind(target)];
  }
  if (!mode.startsWith('container:')) return [];
  const { container: other, pid } = liveContainer(room, mode.slice('container:'.length), 'ipc');
  const otherMode = other.record.hostConfig.IpcMode ?? 'private';
  if (otherMode === 'host') return [bind('/dev/shm')];
  if (otherMode !== 'shareable') {
    throw new TscomposeError({
      code: 'container/invalid-config',
      message: `non-shareable IPC (hint: use IpcMode:shareable for the donor container): ${other.id}`,
      facts: { option: 'IpcMode' },
    });
  }
  const source = shmOf(room, other.id);
  if (isMountPoint(source)) return [bind(source)];
  // Started by an engine before us, so mounted in another mount namespace; the container has it in its own.
  if (canBindForeignMounts()) {
    const target = shmOf(room, container.id);
    mkdirSync(target, { recursive: true });
    bindForeignMount({ namespace: `/proc/${pid}/ns/mnt`, source: '/dev/shm', target, recursive: false });
    return [bind(target)];
  }
  room.log.warn('a joined IPC namespace comes without its /dev/shm', { containerId: container.id, other: other.id });
  return [];
}

function shmOf(room: Pick<Room, 'runtimeDir'>, id: string): string {
  return join(bundleOf(room, id), 'shm');
}

function bind(source: string): OciMount {
  return { destination: '/dev/shm', type: 'bind', source, options: ['rbind', 'rprivate', 'rw'] };
}
