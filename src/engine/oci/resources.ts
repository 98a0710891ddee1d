import { statSync } from 'node:fs';
import type { Resources, ThrottleDevice, Ulimit } from '../../api/container.js';
import { TscomposeError } from '../../base/errors.js';
import { splitDevice } from '../sys/index.js';
import './errors.js';
import type { OciProcess, OciResources, OciThrottle } from './spec.js';

const defaultCpuPeriodUs = 100_000;

/** The limits of a container as the runtime takes them; what is not limited is left out. Devices are not part of it. */
export function renderResources(request: Resources): OciResources {
  const memory = renderMemory(request);
  const cpu = renderCpu(request);
  const blockIO = renderBlockIo(request);
  return {
    ...(memory === undefined ? {} : { memory }),
    ...(cpu === undefined ? {} : { cpu }),
    ...(blockIO === undefined ? {} : { blockIO }),
    // No limit is left out: a new group has none, and crun takes no number for it on cgroup v1.
    ...(request.PidsLimit == null || request.PidsLimit <= 0 ? {} : { pids: { limit: request.PidsLimit } }),
  };
}

function renderMemory(request: Resources): OciResources['memory'] {
  const { Memory = 0, MemoryReservation = 0, MemorySwappiness, OomKillDisable } = request;
  const swap = memorySwapOf(request);
  return unlessEmpty({
    ...(Memory > 0 ? { limit: Memory } : {}),
    ...(swap === 0 ? {} : { swap }),
    ...(MemoryReservation > 0 ? { reservation: MemoryReservation } : {}),
    ...(MemorySwappiness == null || MemorySwappiness < 0 ? {} : { swappiness: MemorySwappiness }),
    ...(OomKillDisable === true ? { disableOOMKiller: true } : {}),
  });
}

/**
 * Bytes of memory and swap together, -1 for any, 0 for no word about it. Beside a limit of memory alone, as much swap as
 * memory (Docker, "--memory-swap details").
 */
export function memorySwapOf({ Memory = 0, MemorySwap = 0 }: Resources): number {
  return MemorySwap === 0 && Memory > 0 ? Memory * 2 : MemorySwap;
}

function renderCpu(request: Resources): OciResources['cpu'] {
  const { NanoCpus = 0, CpuShares = 0, CpuRealtimePeriod = 0, CpuRealtimeRuntime = 0 } = request;
  const period = NanoCpus > 0 ? defaultCpuPeriodUs : (request.CpuPeriod ?? 0);
  const quota = NanoCpus > 0 ? Math.floor((NanoCpus * defaultCpuPeriodUs) / 1e9) : (request.CpuQuota ?? 0);
  return unlessEmpty({
    ...(CpuShares > 0 ? { shares: CpuShares } : {}),
    ...(quota === 0 ? {} : { quota }),
    ...(period === 0 ? {} : { period }),
    ...(CpuRealtimePeriod === 0 ? {} : { realtimePeriod: CpuRealtimePeriod }),
    ...(CpuRealtimeRuntime === 0 ? {} : { realtimeRuntime: CpuRealtimeRuntime }),
    ...(isText(request.CpusetCpus) ? { cpus: request.CpusetCpus } : {}),
    ...(isText(request.CpusetMems) ? { mems: request.CpusetMems } : {}),
  });
}

function renderBlockIo(request: Resources): OciResources['blockIO'] {
  const weightDevice = (request.BlkioWeightDevice ?? []).map(({ Path, Weight }) => ({
    ...deviceNumbers(Path),
    weight: Weight,
  }));
  return unlessEmpty({
    ...(request.BlkioWeight === undefined || request.BlkioWeight === 0 ? {} : { weight: request.BlkioWeight }),
    ...(weightDevice.length === 0 ? {} : { weightDevice }),
    ...throttle('throttleReadBpsDevice', request.BlkioDeviceReadBps),
    ...throttle('throttleWriteBpsDevice', request.BlkioDeviceWriteBps),
    ...throttle('throttleReadIOPSDevice', request.BlkioDeviceReadIOps),
    ...throttle('throttleWriteIOPSDevice', request.BlkioDeviceWriteIOps),
  });
}

function throttle(key: string, devices: ThrottleDevice[] | null | undefined): Record<string, OciThrottle[]> {
  if (devices == null || devices.length === 0) return {};
  return { [key]: devices.map(({ Path, Rate }) => ({ ...deviceNumbers(Path), rate: Rate })) };
}

function deviceNumbers(path: string): { major: number; minor: number } {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found?.isBlockDevice() !== true) {
    throw new TscomposeError({
      code: 'oci/invalid-option',
      message: `cannot limit block device "${path}": ${found === undefined ? 'no such file or directory' : 'not a block device'}`,
      facts: { option: 'blkio', value: path },
    });
  }
  return splitDevice(found.rdev);
}

const limitNames = [
  'as',
  'core',
  'cpu',
  'data',
  'fsize',
  'locks',
  'memlock',
  'msgqueue',
  'nice',
  'nofile',
  'nproc',
  'rss',
  'rtprio',
  'rttime',
  'sigpending',
  'stack',
];

/** -1 is unlimited. @throws `oci/invalid-option` */
export function renderRlimits(ulimits: readonly Ulimit[]): NonNullable<OciProcess['rlimits']> {
  return ulimits.map(({ Name, Soft, Hard }) => {
    const name = Name.toLowerCase().replace(/^rlimit_/, '');
    if (!limitNames.includes(name)) throw invalidUlimit(Name, `invalid ulimit type: ${Name}`);
    if (Hard !== -1 && (Soft === -1 || Soft > Hard)) {
      throw invalidUlimit(Name, `ulimit soft limit must be less than or equal to hard limit: ${Soft} > ${Hard}`);
    }
    return { type: `RLIMIT_${name.toUpperCase()}`, soft: unlimited(Soft), hard: unlimited(Hard) };
  });
}

/**
 * RLIM_INFINITY is 2^64-1, which a number cannot hold exactly; 2^63 and above is what runtimes clamp to it. JSON keeps
 * only what a double holds, so the largest double below 2^64 stands for it.
 */
function unlimited(value: number): number {
  return value === -1 ? 18446744073709549568 : value;
}

function invalidUlimit(name: string, message: string): TscomposeError<'oci/invalid-option'> {
  return new TscomposeError({ code: 'oci/invalid-option', message, facts: { option: 'ulimit', value: name } });
}

function isText(value: string | undefined): value is string {
  return value !== undefined && value !== '';
}

function unlessEmpty<T extends object>(value: T): T | undefined {
  return Object.keys(value).length === 0 ? undefined : value;
}
