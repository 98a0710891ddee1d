import { closeSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { TscomposeError } from '../../base/errors.js';
import type { OciMount } from '../oci/index.js';
import {
  canBindForeignMounts,
  isKernelAtLeast,
  mount,
  O_PATH,
  openBeneath,
  restrictionsOf,
  sysErrno,
} from '../sys/index.js';
import { idMapOption } from './id-map.js';
import { checkPropagation, readMountinfo } from './propagation.js';
import { isFile } from './mount-plan.js';
import type { ContainerMount, ContainerRecord } from './record.js';
import { bundleOf, type Room } from './room.js';
import { bindHostMount } from './host-mounts.js';
import { mountLayers } from './rootfs.js';
import { runtimeOf } from './runtime-of.js';

/**
 * A container's own mounts as the runtime takes them. Mounts volumes' devices and images; whoever calls undoes that with
 * `releaseVolumes` and `unmountBundle`.
 * @throws `container/mount-missing`, `volume/mount-failed`, `image/not-found`, `container/id-map-refused`
 */
export async function prepareMounts(room: Room, record: ContainerRecord): Promise<OciMount[]> {
  const prepared: OciMount[] = [];
  for (const [index, one] of record.mounts.entries()) prepared.push(await prepareMount(room, record, one, index));
  return prepared;
}

/** Says that the volumes of a container that has ended are no longer mounted there. */
export function publishUnmounts(room: Pick<Room, 'events'>, record: ContainerRecord): void {
  for (const { type, name } of record.mounts) {
    if (type === 'volume' && name !== undefined) publishVolume(room, record, 'unmount', name);
  }
}

function publishVolume(
  { events }: Pick<Room, 'events'>,
  { id }: ContainerRecord,
  action: 'mount' | 'unmount',
  name: string,
  attributes: Readonly<Record<string, string>> = {},
): void {
  events.publish({
    Type: 'volume',
    Action: action,
    Actor: { ID: name, Attributes: { container: id, driver: 'local', ...attributes } },
  });
}

/** Gives back every volume of a container. Idempotent. */
export async function releaseVolumes(room: Pick<Room, 'volumes'>, record: ContainerRecord): Promise<void> {
  for (const { type, name } of record.mounts) {
    if (type === 'volume' && name !== undefined) await room.volumes.release(name, record.id);
  }
}

async function prepareMount(
  room: Room,
  record: ContainerRecord,
  one: ContainerMount,
  index: number,
): Promise<OciMount> {
  switch (one.type) {
    case 'tmpfs':
      return { destination: one.destination, type: 'tmpfs', source: 'tmpfs', options: tmpfsOptions(one) };
    case 'bind':
      if (one.createSource) makeSource(one.source);
      return bind(one, sharedWithHost(room, record, one, index), idMapOption(one, runtimeOf(room, record.hostConfig)));
    case 'volume': {
      const path = await room.volumes.acquire(one.name ?? '', record.id);
      publishVolume(room, record, 'mount', one.name ?? '', {
        destination: one.destination,
        propagation: one.propagation,
        'read/write': String(!one.readOnly),
      });
      return bind(one, below(room, record, path, one, index));
    }
    case 'image':
      return bind(one, below(room, record, await mountImage(room, record, one, index), one, index));
  }
}

/** The source of a bind mount; for one that passes mounts on, the host's own: what we see of it only receives. */
function sharedWithHost(room: Room, record: ContainerRecord, one: ContainerMount, index: number): string {
  const { source, propagation, nonRecursive } = one;
  if (propagation === '' || checkPropagation(source, propagation, readMountinfo()) === 'as-asked') return source;
  if (room.hostMounts !== undefined && canBindForeignMounts()) {
    return bindHostMount(room, record.id, { namespace: room.hostMounts, source, recursive: !nonRecursive, index });
  }
  room.log.warn('what a container mounts below a shared path does not reach the host', {
    containerId: record.id,
    path: source,
  });
  return source;
}

/** Later words win over Docker's defaults. */
function tmpfsOptions({ options, readOnly }: ContainerMount): string[] {
  const opposites: Readonly<Record<string, string>> = { exec: 'noexec', suid: 'nosuid', dev: 'nodev' };
  const lifted = options.map((word) => opposites[word]);
  return [
    ...['noexec', 'nosuid', 'nodev'].filter((word) => !lifted.includes(word)),
    ...options.filter((word) => word !== 'rprivate'),
    ...(readOnly && !options.includes('ro') ? ['ro'] : []),
  ];
}

/** A missing host path becomes a folder, as with `docker run -v`. */
function makeSource(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o755 });
  } catch (cause) {
    if (sysErrno(cause) === 'EEXIST') return; // a file, a socket, a device
    throw new TscomposeError({
      code: 'container/mount-missing',
      message: `error while creating mount source path '${path}'`,
      facts: { path },
      cause,
    });
  }
}

/** mount_setattr(2) makes what is mounted below read-only too, since Linux 5.12. */
const recursiveReadOnly = isKernelAtLeast(5, 12);

function bind(
  { destination, readOnly, shallowReadOnly, propagation, nonRecursive }: ContainerMount,
  source: string,
  idMap?: string,
): OciMount {
  // crun takes `rprivate` for a word about what is mounted below, too, and cannot make a file read-only recursively.
  const spread = propagation === '' ? 'rprivate' : propagation;
  const shallow = nonRecursive || shallowReadOnly === true || !recursiveReadOnly || isFile(source);
  const options = [
    nonRecursive ? 'bind' : 'rbind',
    nonRecursive ? spread.replace(/^r/, '') : spread,
    ...(readOnly ? [shallow ? 'ro' : 'rro'] : []),
    ...restrictionsOf(source).filter((word) => word !== 'ro' || !readOnly), // crun mounts anew, and would lift them
    ...(idMap === undefined ? [] : [idMap]),
  ];
  return { destination, type: 'bind', source, options };
}

/**
 * A place in a volume or image, which may not be left by a link: bound into the container's bundle, since the path that
 * leads there may be another's to change at any time.
 * @throws `container/mount-missing`
 */
function below(room: Room, record: ContainerRecord, root: string, { subpath }: ContainerMount, index: number): string {
  if (subpath === undefined) return root;
  const fd = openPlace(root, subpath);
  try {
    const source = `/proc/self/fd/${fd}`;
    const target = join(bundleOf(room, record.id), `place-${index}`);
    if (isFile(source)) writeFileSync(target, '');
    else mkdirSync(target, { recursive: true });
    mount({ source, target, flags: ['bind', 'rec'] });
    return target;
  } finally {
    closeSync(fd);
  }
}

function openPlace(root: string, subpath: string): number {
  try {
    return openBeneath(root, subpath, O_PATH);
  } catch (cause) {
    const message = `cannot access path ${join(root, subpath)}`;
    const facts = { path: subpath };
    if (sysErrno(cause) !== 'ENOENT')
      throw new TscomposeError({ code: 'container/mount-missing', message, facts, cause });
    const reason = 'no such file or directory'; // by these words the docker CLI ends with 127
    throw new TscomposeError({ code: 'container/mount-missing', message: `${message}: ${reason}`, facts });
  }
}

async function mountImage(
  room: Room,
  record: ContainerRecord,
  { source }: ContainerMount,
  index: number,
): Promise<string> {
  const target = join(bundleOf(room, record.id), `image-${index}`);
  mkdirSync(target, { recursive: true });
  await mountLayers(room, room.images.resolve(source).chainId, target);
  return target;
}
