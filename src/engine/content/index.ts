export { openContentStore } from './store.js';
export type { BlobInfo, ContentLease, ContentStore, WriteOptions } from './types.js';
