export { openContentStore } from './store.js';
export type { BlobInfo, ContentLease, ContentStore } from './types.js';
