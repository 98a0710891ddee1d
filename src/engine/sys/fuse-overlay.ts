import type { OverlayRequest } from './overlay-mounter.js';
import { runToolSync } from './tool.js';

/**
 * Mounts an overlay by fuse-overlayfs(1). Its process lives as long as the mount, outliving ours. Options only the kernel
 * knows are left out.
 * @throws `tool/missing`, `sys/call-failed`
 */
export function mountByFuse({ target, data, readOnly }: OverlayRequest): void {
  const known = /^(?:lowerdir|upperdir|workdir)=/;
  const options = data.split(/(?<!\\),/).filter((option) => known.test(option));
  runToolSync('fuse-overlayfs', ['-o', [...options, ...(readOnly ? ['ro'] : [])].join(','), target]);
}
