import { CleanupStack } from '../../../base/cleanup-stack.js';
import { type ChainId, type LayerStore, withReadOnlyView } from '../../snapshots/index.js';

/** A layer chain as one read-only tree, given to `work` and gone after it. */
export async function withReadableRoot<T>(
  layers: LayerStore,
  chainId: ChainId | undefined,
  work: (root: string) => Promise<T>,
): Promise<T> {
  await using undo = new CleanupStack();
  if (chainId !== undefined) undo.defer(layers.retain(chainId));
  return await withReadOnlyView(layers, layers.lowerDirs(chainId), work);
}
