export { buildRequest, type BuildRequest } from './build-request.js';
export { checkPlan } from './check-plan.js';
export { hookImages } from './hooks.js';
export { hashOf, networkHash, serviceHash, volumeHash } from './config-hash.js';
export { idMapOf } from './id-map.js';
export { displayName, imageOf, logName } from './names.js';
export {
  nothingObserved,
  type ObservedContainer,
  type ObservedImage,
  type ObservedProvider,
  type ObservedState,
  type ObservedVolume,
} from './observed-state.js';
export { oneOffName, type OneOff, type OneOffChanges } from './one-off.js';
export type {
  ContainerRef,
  HookCommand,
  InjectedFile,
  Operation,
  OperationKind,
  OperationOf,
  Plan,
  PlanStep,
  WaitFor,
} from './operation.js';
export { fillPlaceholders } from './placeholders.js';
export { planCascade } from './plan-cascade.js';
export { planDown } from './plan-down.js';
export { planBuild, planPull, planPush, type PullOptions } from './plan-images.js';
export {
  planHooks,
  planKill,
  planPause,
  planRemove,
  planRestart,
  planStart,
  planStop,
  planUnpause,
} from './plan-lifecycle.js';
export { planUp, stoppedBy } from './plan-up.js';
export { projectGraph } from './project-graph.js';
export { renderPlan, subjectOf } from './render-plan.js';
export type { Fetched, ProvidedVariable, UpOptions } from './up-options.js';
