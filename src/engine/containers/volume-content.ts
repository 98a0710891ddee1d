import { closeSync, constants, mkdtempSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { CleanupStack } from '../../base/cleanup-stack.js';
import { kindBeneath } from '../oci/index.js';
import { O_PATH, openBeneath, unmount } from '../sys/index.js';
import type { ContainerMount, ContainerRecord } from './record.js';
import type { Room } from './room.js';
import { mountLayers } from './rootfs.js';

/**
 * Gives empty volumes what the image has at their place ("Populate a volume using a container"), as Docker does when a
 * container is created. The image is mounted for it, which costs less than asking each layer.
 */
export async function fillVolumes(room: Room, record: ContainerRecord, signal: AbortSignal): Promise<void> {
  if (record.chainId === undefined) return;
  const empty: ContainerMount[] = [];
  for (const one of record.mounts) {
    if (one.type !== 'volume' || one.noCopy || one.subpath !== undefined || one.name === undefined) continue;
    if (await room.volumes.isEmpty(one.name)) empty.push(one);
  }
  if (empty.length === 0) return;
  await using undo = new CleanupStack();
  const root = await mountImage(room, record, undo);
  for (const { name = '', destination } of empty) {
    if (kindBeneath(root, destination) !== 'folder') continue;
    await room.volumes.acquire(name, record.id);
    const fd = openBeneath(root, destination, O_PATH | constants.O_DIRECTORY);
    try {
      await room.volumes.populate(name, `/proc/${process.pid}/fd/${fd}`, signal);
    } finally {
      closeSync(fd);
      await room.volumes.release(name, record.id);
    }
  }
}

/** The image's files, read-only for as long as `undo` is not run. */
async function mountImage(room: Room, { chainId }: ContainerRecord, undo: CleanupStack): Promise<string> {
  const root = mkdtempSync(join(room.runtimeDir, 'view-'));
  undo.defer(() => {
    rmdirSync(root); // never recursive: were it still mounted, that would be the image
  });
  await mountLayers(room, chainId, root);
  undo.defer(() => {
    unmount(root, { detach: true });
  });
  return root;
}
