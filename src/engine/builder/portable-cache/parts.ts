import type { Digest } from '../../../base/digest.js';
import type { ImageStore, ImageUser } from '../../images/index.js';
import type { LayerStore } from '../../snapshots/index.js';
import type { BuildCache } from '../solver/cache.js';

export interface CacheParts {
  readonly images: ImageStore;
  readonly layers: LayerStore;
  readonly cache: BuildCache;
  readonly usedBy: () => readonly ImageUser[];
}

/** In the folder of `type=local`: the images that carry the steps, as `docker save` writes them. */
export const archiveName = 'cache.tar';

/** Removes an image that only carried steps, unless somebody has given it a name meanwhile. */
export async function discardCarrier({ images, usedBy }: CacheParts, id: Digest): Promise<void> {
  const image = images.find(id);
  if (image?.tags.length === 0 && image.repoDigests.length === 0) await images.remove(id, { usedBy });
}
