import { join } from 'node:path';
import type { ContainerInspect, ContainerNetworkSettings, HostConfig } from '../../api/container.js';
import { apparmorProfileOf, askedProfile, defaultMaskedPaths, defaultReadonlyPaths } from '../oci/index.js';
import type { Container } from './container.js';
import { extensionOf } from './crash-loop.js';
import { shownLinks } from './links.js';
import { commandOf } from './merge-config.js';
import { never } from './record.js';
import { folderOf, logPathOf, type Room, rootOf, upperOf } from './room.js';
import { sizesOf } from './sizes.js';
import { networksOf, portMapOf, wireMounts, wireState } from './wire.js';

/** "Inspect a container". */
export async function inspectContainer(
  room: Room,
  container: Container,
  { size, execIds }: { readonly size: boolean; readonly execIds: readonly string[] },
): Promise<ContainerInspect> {
  const { id, name, created, imageId, config, hostConfig, state } = container.record;
  const [Path = '', ...Args] = commandOf(config);
  const folder = folderOf(room, id);
  const sizes = size ? await sizesOf(room, container) : {};
  const namesFolder = sharedNamesFolder(room, container) ?? folder;
  return {
    Id: id,
    Created: created,
    Path,
    Args,
    State: wireState(container),
    Image: imageId,
    ResolvConfPath: join(namesFolder, 'resolv.conf'),
    HostnamePath: join(namesFolder, 'hostname'),
    HostsPath: join(namesFolder, 'hosts'),
    LogPath: hostConfig.LogConfig?.Type === 'none' ? '' : logPathOf(room, id),
    Name: `/${name}`,
    RestartCount: state.restartCount,
    Driver: 'overlay2',
    Platform: 'linux',
    MountLabel: '',
    ProcessLabel: '',
    AppArmorProfile: state.startedAt === never ? askedProfile(hostConfig) : (apparmorProfileOf(hostConfig) ?? ''),
    ExecIDs: execIds.length === 0 ? null : [...execIds],
    HostConfig: { ...shownHostConfig(hostConfig), Links: shownLinks(room, container) },
    GraphDriver: {
      Name: 'overlay2',
      Data: {
        LowerDir: room.layers.lowerDirs(container.record.chainId).join(':'),
        MergedDir: rootOf(room, id),
        UpperDir: upperOf(room, id),
        WorkDir: join(folder, 'work'),
      },
    },
    ...sizes,
    Mounts: wireMounts(container),
    Config: { ...config, Labels: config.Labels ?? {} },
    NetworkSettings: networkSettings(room, container),
    ...extensionOf(room, container),
  };
}

function sharedNamesFolder(room: Room, { record }: Container): string | undefined {
  const mode = record.hostConfig.NetworkMode ?? '';
  if (!mode.startsWith('container:')) return undefined;
  const other = room.registry.find(mode.slice('container:'.length));
  return other === undefined ? undefined : folderOf(room, other.id);
}

function networkSettings(room: Room, container: Container): ContainerNetworkSettings {
  const networks = networksOf(room, container);
  const bridge = networks['bridge'];
  const live = container.isLive && !(container.record.hostConfig.NetworkMode ?? '').startsWith('container:');
  return {
    Bridge: '',
    SandboxID: live ? container.id : '',
    SandboxKey: live ? `/proc/${container.state.process?.pid ?? 0}/ns/net` : '',
    Ports: portMapOf(room, container),
    HairpinMode: false,
    LinkLocalIPv6Address: '',
    LinkLocalIPv6PrefixLen: 0,
    SecondaryIPAddresses: null,
    SecondaryIPv6Addresses: null,
    EndpointID: bridge?.EndpointID ?? '',
    Gateway: bridge?.Gateway ?? '',
    GlobalIPv6Address: bridge?.GlobalIPv6Address ?? '',
    GlobalIPv6PrefixLen: bridge?.GlobalIPv6PrefixLen ?? 0,
    IPAddress: bridge?.IPAddress ?? '',
    IPPrefixLen: bridge?.IPPrefixLen ?? 0,
    IPv6Gateway: bridge?.IPv6Gateway ?? '',
    MacAddress: bridge?.MacAddress ?? '',
    Networks: networks,
  };
}

/** Null, and numbers that stand for it, show as what holds instead. */
function shownHostConfig(hostConfig: HostConfig): HostConfig {
  const zero = zeroHostConfig(hostConfig.Privileged === true);
  const { MaskedPaths, ReadonlyPaths, MemorySwappiness, PidsLimit } = hostConfig;
  return {
    ...windowsOnly,
    ...zero,
    ...hostConfig,
    MaskedPaths: MaskedPaths ?? zero.MaskedPaths ?? null,
    ReadonlyPaths: ReadonlyPaths ?? zero.ReadonlyPaths ?? null,
    MemorySwappiness: MemorySwappiness == null || MemorySwappiness < 0 ? null : MemorySwappiness,
    PidsLimit: PidsLimit == null || PidsLimit === 0 ? null : PidsLimit,
  };
}

/** Clients expect them in every answer. */
const windowsOnly = { CpuCount: 0, CpuPercent: 0, IOMaximumIOps: 0, IOMaximumBandwidth: 0 };

/** What dockerd shows for everything nobody asked for. */
function zeroHostConfig(privileged: boolean): HostConfig {
  return {
    Binds: null,
    ContainerIDFile: '',
    LogConfig: { Type: 'json-file', Config: {} },
    NetworkMode: 'bridge',
    PortBindings: {},
    RestartPolicy: { Name: 'no', MaximumRetryCount: 0 },
    AutoRemove: false,
    VolumeDriver: '',
    VolumesFrom: null,
    ConsoleSize: [0, 0],
    CapAdd: null,
    CapDrop: null,
    CgroupnsMode: 'private',
    Dns: [],
    DnsOptions: [],
    DnsSearch: [],
    ExtraHosts: null,
    GroupAdd: null,
    IpcMode: 'private',
    Cgroup: '',
    Links: null,
    OomScoreAdj: 0,
    PidMode: '',
    Privileged: false,
    PublishAllPorts: false,
    ReadonlyRootfs: false,
    SecurityOpt: null,
    UTSMode: '',
    UsernsMode: '',
    ShmSize: 64 * 1024 * 1024,
    Runtime: '',
    Isolation: '',
    CpuShares: 0,
    Memory: 0,
    NanoCpus: 0,
    CgroupParent: '',
    BlkioWeight: 0,
    BlkioWeightDevice: [],
    BlkioDeviceReadBps: [],
    BlkioDeviceWriteBps: [],
    BlkioDeviceReadIOps: [],
    BlkioDeviceWriteIOps: [],
    CpuPeriod: 0,
    CpuQuota: 0,
    CpuRealtimePeriod: 0,
    CpuRealtimeRuntime: 0,
    CpusetCpus: '',
    CpusetMems: '',
    Devices: [],
    DeviceCgroupRules: null,
    DeviceRequests: null,
    MemoryReservation: 0,
    MemorySwap: 0,
    MemorySwappiness: null,
    OomKillDisable: false,
    PidsLimit: null,
    Ulimits: [],
    MaskedPaths: privileged ? null : [...defaultMaskedPaths],
    ReadonlyPaths: privileged ? null : [...defaultReadonlyPaths],
  };
}
