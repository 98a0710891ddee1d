export { createBuilder, type Builder } from './builder.js';
export { cacheFields, cacheTest, type CacheUsage, type PruneChoice, takesWhole } from './prune-choice.js';
export type {
  AdditionalContext,
  BuildContext,
  BuildEvent,
  BuildMessage,
  BuildNetwork,
  BuildRequest,
  BuildResult,
  BuildStepInfo,
  BuiltImage,
  DockerfileSource,
  Lookup,
} from './request.js';
export { provenanceMode } from './provenance.js';
export { isList, nameOutcome } from './name-outcome.js';
export { withReadableRoot } from './rootfs/readable.js';
