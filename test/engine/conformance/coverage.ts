import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { ContainerConfig, EndpointSettings, HostConfig } from '../../../src/api/container.js';
import type { Entry, Field } from './entry.js';

/** Attributes of a service that change nothing inside its container, and who answers for them. */
export const attributesElsewhere: Readonly<Record<string, string>> = {
  attach: 'the command line: whose output is shown',
  build: 'the builder',
  cpu_count: 'Windows',
  cpu_percent: 'Windows',
  cpu_rt_period: 'the kernel here has no real-time groups (CONFIG_RT_GROUP_SCHED)',
  cpu_rt_runtime: 'the kernel here has no real-time groups (CONFIG_RT_GROUP_SCHED)',
  credential_spec: 'Windows',
  depends_on: 'the planner: the order of starts',
  develop: 'watch',
  extends: 'the loader',
  label_file: 'the loader: labels',
  models: 'the planner: environment',
  platform: 'images',
  pre_start: 'the planner',
  pre_stop: 'the planner: an exec, as post_start',
  profiles: 'the loader',
  provider: 'the planner',
  pull_policy: 'the planner',
  pull_refresh_after: 'nobody: without effect in the specification',
  scale: 'the planner',
  use_api_socket: 'the planner: a bind mount',
};

const elsewhere: Partial<Record<Field, string>> = {
  ArgsEscaped: 'Windows',
  OnBuild: 'the builder',
  Shell: 'the builder',
  'HostConfig.AutoRemove': 'the lifecycle',
  'HostConfig.BlkioWeightDevice': 'the kernel here has no weights for devices',
  'HostConfig.Cgroup': 'nobody: without effect in the API',
  'HostConfig.ConsoleSize': 'streams: the size of a terminal',
  'HostConfig.ContainerIDFile': 'the client',
  'HostConfig.CpuRealtimePeriod': 'the kernel here has no real-time groups',
  'HostConfig.CpuRealtimeRuntime': 'the kernel here has no real-time groups',
};

/** Every member there is: the compiler holds this list against the API's types. */
const members: Readonly<{
  config: Record<keyof ContainerConfig, true>;
  hostConfig: Record<keyof HostConfig, true>;
  endpoint: Record<keyof EndpointSettings, true>;
}> = {
  config: {
    ...{ Hostname: true, Domainname: true, User: true, AttachStdin: true, AttachStdout: true, AttachStderr: true },
    ...{ ExposedPorts: true, Tty: true, OpenStdin: true, StdinOnce: true, Env: true, Cmd: true, Healthcheck: true },
    ...{ ArgsEscaped: true, Image: true, Volumes: true, WorkingDir: true, Entrypoint: true, NetworkDisabled: true },
    ...{ MacAddress: true, OnBuild: true, Labels: true, StopSignal: true, StopTimeout: true, Shell: true },
  },
  hostConfig: {
    ...{ CpuShares: true, Memory: true, NanoCpus: true, CgroupParent: true, BlkioWeight: true, Cgroup: true },
    ...{ BlkioWeightDevice: true, BlkioDeviceReadBps: true, BlkioDeviceWriteBps: true, BlkioDeviceReadIOps: true },
    ...{ BlkioDeviceWriteIOps: true, CpuPeriod: true, CpuQuota: true, CpuRealtimePeriod: true, Devices: true },
    ...{ CpuRealtimeRuntime: true, CpusetCpus: true, CpusetMems: true, DeviceCgroupRules: true, DeviceRequests: true },
    ...{ MemoryReservation: true, MemorySwap: true, MemorySwappiness: true, OomKillDisable: true, PidsLimit: true },
    ...{ Ulimits: true, Binds: true, ContainerIDFile: true, LogConfig: true, NetworkMode: true, PortBindings: true },
    ...{ RestartPolicy: true, AutoRemove: true, VolumeDriver: true, VolumesFrom: true, ConsoleSize: true },
    ...{ Annotations: true, CapAdd: true, CapDrop: true, CgroupnsMode: true, Dns: true, DnsOptions: true },
    ...{ DnsSearch: true, ExtraHosts: true, GroupAdd: true, IpcMode: true, Links: true, OomScoreAdj: true },
    ...{ PidMode: true, Privileged: true, PublishAllPorts: true, ReadonlyRootfs: true, SecurityOpt: true },
    ...{ StorageOpt: true, Tmpfs: true, UTSMode: true, UsernsMode: true, ShmSize: true, Sysctls: true, Runtime: true },
    ...{ Isolation: true, MaskedPaths: true, ReadonlyPaths: true, Mounts: true, Init: true },
  },
  endpoint: {
    ...{ IPAMConfig: true, Links: true, Aliases: true, MacAddress: true, DriverOpts: true, GwPriority: true },
    ...{ NetworkID: true, EndpointID: true, Gateway: true, IPAddress: true, IPPrefixLen: true, IPv6Gateway: true },
    ...{ GlobalIPv6Address: true, GlobalIPv6PrefixLen: true, DNSNames: true },
  },
};

/** Attributes of a service that no entry is about and nobody else answers for. */
export function attributesWithout(entries: readonly Entry[]): string[] {
  const shown = new Set(entries.flatMap(({ attribute }) => attribute.split(', ').map((one) => one.split(/[.[]/)[0])));
  return serviceAttributes().filter((name) => !shown.has(name) && !(name in attributesElsewhere));
}

/** Members of a create request that no entry is about and nobody else answers for. */
export function fieldsWithout(entries: readonly Entry[]): string[] {
  const shown = new Set<string>(entries.flatMap(({ fields }) => fields));
  const all = [
    ...Object.keys(members.config),
    ...Object.keys(members.hostConfig).map((name) => `HostConfig.${name}`),
    ...Object.keys(members.endpoint).map((name) => `Endpoint.${name}`),
  ];
  return all.filter((name) => !shown.has(name) && !(name in elsewhere));
}

export const fieldsElsewhere: Readonly<Record<string, string>> = { ...elsewhere };

/** As the schema of the current format has them. */
function serviceAttributes(): string[] {
  const path = fileURLToPath(new URL('../../../schemas/compose-current.json', import.meta.url));
  const schema = JSON.parse(readFileSync(path, 'utf8')) as { $defs: { service: { properties: object } } };
  return Object.keys(schema.$defs.service.properties).sort();
}
