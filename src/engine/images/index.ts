export { applyChanges } from './changes.js';
export type { HistoryEntry, OciImageConfig } from './config.js';
export type { Statement } from './list-documents.js';
export { openImageStore, type ImageStoreOptions } from './image-store.js';
export type {
  CreateImageOptions,
  CreateListOptions,
  EventSink,
  Image,
  ImageList,
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
