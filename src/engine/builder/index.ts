export { createBuilder, type Builder, type BuilderOptions, type CacheUsage, type PruneResult } from './builder.js';
export type {
  AdditionalContext,
  BuildContext,
  BuildEvent,
  BuildIo,
  BuildMessage,
  BuildNetwork,
  BuildRequest,
  BuildResult,
  BuildStepInfo,
  DockerfileSource,
} from './request.js';
export type { RunStep } from './steps/dependencies.js';
