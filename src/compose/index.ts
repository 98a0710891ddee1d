/** Compose files → immutable `Project`. */
export type { OptionalStage } from './assemble.js';
export { loadProject, resolveProjectName, type LoadOptions } from './load.js';
export type { RemoteProjects } from './remote.js';
export { discoverFiles } from './discover.js';
export { readSettings } from './settings.js';
export { selectServices, type SelectOptions } from './select.js';
export { parsePublishFlag, parseVolumeFlag, readEnvFlags, splitCommandFlag } from './flag-values.js';
export { listVariables } from './variables.js';
export type { TemplateVariable } from './template.js';
export { yamlText } from './yaml-text.js';
export { durationText } from './go-values.js';
export { type PlainData, plainYamlData } from './plain-data.js';
export { traceProject } from './explain/explainer.js';
export { Mask } from './explain/mask.js';
export { inspectVariables, type VariableReport } from './explain/variables-report.js';
export type { Lint } from './explain/lints.js';
export type { Explanation, Step, VariablePlace, VariableUse, Via } from './explain/step.js';
export { findComposeTexts, type ComposeText } from './texts.js';
export { migrateFile, type MigratedFile } from './migrate/migrate.js';
export { renderProject } from './render.js';
export type {
  Build,
  Dependency,
  DependencyCondition,
  DeviceRequestSpec,
  FileObject,
  FileReference,
  HealthCheck,
  Mount,
  NetworkDefinition,
  NodePath,
  Port,
  Project,
  ProjectModel,
  Service,
  ServiceHook,
  ServiceNetwork,
  VolumeDefinition,
} from './model.js';
