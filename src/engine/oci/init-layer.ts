import { createHash, randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { errnoOf } from '../../base/errors.js';
import type { LayerStore } from '../snapshots/index.js';
import { mount, unmount } from '../sys/index.js';
import { ensureFileBeneath, ensureFolderBeneath, ensureLinkBeneath } from './beneath.js';

/** What overlays are made by. */
export type OverlayLayers = Pick<LayerStore, 'overlayData' | 'settle'>;

export interface InitLayerRequest {
  /** Init layers live here by a hash of what is below them. */
  readonly dir: string;
  /** The image's folders, top first. */
  readonly lower: readonly string[];
  /** More mount points. */
  readonly folders?: readonly string[];
  readonly files?: readonly string[];
  readonly layers: OverlayLayers;
}

const folders = ['/dev/pts', '/dev/shm', '/proc', '/sys'];
const files = ['/.dockerenv', '/dev/console', '/etc/hostname', '/etc/hosts', '/etc/resolv.conf'];

/**
 * A layer between an image and a container's own, with the mount points that every container needs, so that they are
 * neither part of what the container changed nor of what is committed. Made through an overlay mount, so that folders
 * which the image has keep their owner and mode. Made once; a crash leaves a folder with another name, which is no layer.
 * @returns its folder, to be put on top of `lower`
 */
export async function ensureInitLayer({
  dir,
  lower,
  folders: more = [],
  files: moreFiles = [],
  layers,
}: InitLayerRequest): Promise<string> {
  const wanted = { folders: [...folders, ...more], files: [...files, ...moreFiles] };
  const name = createHash('sha256')
    .update(JSON.stringify([lower, wanted]))
    .digest('hex')
    .slice(0, 16);
  const layer = join(dir, name);
  if (existsSync(layer)) return layer;
  const making = join(dir, `.making-${randomUUID()}`);
  const [upper, work, merged] = [join(making, 'u'), join(making, 'w'), join(making, 'm')];
  for (const folder of [upper, work, merged]) mkdirSync(folder, { recursive: true, mode: 0o755 });
  try {
    const data = await layers.overlayData({ lower, upper, work, volatile: true }); // it holds names only, which a journal keeps
    mount({ source: 'overlay', target: merged, fstype: 'overlay', data });
    try {
      for (const path of wanted.folders) ensureFolderBeneath(merged, path);
      for (const path of wanted.files) ensureFileBeneath(merged, path);
      ensureLinkBeneath(merged, '/etc/mtab', '/proc/mounts');
    } finally {
      unmount(merged, { detach: true });
    }
    await layers.settle(upper, new AbortController().signal);
    renameSync(upper, layer);
  } catch (error) {
    if (!['EEXIST', 'ENOTEMPTY'].includes(errnoOf(error) ?? '') || !existsSync(layer)) throw error; // made twice at once
  } finally {
    rmSync(making, { recursive: true, force: true });
  }
  return layer;
}
