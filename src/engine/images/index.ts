export { applyChanges } from './changes.js';
export type { HistoryEntry, OciImageConfig } from './config.js';
export { openImageStore, type ImageStoreOptions } from './image-store.js';
export type {
  CreateImageOptions,
  EventSink,
  Image,
  ImageStore,
  ImageUser,
  ImportOptions,
  OnProgress,
  PruneOptions,
  PullOptions,
  RemoveOptions,
  SummaryOptions,
  TransferOptions,
} from './types.js';
