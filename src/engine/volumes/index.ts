export { openVolumeStore } from './store.js';
export type { VolumeStore } from './types.js';
