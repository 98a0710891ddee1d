export { chainIdOf, extendChain, type ChainId } from './chain-id.js';
export { copyMetadata } from './copy-metadata.js';
export { copyMounter } from './copy-mount.js';
export { decompress } from './decompress.js';
export { openLayerStore } from './layer-store.js';
export { packTree } from './pack-tree.js';
export { withReadOnlyView } from './read-only-view.js';
export type { Layer, LayerStore, StagedLayer } from './types.js';
