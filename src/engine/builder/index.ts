export { createBuilder, type Builder, type BuilderOptions, type PruneResult } from './builder.js';
export type { CacheUsage, PruneChoice } from './prune-choice.js';
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
  BuiltImage,
  DockerfileSource,
  Lookup,
} from './request.js';
export { type ProvenanceMode, provenanceMode } from './provenance.js';
export { isList, nameOutcome } from './name-outcome.js';
export { withReadableRoot } from './rootfs/readable.js';
export type { RunStep } from './steps/dependencies.js';
