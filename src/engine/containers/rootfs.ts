import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { ensureInitLayer } from '../oci/index.js';
import { detachBelow, isMountPoint, mount } from '../sys/index.js';
import { partHostMounts, requireParted } from './host-mounts.js';
import { type ContainerRecord } from './record.js';
import { bundleOf, folderOf, type Room, rootOf, upperOf } from './room.js';

/**
 * Mounts the root file system of a container at `rootOf`: its image, the common mount points, and its own changes on
 * top. Upper and work folder are the container's for life; they must never be mounted twice at one time, so the last
 * mount must have gone.
 */
export async function mountRoot(room: Room, { id, chainId }: ContainerRecord): Promise<string> {
  await room.unmounting.get(id);
  const root = rootOf(room, id);
  const [upper, work] = [upperOf(room, id), join(folderOf(room, id), 'work')];
  for (const folder of [root, upper, work]) mkdirSync(folder, { recursive: true, mode: 0o755 });
  if (isMountPoint(root)) return root;
  const data = await room.layers.overlayData({ lower: await lowerOf(room, chainId), upper, work });
  mount({ source: 'overlay', target: root, fstype: 'overlay', data });
  return root;
}

/** What is below a container's own changes, top first. */
export async function lowerOf(room: Room, chainId: ContainerRecord['chainId']): Promise<readonly string[]> {
  const image = room.layers.lowerDirs(chainId);
  const initDir = join(room.dir, '.init');
  mkdirSync(initDir, { recursive: true, mode: 0o700 });
  return [await ensureInitLayer({ dir: initDir, lower: image, layers: room.layers }), ...image];
}

/** Mounts the layers of an image, to be read only. */
export async function mountLayers(
  { layers }: Pick<Room, 'layers'>,
  chainId: ContainerRecord['chainId'],
  target: string,
): Promise<void> {
  const data = await layers.overlayData({ lower: layers.lowerDirs(chainId) });
  mount({ source: 'overlay', target, fstype: 'overlay', flags: ['ro'], data });
}

/** Takes away whatever is mounted in a container's bundle in our namespace: its root and images mounted into it. */
export function unmountBundle(room: Pick<Room, 'runtimeDir' | 'unmounting'>, id: string): void {
  const bundle = bundleOf(room, id);
  if (!existsSync(bundle)) return;
  partHostMounts(bundle);
  const unmounted = detachBelow(bundle);
  requireParted(bundle);
  if (unmounted === undefined) return;
  const gone = Promise.all([unmounted, room.unmounting.get(id)]).then(() => {
    if (room.unmounting.get(id) === gone) room.unmounting.delete(id);
  });
  room.unmounting.set(id, gone);
}
