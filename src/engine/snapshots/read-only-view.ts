import { rm } from 'node:fs/promises';
import { CleanupStack } from '../../base/cleanup-stack.js';
import { mount, unmount } from '../sys/index.js';
import type { LayerStore } from './types.js';

/** Folders over one another, top first, as one read-only tree, given to `work` and gone after it. */
export async function withReadOnlyView<T>(
  layers: Pick<LayerStore, 'overlayData' | 'scratch'>,
  lower: readonly string[],
  work: (root: string) => Promise<T>,
): Promise<T> {
  const [only, second] = lower;
  if (only !== undefined && second === undefined) return work(only); // the kernel wants two for a read-only overlay
  await using undo = new CleanupStack();
  const root = await layers.scratch();
  undo.defer(() => rm(root, { recursive: true, force: true }));
  const data = await layers.overlayData({ lower });
  mount({ source: 'overlay', target: root, fstype: 'overlay', flags: ['ro'], data });
  undo.defer(() => unmount(root, { detach: true }));
  return await work(root);
}
