import { each, type MembersShape, type Shape } from './shape.js';

/** Bodies of requests, as the Engine API has their members; what nothing here reads is left out. */
const words: Shape = { list: 'text' };
const texts: Shape = { map: 'text' };
const anything: Shape = { map: { members: {} } };
const members = (...parts: readonly Record<string, Shape>[]): MembersShape => ({
  members: Object.assign({}, ...parts) as Record<string, Shape>,
});

const throttles: Shape = { list: members({ Path: 'text', Rate: 'number' }) };

const resources: Record<string, Shape> = {
  ...each('number', 'CpuShares Memory NanoCpus BlkioWeight CpuPeriod CpuQuota CpuRealtimePeriod CpuRealtimeRuntime'),
  ...each('number', 'MemoryReservation MemorySwap MemorySwappiness PidsLimit'),
  ...each('text', 'CgroupParent CpusetCpus CpusetMems'),
  ...each(throttles, 'BlkioDeviceReadBps BlkioDeviceWriteBps BlkioDeviceReadIOps BlkioDeviceWriteIOps'),
  OomKillDisable: 'flag',
  BlkioWeightDevice: { list: members({ Path: 'text', Weight: 'number' }) },
  Devices: { list: members(each('text', 'PathOnHost PathInContainer CgroupPermissions')) },
  DeviceCgroupRules: words,
  DeviceRequests: {
    list: members({ Driver: 'text', Count: 'number', DeviceIDs: words, Capabilities: { list: words }, Options: texts }),
  },
  Ulimits: { list: members({ Name: 'text', Soft: 'number', Hard: 'number' }) },
};

/** Of `POST /tscompose/logs`. */
export const mergedLogsShape = members({ Containers: words });

const restartPolicy = members({ Name: 'text', MaximumRetryCount: 'number' });

const mount = members({
  ...each('text', 'Type Source Target Consistency'),
  ReadOnly: 'flag',
  BindOptions: members({
    Propagation: 'text',
    ...each('flag', 'NonRecursive CreateMountpoint ReadOnlyNonRecursive ReadOnlyForceRecursive'),
    IdMap: members({ User: 'number', Group: 'number', Owner: 'flag' }),
  }),
  VolumeOptions: members({
    ...{ NoCopy: 'flag', Labels: texts, Subpath: 'text' },
    DriverConfig: members({ Name: 'text', Options: texts }),
  }),
  ImageOptions: members({ Subpath: 'text' }),
  TmpfsOptions: members({ SizeBytes: 'number', Mode: 'number', Options: { list: words } }),
});

const hostConfig = members(resources, {
  ...each(words, 'Binds VolumesFrom CapAdd CapDrop Dns DnsOptions DnsSearch ExtraHosts GroupAdd Links SecurityOpt'),
  ...each(words, 'MaskedPaths ReadonlyPaths'),
  ...each('text', 'ContainerIDFile NetworkMode VolumeDriver CgroupnsMode IpcMode Cgroup PidMode UTSMode UsernsMode'),
  ...each('text', 'Runtime Isolation'),
  ...each('flag', 'AutoRemove Privileged PublishAllPorts ReadonlyRootfs Init'),
  ...each('number', 'OomScoreAdj ShmSize'),
  ...each(texts, 'Annotations StorageOpt Tmpfs Sysctls'),
  LogConfig: members({ Type: 'text', Config: texts }),
  PortBindings: { map: { list: members({ HostIp: 'text', HostPort: 'text' }) } },
  RestartPolicy: restartPolicy,
  ConsoleSize: { list: 'number' },
  Mounts: { list: mount },
});

const endpoint = members({
  IPAMConfig: members({ ...each('text', 'IPv4Address IPv6Address'), LinkLocalIPs: words }),
  ...each(words, 'Links Aliases'),
  ...{ MacAddress: 'text', DriverOpts: texts, GwPriority: 'number', NetworkID: 'text' },
});

export const containerConfigShape = members({
  ...each('text', 'Hostname Domainname User Image WorkingDir MacAddress StopSignal'),
  ...each('flag', 'AttachStdin AttachStdout AttachStderr Tty OpenStdin StdinOnce ArgsEscaped NetworkDisabled'),
  ...each('command', 'Cmd Entrypoint Shell'),
  ...each(words, 'Env OnBuild'),
  ...each(anything, 'ExposedPorts Volumes'),
  Labels: texts,
  StopTimeout: 'number',
  Healthcheck: members({ Test: words, ...each('number', 'Interval Timeout StartPeriod StartInterval Retries') }),
});

export const createContainerShape = members(containerConfigShape.members, {
  HostConfig: hostConfig,
  NetworkingConfig: members({ EndpointsConfig: { map: endpoint } }),
});

export const updateShape = members(resources, { RestartPolicy: restartPolicy });

export const createExecShape = members({
  ...each('text', 'User DetachKeys WorkingDir'),
  ...each('flag', 'Privileged Tty AttachStdin AttachStdout AttachStderr Detach'),
  ...each(words, 'Env Cmd'),
  ConsoleSize: { list: 'number' },
});

export const startExecShape = members({ ...each('flag', 'Detach Tty'), ConsoleSize: { list: 'number' } });

export const createNetworkShape = members({
  ...each('text', 'Name Driver Scope'),
  ...each('flag', 'CheckDuplicate EnableIPv4 EnableIPv6 Internal Attachable Ingress ConfigOnly'),
  ...each(texts, 'Options Labels'),
  IPAM: members({
    ...{ Driver: 'text', Options: texts },
    Config: { list: members({ ...each('text', 'Subnet IPRange Gateway'), AuxiliaryAddresses: texts }) },
  }),
  ConfigFrom: members({ Network: 'text' }),
});

export const membershipShape = members({ Container: 'text', Force: 'flag', EndpointConfig: endpoint });

export const createVolumeShape = members({ ...each('text', 'Name Driver'), ...each(texts, 'DriverOpts Labels') });
