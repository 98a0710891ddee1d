import { runToolSync } from './tool.js';

let isUsed = false;

/** Whether overlays are mounted by the program fuse-overlayfs from now on. */
export function useFuseForOverlays(used: boolean): void {
  isUsed = used;
}

export function fuseIsUsedForOverlays(): boolean {
  return isUsed;
}

/**
 * Mounts an overlay by fuse-overlayfs(1). Its process lives as long as the mount, outliving ours.
 * @param data - as for the kernel; options only the kernel knows are left out
 * @throws `tool/missing`, `sys/call-failed`
 */
export function mountByFuse({
  target,
  data,
  readOnly = false,
}: {
  readonly target: string;
  readonly data: string;
  readonly readOnly?: boolean;
}): void {
  const known = /^(?:lowerdir|upperdir|workdir)=/;
  const options = data.split(/(?<!\\),/).filter((option) => known.test(option));
  runToolSync('fuse-overlayfs', ['-o', [...options, ...(readOnly ? ['ro'] : [])].join(','), target]);
}
