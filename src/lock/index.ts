/** compose.lock: what names of images and branches stand for, so that a project is the same tomorrow. */
import './errors.js';
export { applyLock, missingEntry, ownBases, pinnedBuild } from './apply.js';
export { diffLocks, renderChange } from './diff.js';
export {
  emptyLock,
  type ImagePin,
  type LockedService,
  type LockFile,
  lockFileName,
  parseLock,
  renderLock,
} from './document.js';
export { entryOf, type Need, needsOf, pinnedRemote, remoteEntry, type ServiceNeeds } from './needs.js';
