export { chainIdOf, extendChain, type ChainId } from './chain-id.js';
export { decompress, type Decompressed } from './decompress.js';
export type {
  AppliedLayer,
  ApplyOptions,
  CommitOptions,
  Compression,
  Layer,
  LayerStore,
  OverlayDirectories,
} from './types.js';
