import { readdir, rm } from 'node:fs/promises';
import { CleanupStack } from '../../../base/cleanup-stack.js';
import type { ChainId, Layer, LayerStore } from '../../snapshots/index.js';
import { mount, unmount } from '../../sys/index.js';
import { likeRoot } from './mount-points.js';

export interface WritableRoot {
  /** The file system to work in. */
  readonly root: string;
  /**
   * Ends the work and keeps what it changed.
   * @returns undefined where it changed nothing
   */
  readonly seal: (signal: AbortSignal) => Promise<Layer | undefined>;
}

export interface LayerMaker {
  readonly layers: LayerStore;
  /** Seconds; times after it are taken back to it. */
  readonly epoch: number | undefined;
}

/** A layer chain with a fresh directory to write into above it, given to `work` and gone after it. */
export async function withWritableRoot<T>(
  { layers, epoch }: LayerMaker,
  parent: ChainId | undefined,
  work: (root: WritableRoot) => Promise<T>,
): Promise<T> {
  await using undo = new CleanupStack();
  const release = parent === undefined ? undefined : layers.retain(parent);
  if (release !== undefined) undo.defer(release);
  const scratch = async (): Promise<string> => {
    const path = await layers.scratch();
    undo.defer(() => rm(path, { recursive: true, force: true }));
    return path;
  };
  const upper = await scratch();
  likeRoot(upper, parent === undefined ? undefined : layers.lowerDirs(parent)[0]);
  let root = upper;
  let mounted = false;
  if (parent !== undefined) {
    const overlayWork = await scratch();
    root = await scratch();
    const data = await layers.overlayData({
      lower: layers.lowerDirs(parent),
      upper,
      work: overlayWork,
      volatile: true,
    });
    mount({ source: 'overlay', target: root, fstype: 'overlay', data });
    mounted = true;
    undo.defer(() => {
      if (mounted) unmount(root, { detach: true });
    });
  }
  return await work({
    root,
    seal: (signal) => {
      if (mounted) {
        mounted = false;
        unmount(root, { detach: true });
      }
      return sealUpper({ layers, epoch }, parent, upper, signal);
    },
  });
}

/** Makes a layer of an upper directory; undefined when there is nothing in it. */
export async function sealUpper(
  { layers, epoch }: LayerMaker,
  parent: ChainId | undefined,
  upperDir: string,
  signal: AbortSignal,
): Promise<Layer | undefined> {
  await layers.settle(upperDir, signal);
  if ((await readdir(upperDir)).length === 0) return undefined;
  return layers.commitDirectory({
    parent,
    upperDir,
    ownership: 'take',
    ...(epoch === undefined ? {} : { newestMtime: epoch }),
    signal,
  });
}
