export { applyChanges } from './changes.js';
export type { HistoryEntry, OciImageConfig } from './config.js';
export { openImageStore } from './image-store.js';
export type { Image, ImageStore, ImageUser, Statement } from './types.js';
