import type { DeviceMapping, DeviceRequest, Resources, Ulimit } from '../../api/container.js';
import type { DeviceRequestSpec, Service } from '../../compose/index.js';
import { integer } from '../units.js';

/** Limits, devices and scheduling. `deploy.resources` wins over the service's own twins. */
export function resourcesOf(service: Service): Resources {
  const limits = service.deploy?.resources?.limits;
  const reservations = service.deploy?.resources?.reservations;
  const cpus = limits?.cpus ?? service.cpus;
  const blkio = service.blkio_config;
  return compact({
    NanoCpus: cpus === undefined ? undefined : Math.round(cpus * 1e9),
    CpuShares: service.cpu_shares,
    CpuQuota: integer(service.cpu_quota),
    CpuPeriod: integer(service.cpu_period),
    CpuRealtimeRuntime: integer(service.cpu_rt_runtime),
    CpuRealtimePeriod: integer(service.cpu_rt_period),
    CpusetCpus: service.cpuset,
    Memory: integer(limits?.memory ?? service.mem_limit),
    MemoryReservation: integer(reservations?.memory ?? service.mem_reservation),
    MemorySwap: integer(service.memswap_limit),
    MemorySwappiness: integer(service.mem_swappiness),
    OomKillDisable: service.oom_kill_disable,
    PidsLimit: limits?.pids ?? service.pids_limit,
    CgroupParent: service.cgroup_parent,
    Ulimits: nonEmpty(Object.entries(service.ulimits ?? {}).map(([name, value]) => ulimit(name, value))),
    Devices: nonEmpty((service.devices ?? []).filter(({ source }) => !isCdi(source)).map(deviceMapping)),
    DeviceCgroupRules: nonEmpty([...(service.device_cgroup_rules ?? [])]),
    DeviceRequests: nonEmpty(deviceRequests(service)),
    BlkioWeight: blkio?.weight,
    BlkioWeightDevice: nonEmpty(
      (blkio?.weight_device ?? []).map(({ path, weight }) => ({ Path: path, Weight: weight })),
    ),
    BlkioDeviceReadBps: throttles(blkio?.device_read_bps),
    BlkioDeviceReadIOps: throttles(blkio?.device_read_iops),
    BlkioDeviceWriteBps: throttles(blkio?.device_write_bps),
    BlkioDeviceWriteIOps: throttles(blkio?.device_write_iops),
  });
}

/** Drops the members that are undefined. */
export function compact<T extends object>(members: { [K in keyof T]: T[K] | undefined }): {
  [K in keyof T]: Exclude<T[K], undefined>;
} {
  const kept = { ...members };
  for (const key in kept) if (kept[key] === undefined) Reflect.deleteProperty(kept, key);
  return kept as { [K in keyof T]: Exclude<T[K], undefined> };
}

export function nonEmpty<T>(items: T[]): T[] | undefined {
  return items.length === 0 ? undefined : items;
}

function ulimit(name: string, value: number | { readonly soft: number; readonly hard: number }): Ulimit {
  return typeof value === 'number'
    ? { Name: name, Soft: value, Hard: value }
    : { Name: name, Soft: value.soft, Hard: value.hard };
}

function throttles(
  devices: readonly { readonly path: string; readonly rate: string }[] | undefined,
): { Path: string; Rate: number }[] | undefined {
  return nonEmpty((devices ?? []).map(({ path, rate }) => ({ Path: path, Rate: Number(rate) })));
}

function deviceMapping(device: NonNullable<Service['devices']>[number]): DeviceMapping {
  return {
    PathOnHost: device.source,
    PathInContainer: device.target ?? device.source,
    CgroupPermissions: device.permissions ?? 'rwm',
  };
}

/** A Container Device Interface name, `vendor/class=device`. */
function isCdi(source: string): boolean {
  return !source.startsWith('/') && source.includes('=');
}

function deviceRequests(service: Service): DeviceRequest[] {
  const reserved = service.deploy?.resources?.reservations?.devices ?? [];
  const gpus = (service.gpus ?? []).map((gpu) => ({ ...gpu, capabilities: [...(gpu.capabilities ?? []), 'gpu'] }));
  const cdi = (service.devices ?? []).map(({ source }) => source).filter(isCdi);
  return [
    ...[...reserved, ...gpus].map(deviceRequest),
    ...(cdi.length === 0 ? [] : [{ Driver: 'cdi', DeviceIDs: cdi }]),
  ];
}

function deviceRequest(device: DeviceRequestSpec): DeviceRequest {
  return compact<DeviceRequest>({
    Driver: device.driver,
    Count: device.count ?? (device.device_ids === undefined ? -1 : undefined),
    DeviceIDs: device.device_ids === undefined ? undefined : [...device.device_ids],
    Capabilities: [[...(device.capabilities ?? [])]],
    Options: device.options === undefined ? undefined : { ...device.options },
  });
}
