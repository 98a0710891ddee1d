export { openVolumeStore } from './store.js';
export type { Volume, VolumeStore, VolumeStoreOptions } from './types.js';
