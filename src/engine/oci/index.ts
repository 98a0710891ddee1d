export { apparmorProfileOf, askedProfile, hasApparmor } from './apparmor.js';
export { composeSpec, capabilitiesOf, type BundleRequest, type NamespaceChoice } from './bundle.js';
export { ensureFileBeneath, ensureFolderBeneath, holdAt, kindBeneath, openFolderBeneath, removeAt } from './beneath.js';
export { capabilitySets } from './capabilities.js';
export {
  hasOwnMountNamespace,
  liftPidsLimit,
  openCgroup,
  prepareCgroups,
  readOrEmpty,
  type Cgroup,
} from './cgroups.js';
export { findDeviceEdits, type DeviceEdits } from './cdi.js';
export type { ExecProcess } from './exec.js';
export { readExitCode } from './exit-file.js';
export { ensureInitLayer } from './init-layer.js';
export { connectAttach, readMonitorPid, reopenLog, resizeTerminal, type MonitoredContainer } from './monitor.js';
export { openOci, type Oci, type OciOptions } from './open.js';
export type { RuntimeProgram } from './runtime.js';
export { availableCapabilities } from './probe.js';
export { memorySwapOf, renderResources, renderRlimits } from './resources.js';
export { readSecurityOptions, defaultMaskedPaths, defaultReadonlyPaths } from './security-options.js';
export type { OciMount, OciProcess, OciSpec } from './spec.js';
export type { StepRequest } from './step.js';
export { readAccountFiles, resolveUser } from './users.js';
