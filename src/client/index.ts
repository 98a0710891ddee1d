export { dialEngine } from './dial.js';
export { connectEngine, type EngineClient } from './engine.js';
export { isConflict, isNotFound } from './errors.js';
export type { TlsFiles } from './host.js';
export type { LogsQuery } from './containers.js';
export type { BuildContext } from './images.js';
export type { AttachedStream, OpenStream, OutputChunk } from './streams.js';
