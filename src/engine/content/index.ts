export type { BlobInfo, ContentLease, ContentStore, WriteOptions } from './types.js';
