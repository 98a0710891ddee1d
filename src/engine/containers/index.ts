export { openContainers, type ContainersOptions } from './open.js';
export type {
  AttachOptions,
  AttachSession,
  CommitSource,
  Containers,
  ExecSession,
  LogOptions,
  OutputChunk,
  OutputStream,
  StopOptions,
} from './types.js';
