import type { PortMap } from '../../api/common.js';
import type {
  ContainerState as WireState,
  ContainerStatus,
  EndpointSettings,
  HealthState,
  ListedPort,
  MountPoint,
} from '../../api/container.js';
import type { Container } from './container.js';
import { planHealth } from './health.js';
import type { ContainerMount } from './record.js';
import type { Room } from './room.js';

/** The status as clients know it: what is being started is still what it was, or `restarting`. */
export function wireStatus({ state }: Container): ContainerStatus {
  if (state.status !== 'starting') return state.status;
  if (state.restartCount > 0 && !state.stoppedByUser) return 'restarting';
  return state.finishedAt.startsWith('0001') ? 'created' : 'exited';
}

export function wireState(container: Container): WireState {
  const { state } = container;
  const status = wireStatus(container);
  const health = healthOf(container);
  return {
    Status: status,
    Running: status === 'running' || status === 'paused' || status === 'restarting',
    Paused: status === 'paused',
    Restarting: status === 'restarting',
    OOMKilled: state.oomKilled,
    Dead: status === 'dead',
    Pid: container.isLive ? (state.process?.pid ?? 0) : 0,
    ExitCode: state.exitCode,
    Error: state.error,
    StartedAt: state.startedAt,
    FinishedAt: state.finishedAt,
    ...(health === undefined ? {} : { Health: health }),
  };
}

/** Undefined where no check is defined. */
export function healthOf(container: Container): HealthState | undefined {
  if (container.health !== undefined) return container.health.state;
  const { Healthcheck, Shell } = container.record.config;
  if (planHealth(Healthcheck, Shell ?? []) === undefined) return undefined;
  const waits = container.isLive || container.state.startedAt.startsWith('0001');
  return { Status: waits ? 'starting' : 'unhealthy', FailingStreak: 0, Log: [] };
}

export function wireMounts({ record }: Container): MountPoint[] {
  const byOption = record.hostConfig.Tmpfs ?? {}; // these are no mount points to dockerd, those of `Mounts` are
  return record.mounts.filter(({ type, destination }) => type !== 'tmpfs' || !(destination in byOption)).map(wireMount);
}

function wireMount({ type, name, source, destination, mode, readOnly, propagation }: ContainerMount): MountPoint {
  return {
    Type: type,
    ...(name === undefined ? {} : { Name: name }),
    Source: source,
    Destination: destination,
    ...(type === 'volume' ? { Driver: 'local' } : {}),
    Mode: type === 'volume' && mode === '' ? 'z' : mode,
    RW: !readOnly,
    Propagation: type === 'bind' && propagation === '' ? 'rprivate' : propagation,
  };
}

/** Published ports with what was chosen for them, exposed ones with null; nothing while it does not run. */
export function portMapOf(room: Room, container: Container): PortMap {
  if (!container.isLive) return {};
  const exposed = Object.keys(container.record.config.ExposedPorts ?? {}).map((spec) =>
    spec.includes('/') ? spec : `${spec}/tcp`,
  );
  return { ...Object.fromEntries(exposed.map((spec) => [spec, null])), ...room.networks.portsOf(container.id) };
}

export function listedPorts(ports: PortMap): ListedPort[] {
  return Object.entries(ports).flatMap(([spec, bindings]) => {
    const [port = '', type = 'tcp'] = spec.split('/');
    const PrivatePort = Number(port);
    if (bindings === null || bindings.length === 0) return [{ PrivatePort, Type: type }];
    return bindings.map(({ HostIp = '', HostPort = '' }) => ({
      ...(HostIp === '' ? {} : { IP: HostIp }),
      PrivatePort,
      PublicPort: Number(HostPort),
      Type: type,
    }));
  });
}

/** Every network of a container by name, with addresses while it runs. */
export function networksOf(room: Room, container: Container): Record<string, EndpointSettings> {
  const live = container.isLive ? room.networks.endpointsOf(container.id) : {};
  const asked = Object.entries(container.record.endpoints).map(([reference, settings]) => {
    const known = findNetwork(room, reference);
    const name = known?.name ?? reference;
    return [name, live[name] ?? idleEndpoint(settings, known?.id ?? '')] as const;
  });
  const all = { ...Object.fromEntries(asked), ...live };
  const { bridge } = all;
  return bridge === undefined ? all : { ...all, bridge: { ...bridge, Links: null } }; // they are the host config's there
}

export function findNetwork(room: Pick<Room, 'networks'>, reference: string): { name: string; id: string } | undefined {
  const all = room.networks.list();
  return all.find(({ id }) => id === reference) ?? all.find(({ name }) => name === reference);
}

function idleEndpoint(settings: EndpointSettings, networkId: string): EndpointSettings {
  return {
    IPAMConfig: settings.IPAMConfig ?? null,
    Links: settings.Links ?? null,
    Aliases: settings.Aliases ?? null,
    MacAddress: '',
    DriverOpts: settings.DriverOpts ?? null,
    NetworkID: networkId,
    EndpointID: '',
    Gateway: '',
    IPAddress: '',
    IPPrefixLen: 0,
    IPv6Gateway: '',
    GlobalIPv6Address: '',
    GlobalIPv6PrefixLen: 0,
    DNSNames: null,
  };
}
