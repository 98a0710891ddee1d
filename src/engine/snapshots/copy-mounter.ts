import type { OverlayMounter } from '../sys/index.js';
import { mountByCopy } from './copy-mount.js';
import { runSettle } from './settle-job.js';

/** Layers by copies of files: works on any file system, and every container and build step costs the size of its image. */
export const copyMounter: OverlayMounter = {
  mount: mountByCopy,
  settle: (upperDir) => runSettle({ kind: 'settle', upperDir, opaqueXattr: 'trusted.overlay.opaque', how: 'kept' }),
};
