export { dialEngine } from './dial.js';
export { connectEngine } from './engine.js';
export type { EngineClient, EventsQuery } from './engine.js';
export { isConflict, isNotFound } from './errors.js';
export type { TlsFiles } from './host.js';
export type { AttachQuery, LogsQuery } from './containers.js';
export type { BuildContext, BuildQuery, PullQuery } from './images.js';
export type { AttachedStream, OpenStream, OutputChunk } from './streams.js';
