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
