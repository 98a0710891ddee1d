export { checkBuild } from './lint.js';
export { converge, type ConvergeOptions } from './converge.js';
export { prepareContext } from './build-context.js';
export { executePlan, type ExecuteOptions, type ExecuteResult, type StepRun } from './execute-plan.js';
export {
  followLogs,
  readLogs,
  type LogEvent,
  type LogFollower,
  type LogOptions,
  type LogSource,
} from './follow-logs.js';
export type { Obstacle } from './conditions.js';
export { forgetProject, keepProject } from './keep-project.js';
export { progressOf } from './operation-progress.js';
export { observe, type ObserveOptions } from './observe.js';
export { chainLine, logPart } from './failures.js';
export { postMortem, type Finding } from './post-mortem.js';
export { noteOf } from './told.js';
export type { OnEvent, ProgressEvent } from './progress.js';
export { Timeline, type TimelineBar, type TimelinePhase, type TimelineRow } from './timeline.js';
export { waitAdvice, type WaitAdvice } from './wait-advice.js';
