import { rm } from 'node:fs/promises';
import { CleanupStack } from '../../../base/cleanup-stack.js';
import type { ChainId, LayerStore } from '../../snapshots/index.js';
import { mount, unmount } from '../../sys/index.js';

/** A layer chain as one read-only tree, given to `work` and gone after it. */
export async function withReadableRoot<T>(
  layers: LayerStore,
  chainId: ChainId | undefined,
  work: (root: string) => Promise<T>,
): Promise<T> {
  const lower = layers.lowerDirs(chainId);
  const [only, second] = lower;
  await using undo = new CleanupStack();
  if (chainId !== undefined) undo.defer(layers.retain(chainId));
  if (only !== undefined && second === undefined) return await work(only); // the kernel wants two for a read-only overlay
  const root = await layers.scratch();
  undo.defer(() => rm(root, { recursive: true, force: true }));
  const data = await layers.overlayData({ lower });
  mount({ source: 'overlay', target: root, fstype: 'overlay', flags: ['ro'], data });
  undo.defer(() => unmount(root, { detach: true }));
  return await work(root);
}
