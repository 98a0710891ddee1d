export type { Volume, VolumeStore, VolumeStoreOptions } from './types.js';
