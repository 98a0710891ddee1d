import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { HostConfig } from '../../api/container.js';
import { openCgroup } from '../oci/index.js';
import { cgroupLayout } from '../sys/index.js';
import { invalidConfig } from './errors.js';

/**
 * What kernels differ in, and containers that an engine runs in: block weights need a scheduler, the rest a controller
 * that whoever owns the groups above passes on, and v2 has no word for the last two.
 */
export interface KernelLimits {
  readonly memory: boolean;
  readonly swap: boolean;
  readonly pids: boolean;
  readonly cpuTime: boolean;
  readonly cpuShares: boolean;
  readonly blockWeight: boolean;
  readonly blockDeviceWeight: boolean;
  readonly blockRate: boolean;
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
    memory: hasOne('memory', [isV2 ? 'memory.max' : 'memory.limit_in_bytes']),
    swap: hasOne('memory', [isV2 ? 'memory.swap.max' : 'memory.memsw.limit_in_bytes']),
    pids: hasOne('pids', [isV2 ? 'pids.max' : 'tasks']), // the root of v1 has no limit of its own
    cpuTime: hasOne('cpu', [isV2 ? 'cpu.max' : 'cpu.cfs_quota_us']),
    cpuShares: hasOne('cpu', [isV2 ? 'cpu.weight' : 'cpu.shares']),
    blockWeight: hasOne('blkio', isV2 ? ['io.weight', 'io.bfq.weight'] : ['blkio.weight', 'blkio.bfq.weight']),
    // On v2 the runtimes give single devices only bfq's.
    blockDeviceWeight: hasOne('blkio', isV2 ? ['io.bfq.weight'] : ['blkio.weight', 'blkio.bfq.weight']),
    blockRate: hasOne('blkio', [isV2 ? 'io.max' : 'blkio.throttle.read_bps_device']),
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
    keys: ['Memory', 'MemorySwap'],
    needs: 'memory',
    warning:
      'Your kernel does not support memory limit capabilities or the cgroup is not mounted. Limitation discarded.',
  },
  {
    keys: ['MemoryReservation'],
    needs: 'memory',
    warning:
      'Your kernel does not support memory soft limit capabilities or the cgroup is not mounted. Limitation discarded.',
  },
  {
    keys: ['PidsLimit'],
    needs: 'pids',
    warning: 'Your kernel does not support PIDs limit capabilities or the cgroup is not mounted. PIDs limit discarded.',
  },
  {
    keys: ['CpuShares'],
    needs: 'cpuShares',
    warning: 'Your kernel does not support CPU shares or the cgroup is not mounted. Shares discarded.',
  },
  {
    keys: ['CpuPeriod', 'CpuQuota'],
    needs: 'cpuTime',
    warning: 'Your kernel does not support CPU CFS scheduler. CPU period/quota discarded.',
  },
  {
    keys: ['BlkioWeight'],
    needs: 'blockWeight',
    warning: 'Your kernel does not support Block I/O weight or the cgroup is not mounted. Weight discarded.',
  },
  {
    keys: ['BlkioWeightDevice'],
    needs: 'blockDeviceWeight',
    warning:
      'Your kernel does not support Block I/O weight_device or the cgroup is not mounted. Weight-device discarded.',
  },
  ...(
    [
      ['BlkioDeviceReadBps', 'BPS Block I/O read limit', 'Block I/O BPS read limit'],
      ['BlkioDeviceWriteBps', 'BPS Block I/O write limit', 'Block I/O BPS write limit'],
      ['BlkioDeviceReadIOps', 'IOPS Block read limit', 'Block I/O IOPS read limit'],
      ['BlkioDeviceWriteIOps', 'IOPS Block write limit', 'Block I/O IOPS write limit'],
    ] as const
  ).map(([key, what, lost]): Discard => ({
    keys: [key],
    needs: 'blockRate',
    warning: `Your kernel does not support ${what} or the cgroup is not mounted. ${lost} discarded.`,
  })),
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

/**
 * What a container can have of the limits it asks for, and a warning for each that this kernel does not know.
 * @throws `container/invalid-config` for a share of processors, which dockerd refuses
 */
export function withinKernel(
  asked: HostConfig,
  known: KernelLimits,
): { readonly hostConfig: HostConfig; readonly warnings: string[] } {
  if (!known.cpuTime && isAsked(asked.NanoCpus)) {
    throw invalidConfig(
      'NanoCpus',
      'NanoCPUs can not be set, as your kernel does not support CPU CFS scheduler or the cgroup is not mounted',
    );
  }
  const lost = discards.filter(({ keys, needs }) => !known[needs] && keys.some((key) => isAsked(asked[key])));
  const without = new Set<string>(lost.flatMap(({ keys }) => keys));
  const hostConfig: HostConfig = Object.fromEntries(Object.entries(asked).filter(([key]) => !without.has(key)));
  const warnings = lost.map(({ warning }) => warning);
  if (known.swap || !isAsked(hostConfig.Memory) || asked.MemorySwap === -1) return { hostConfig, warnings };
  return { hostConfig: { ...hostConfig, MemorySwap: -1 }, warnings: [...warnings, swapWarning] };
}

const swapWarning =
  'Your kernel does not support swap limit capabilities or the cgroup is not mounted. Memory limited without swap.';

/** Clients also say nothing with a zero, and with -1. */
function isAsked(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0;
  return value != null && value !== '' && value !== 0 && value !== -1 && value !== false;
}
