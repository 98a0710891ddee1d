export { openContainers, type ContainersOptions } from './open.js';
export type {
  AttachOptions,
  AttachSession,
  CommitSource,
  Containers,
  ExecSession,
  HistoryOptions,
  LogOptions,
  OutputChunk,
  OutputStream,
  StopOptions,
} from './types.js';
