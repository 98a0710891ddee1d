export { openContainers } from './open.js';
export type { AttachOptions, Containers, HistoryOptions, LogOptions, OutputChunk } from './types.js';
