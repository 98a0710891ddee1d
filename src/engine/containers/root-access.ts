import { closeSync, constants, openSync } from 'node:fs';
import { CleanupStack } from '../../base/cleanup-stack.js';
import { ensureFileBeneath, ensureFolderBeneath, kindBeneath } from '../oci/index.js';
import { withReadOnlyView } from '../snapshots/index.js';
import { isMountPoint, mount, O_PATH, openBeneath, openProcess } from '../sys/index.js';
import { clearBundle } from './start.js';
import type { Container } from './container.js';
import { notRunning } from './errors.js';
import { isFile } from './mount-plan.js';
import { prepareMounts, releaseVolumes } from './oci-mounts.js';
import { type Room, rootOf, upperOf } from './room.js';
import { lowerOf, mountRoot } from './rootfs.js';

/**
 * Runs `work` with the container's file system, its mounts included, at a path of this process. Of a running container it
 * is what its first process sees; otherwise it is mounted for the time, and the container cannot be started meanwhile.
 * Whatever is inside must be looked up with `openBeneath`: links in it point where the container's owner likes.
 */
export function withRoot<T>(room: Room, container: Container, work: (root: string) => Promise<T>): Promise<T> {
  return withMountedRoot(
    room,
    container,
    () => withLiveRoot(container, work),
    async (root) => {
      await using undo = new CleanupStack();
      undo.defer(() => releaseVolumes(room, container.record));
      for (const { type, source, destination, options } of await prepareMounts(room, container.record)) {
        if (type === 'bind') bindBeneath(root, source, destination, options);
      }
      return await work(root); // awaited, or the mounts would go before it is done
    },
  );
}

/** As `withRoot`, with the layers of the image and the container alone: what lies below its mounts is there to be seen. */
export function withOwnRoot<T>(room: Room, container: Container, work: (root: string) => Promise<T>): Promise<T> {
  return withMountedRoot(room, container, () => withOwnLiveRoot(room, container, work), work);
}

/** Gives `work` the file system of a container that does not run, alone, or leaves one that runs to `live`. */
async function withMountedRoot<T>(
  room: Room,
  container: Container,
  live: () => Promise<T>,
  work: (root: string) => Promise<T>,
): Promise<T> {
  await container.idle();
  if (container.isLive) return live();
  return container.exclusive(async () => {
    if (container.isLive) return await live(); // started just now
    await using undo = new CleanupStack();
    undo.defer(() => {
      clearBundle(room, container.id);
    });
    return await work(await mountRoot(room, container.record));
  });
}

/** An engine before this one may have mounted it, in a mount namespace that only the container has kept. */
async function withOwnLiveRoot<T>(room: Room, container: Container, work: (root: string) => Promise<T>): Promise<T> {
  const { id, record } = container;
  const mounted = rootOf(room, id);
  if (isMountPoint(mounted)) return withOpened(openSync(mounted, O_PATH | constants.O_DIRECTORY), '', work);
  return withReadOnlyView(room.layers, [upperOf(room, id), ...(await lowerOf(room, record.chainId))], work);
}

/** After the end of the run nothing is found there any more. @throws `container/not-running` */
async function withLiveRoot<T>({ id, state }: Container, work: (root: string) => Promise<T>): Promise<T> {
  const process = state.process === undefined ? undefined : openProcess(state.process);
  if (process === undefined) throw notRunning(id);
  return withOpened(process, '/root', work);
}

async function withOpened<T>(fd: number, below: string, work: (path: string) => Promise<T>): Promise<T> {
  try {
    return await work(`/proc/self/fd/${fd}${below}`);
  } finally {
    closeSync(fd);
  }
}

function bindBeneath(root: string, source: string, destination: string, options: readonly string[]): void {
  if (kindBeneath(root, destination) === 'nothing') {
    if (isFile(source)) ensureFileBeneath(root, destination);
    else ensureFolderBeneath(root, destination);
  }
  at(root, destination, (target) => {
    mount({ source, target, flags: ['bind', 'rec'] });
  });
  if (!options.some((option) => option === 'ro' || option === 'rro')) return;
  at(root, destination, (target) => {
    mount({ target, flags: ['bind', 'remount', 'ro'] }); // what is found there now is the mount of before
  });
}

function at(root: string, path: string, work: (path: string) => void): void {
  const fd = openBeneath(root, path, O_PATH);
  try {
    work(`/proc/self/fd/${fd}`);
  } finally {
    closeSync(fd);
  }
}
