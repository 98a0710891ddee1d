import type { HostConfig, UpdateRequest } from '../../api/container.js';
import { liftPidsLimit, memorySwapOf, renderResources } from '../oci/index.js';
import { checkRequest } from './check-request.js';
import type { Container } from './container.js';
import { invalidConfig } from './errors.js';
import { kernelLimits, withinKernel } from './kernel-limits.js';
import { cgroupPathOf, publish, type Room } from './room.js';
import { without } from './without.js';

/** Limits that a running container takes at once. */
const changeable = [
  'CpuShares',
  'Memory',
  'NanoCpus',
  'BlkioWeight',
  'CpuPeriod',
  'CpuQuota',
  'CpuRealtimePeriod',
  'CpuRealtimeRuntime',
  'CpusetCpus',
  'CpusetMems',
  'MemoryReservation',
  'MemorySwap',
  'PidsLimit',
] as const;

/** @throws `container/invalid-config`, `oci/runtime-failed` */
export function updateContainer(
  room: Room,
  container: Container,
  request: UpdateRequest,
): Promise<{ Warnings: string[] }> {
  return container.exclusive(async () => {
    const { hostConfig } = container.record;
    const given = changeable.filter((key) => !isZero(request[key]));
    const asked: HostConfig = Object.fromEntries(given.map((key) => [key, request[key]]));
    const known = kernelLimits(room.oci.cgroupParent);
    const { hostConfig: limits, warnings } = withinKernel(asked, known);
    const policy = request.RestartPolicy;
    const wanted: HostConfig = {
      ...hostConfig,
      ...limits,
      MemorySwap: memorySwapOf({ ...hostConfig, ...limits }),
      ...(policy === undefined || isZero(policy.Name)
        ? {}
        : { RestartPolicy: { Name: policy.Name, MaximumRetryCount: policy.MaximumRetryCount ?? 0 } }),
    };
    // A limit of swap alone goes with the memory that the container has.
    const judged = isZero(limits.Memory) ? without(limits, 'MemorySwap') : limits;
    checkRequest({}, { ...judged, ...(policy === undefined ? {} : { RestartPolicy: policy }) });
    const clash = clashOf(limits, wanted, hostConfig);
    if (clash !== undefined) throw invalidConfig(clash[0], `Cannot update container ${container.id}: ${clash[1]}`);
    if (container.isLive && given.length > 0) {
      await room.oci.update(container.id, renderResources(wanted));
      if (known.pids && (wanted.PidsLimit ?? 0) < 0) liftPidsLimit(cgroupPathOf(room, container));
    }
    await container.change({ hostConfig: wanted });
    publish(room, container, 'update');
    return { Warnings: warnings };
  });
}

/** What is asked for and cannot be had beside what the container has: the option and Docker's words. */
function clashOf(limits: HostConfig, wanted: HostConfig, had: HostConfig): readonly [string, string] | undefined {
  const { Memory = 0, MemorySwap = 0 } = wanted;
  const isSet = (value: unknown) => !isZero(value);
  for (const [key, name] of [
    ['CpuPeriod', 'CPU Period'],
    ['CpuQuota', 'CPU Quota'],
  ] as const) {
    if (isSet(limits.NanoCpus) && isSet(had[key])) {
      return ['NanoCpus', `Conflicting options: Nano CPUs cannot be updated as ${name} has already been set`];
    }
    if (isSet(limits[key]) && isSet(had.NanoCpus)) {
      return [key, `Conflicting options: ${name} cannot be updated as NanoCPUs has already been set`];
    }
  }
  if (Memory > 0 && MemorySwap > 0 && Memory > MemorySwap) {
    return [
      'Memory',
      'Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time',
    ];
  }
  if (had.AutoRemove === true && wanted.RestartPolicy !== had.RestartPolicy && wanted.RestartPolicy?.Name !== 'no') {
    return ['RestartPolicy', 'Restart policy cannot be updated because AutoRemove is enabled for the container'];
  }
  return undefined;
}

function isZero(value: unknown): boolean {
  return value === undefined || value === null || value === 0 || value === '';
}
