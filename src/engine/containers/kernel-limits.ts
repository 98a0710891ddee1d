import { existsSync } from 'node:fs';
import type { HostConfig } from '../../api/container.js';
import { cgroupLayout } from '../sys/index.js';

/** What a container can have of the limits it asks for, and a warning for each that this kernel does not know. */
export function withinKernel(
  asked: HostConfig,
  hasBlockWeight = knowsBlockWeight(),
): { hostConfig: HostConfig; warnings: string[] } {
  if (hasBlockWeight) return { hostConfig: asked, warnings: [] };
  const warnings: string[] = [];
  const hostConfig = { ...asked };
  if ((asked.BlkioWeight ?? 0) !== 0) {
    hostConfig.BlkioWeight = 0;
    warnings.push('Your kernel does not support Block I/O weight or the cgroup is not mounted. Weight discarded.');
  }
  if ((asked.BlkioWeightDevice ?? []).length > 0) {
    hostConfig.BlkioWeightDevice = [];
    warnings.push(
      'Your kernel does not support Block I/O weight_device or the cgroup is not mounted. Weight-device discarded.',
    );
  }
  return { hostConfig, warnings };
}

/** On v2 the root group says nothing about it, and runtimes take it for another weight where there is none. */
function knowsBlockWeight(): boolean {
  if (cgroupLayout() === 'v2') return true;
  return ['blkio.weight', 'blkio.bfq.weight'].some((name) => existsSync(`/sys/fs/cgroup/blkio/${name}`));
}
