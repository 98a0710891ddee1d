export { chainIdOf, extendChain, type ChainId } from './chain-id.js';
export { copyMetadata } from './copy-metadata.js';
export { copyMounter } from './copy-mount.js';
export { decompress, type Decompressed } from './decompress.js';
export { openLayerStore, type LayerStoreOptions } from './layer-store.js';
export { packTree, type PackOptions } from './pack-tree.js';
export type {
  AppliedLayer,
  ApplyOptions,
  CommitOptions,
  Compression,
  Layer,
  LayerStore,
  OverlayDirectories,
  StagedLayer,
} from './types.js';
