export type { Builder, CacheUsage, PruneResult } from './builder.js';
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
