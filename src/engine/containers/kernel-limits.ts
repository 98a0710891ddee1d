import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { HostConfig } from '../../api/container.js';
import { openCgroup } from '../oci/index.js';
import { cgroupLayout } from '../sys/index.js';

/** What kernels differ in: block weights need a scheduler, `cpuset` an option, and v2 has no word for the last two. */
export interface KernelLimits {
  readonly blockWeight: boolean;
  readonly cpuset: boolean;
  readonly swappiness: boolean;
  readonly oomKillDisable: boolean;
}

/** @param group - path of one that is not the root, whose folder has no limits on v2 */
export function kernelLimits(group: string): KernelLimits {
  const isV2 = cgroupLayout() === 'v2';
  const hasOne = (controller: string, names: readonly string[]) => {
    const folder = isV2 ? openCgroup(group).folder('') : join('/sys/fs/cgroup', controller);
    return names.some((name) => existsSync(join(folder, name)));
  };
  return {
    blockWeight: hasOne('blkio', isV2 ? ['io.weight', 'io.bfq.weight'] : ['blkio.weight', 'blkio.bfq.weight']),
    cpuset: hasOne('cpuset', ['cpuset.cpus']),
    swappiness: hasOne('memory', ['memory.swappiness']),
    oomKillDisable: hasOne('memory', ['memory.oom_control']),
  };
}

interface Discard {
  readonly keys: readonly (keyof HostConfig)[];
  readonly needs: keyof KernelLimits;
  readonly warning: string;
}

/** In dockerd's words. */
const discards: readonly Discard[] = [
  {
    keys: ['BlkioWeight'],
    needs: 'blockWeight',
    warning: 'Your kernel does not support Block I/O weight or the cgroup is not mounted. Weight discarded.',
  },
  {
    keys: ['BlkioWeightDevice'],
    needs: 'blockWeight',
    warning:
      'Your kernel does not support Block I/O weight_device or the cgroup is not mounted. Weight-device discarded.',
  },
  {
    keys: ['CpusetCpus', 'CpusetMems'],
    needs: 'cpuset',
    warning: 'Your kernel does not support cpuset or the cgroup is not mounted. Cpuset discarded.',
  },
  {
    keys: ['MemorySwappiness'],
    needs: 'swappiness',
    warning:
      'Your kernel does not support memory swappiness capabilities or the cgroup is not mounted. Memory swappiness discarded.',
  },
  {
    keys: ['OomKillDisable'],
    needs: 'oomKillDisable',
    warning: 'Your kernel does not support OomKillDisable. OomKillDisable discarded.',
  },
];

/** What a container can have of the limits it asks for, and a warning for each that this kernel does not know. */
export function withinKernel(
  asked: HostConfig,
  known: KernelLimits,
): { readonly hostConfig: HostConfig; readonly warnings: string[] } {
  const lost = discards.filter(({ keys, needs }) => !known[needs] && keys.some((key) => isAsked(asked[key])));
  const without = new Set<string>(lost.flatMap(({ keys }) => keys));
  return {
    hostConfig: Object.fromEntries(Object.entries(asked).filter(([key]) => !without.has(key))),
    warnings: lost.map(({ warning }) => warning),
  };
}

/** Clients also say nothing with a zero, and with -1 for the swappiness. */
function isAsked(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0;
  return value != null && value !== '' && value !== 0 && value !== -1 && value !== false;
}
