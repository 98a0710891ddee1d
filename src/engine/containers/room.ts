import { join } from 'node:path';
import type { Log } from '../../base/log.js';
import type { EventHub } from '../events/index.js';
import type { ImageStore } from '../images/index.js';
import type { Networks } from '../networks/index.js';
import { openCgroup, type Cgroup, type Oci } from '../oci/index.js';
import type { LayerStore } from '../snapshots/index.js';
import type { VolumeStore } from '../volumes/index.js';
import type { Projects } from '../projects/index.js';
import type { Container } from './container.js';
import type { Registry } from './registry.js';
import type { Limiter } from './limiter.js';

/**
 * Starts what is to be started without anybody asking: after a crash, with the engine, with the host. A container of a
 * project whose graph is known comes when what it needs is as its conditions say; any other one at once.
 */
export interface Scheduler {
  /** Its restart policy wants it started, now. */
  due(container: Container): void;
  /** Looks again at what is due in a project, and at the health of those that ask for it. Call it as often as you like. */
  look(project: string): void;
  /** A run has ended and the engine will start the next one: so it does with dependents that ask for it. */
  restarting(container: Container): void;
  /** From now on things are started: every container is known as it is. */
  open(): void;
  /** Settles when no start is under way. Fire `room.closing` first. */
  close(): Promise<void>;
}

/** What the parts of this room share. */
export interface Room {
  /** `<dir>/<id>/{container.json,upper/,work/,hosts,hostname,resolv.conf,log}` */
  readonly dir: string;
  /** `<runtimeDir>/b/<id>` are the bundles, `<runtimeDir>/exits` holds the exit codes. */
  readonly runtimeDir: string;
  readonly registry: Registry;
  readonly images: ImageStore;
  readonly layers: LayerStore;
  readonly networks: Networks;
  readonly volumes: VolumeStore;
  readonly projects: Projects;
  readonly scheduler: Scheduler;
  readonly oci: Oci;
  readonly events: EventHub;
  readonly log: Log;
  /** Starts at one time: two to four are best on two cores, and more only wait for each other. */
  readonly starts: Limiter;
  /** The host's mount namespace as a file; undefined where the engine lives in it, or does not know it. */
  readonly hostMounts?: string | undefined;
  /** Root file systems that are out of the tree, but that the kernel has not let go of, by container. */
  readonly unmounting: Map<string, Promise<void>>;
  /** Fires when the engine ends; containers go on. */
  readonly closing: AbortSignal;
}

export function folderOf({ dir }: Pick<Room, 'dir'>, id: string): string {
  return join(dir, id);
}

export function upperOf(room: Pick<Room, 'dir'>, id: string): string {
  return join(room.dir, id, 'upper');
}

export function logPathOf(room: Pick<Room, 'dir'>, id: string): string {
  return join(room.dir, id, 'log');
}

export function bundleOf({ runtimeDir }: Pick<Room, 'runtimeDir'>, id: string): string {
  return join(runtimeDir, 'b', id);
}

/** Where the root file system is mounted, in the engine's own mount namespace. */
export function rootOf(room: Pick<Room, 'runtimeDir'>, id: string): string {
  return join(room.runtimeDir, 'b', id, 'merged');
}

export function exitsOf({ runtimeDir }: Pick<Room, 'runtimeDir'>): string {
  return join(runtimeDir, 'exits');
}

export function cgroupPathOf({ oci }: Pick<Room, 'oci'>, { record }: Container): string {
  const parent = record.hostConfig.CgroupParent ?? '';
  return parent === '' ? `${oci.cgroupParent}/${record.id}` : join('/', parent, record.id);
}

export function cgroupOf(room: Pick<Room, 'oci'>, container: Container): Cgroup {
  return openCgroup(cgroupPathOf(room, container));
}

/** @param action - `start`, `die`, … */
export function publish(
  room: Pick<Room, 'events'>,
  { record }: Container,
  action: string,
  attributes: Readonly<Record<string, string>> = {},
): void {
  room.events.publish({
    Type: 'container',
    Action: action,
    Actor: {
      ID: record.id,
      Attributes: { ...record.config.Labels, image: record.config.Image ?? '', name: record.name, ...attributes },
    },
  });
}
