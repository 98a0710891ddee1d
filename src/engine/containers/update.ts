import type { HostConfig, UpdateRequest } from '../../api/container.js';
import { liftPidsLimit, renderResources } from '../oci/index.js';
import { checkRequest } from './check-request.js';
import type { Container } from './container.js';
import { invalidConfig } from './errors.js';
import { cgroupPathOf, publish, type Room } from './room.js';

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
    const { config, hostConfig } = container.record;
    const given = changeable.filter((key) => !isZero(request[key]));
    const limits: HostConfig = Object.fromEntries(given.map((key) => [key, request[key]]));
    const policy = request.RestartPolicy;
    const wanted: HostConfig = {
      ...hostConfig,
      ...limits,
      ...(policy === undefined || isZero(policy.Name)
        ? {}
        : { RestartPolicy: { Name: policy.Name, MaximumRetryCount: policy.MaximumRetryCount ?? 0 } }),
    };
    const { Memory = 0, MemorySwap = 0 } = wanted;
    if (Memory > 0 && MemorySwap > 0 && Memory > MemorySwap) {
      throw invalidConfig(
        'Memory',
        'Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time',
      );
    }
    checkRequest(config, wanted);
    if (container.isLive && given.length > 0) {
      await room.oci.update(container.id, renderResources(wanted));
      if ((wanted.PidsLimit ?? 0) < 0) liftPidsLimit(cgroupPathOf(room, container));
    }
    await container.change({ hostConfig: wanted });
    publish(room, container, 'update');
    return { Warnings: [] };
  });
}

function isZero(value: unknown): boolean {
  return value === undefined || value === null || value === 0 || value === '';
}
