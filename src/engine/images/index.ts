export { applyChanges } from './changes.js';
export type { HistoryEntry, OciImageConfig } from './config.js';
export type { Statement } from './list-documents.js';
export { openImageStore } from './image-store.js';
export type { Image, ImageStore, ImageUser } from './types.js';
