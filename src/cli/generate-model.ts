import type { ContainerInspect, EndpointSettings, HealthConfig, MountPoint } from '../api/container.js';
import type { ImageInspect } from '../api/image.js';
import { composeLabels } from '../api/labels.js';
import {
  durationText,
  type FileObject,
  type FileReference,
  type HealthCheck,
  type Mount,
  type NetworkDefinition,
  type Port,
  type ProjectModel,
  type Service,
  type ServiceNetwork,
  type VolumeDefinition,
} from '../compose/index.js';

/** A container, with what its image sets by itself; undefined where that is gone. */
export interface Described {
  readonly container: ContainerInspect;
  readonly image: ImageInspect['Config'] | undefined;
}

/**
 * A model that amounts to containers as they are. Those of one service are its replicas. What the image sets is left to
 * it; networks and volumes are there already, so they are external. Secrets are told by where they are mounted.
 */
export function modelOfContainers(name: string, described: readonly Described[]): ProjectModel {
  const services: Record<string, Service> = {};
  const networks: Record<string, NetworkDefinition> = {};
  const volumes: Record<string, VolumeDefinition> = {};
  const secrets: Record<string, FileObject> = {};
  for (const { container, image } of described) {
    const service = container.Config.Labels?.[composeLabels.service] ?? container.Name.replace(/^\//, '');
    const known = services[service];
    services[service] =
      known === undefined
        ? compact({
            ...serviceOf(container, image),
            ...mountsOf(container, volumes, secrets),
            ...networksOf(container, networks),
          })
        : { ...known, scale: (known.scale ?? 1) + 1 };
  }
  return compact({ name, services, networks: some(networks), volumes: some(volumes), secrets: some(secrets) });
}

function serviceOf({ Config: config, HostConfig: host }: ContainerInspect, image: Described['image']): Loose<Service> {
  const same = (ours: unknown, theirs: unknown): boolean => JSON.stringify(ours ?? []) === JSON.stringify(theirs ?? []);
  const entrypoint = same(config.Entrypoint, image?.Entrypoint) ? undefined : (config.Entrypoint ?? []);
  const changed = entrypoint !== undefined || !same(config.Cmd, image?.Cmd);
  const given = (config.Env ?? []).filter((entry) => image?.Env?.includes(entry) !== true);
  const inherited = image?.Labels ?? {};
  const labels = Object.entries(config.Labels ?? {}).filter(
    ([key, value]) =>
      !/^(?:com\.docker\.compose|desktop\.docker\.io|io\.tscompose)\b/.test(key) && inherited[key] !== value,
  );
  const { Name: policy = '', MaximumRetryCount: retries = 0 } = host.RestartPolicy ?? {};
  return {
    image: config.Image,
    command: changed && (config.Cmd ?? []).length > 0 ? (config.Cmd ?? undefined) : undefined,
    entrypoint,
    environment: some(Object.fromEntries(given.map(pair))),
    labels: some(Object.fromEntries(labels)),
    user: other(config.User, image?.User),
    working_dir: other(config.WorkingDir, image?.WorkingDir),
    stop_signal: other(config.StopSignal, image?.StopSignal),
    healthcheck: same(config.Healthcheck, image?.Healthcheck) ? undefined : healthCheckOf(config.Healthcheck ?? {}),
    tty: config.Tty === true ? true : undefined,
    stdin_open: config.OpenStdin === true ? true : undefined,
    privileged: host.Privileged === true ? true : undefined,
    read_only: host.ReadonlyRootfs === true ? true : undefined,
    cap_add: someOf(host.CapAdd),
    cap_drop: someOf(host.CapDrop),
    restart: policy === '' || policy === 'no' ? undefined : retries > 0 ? `${policy}:${retries}` : policy,
    ports: someOf(portsOf(host.PortBindings ?? {})),
  };
}

function portsOf(bindings: NonNullable<ContainerInspect['HostConfig']['PortBindings']>): Port[] {
  return Object.entries(bindings).flatMap(([key, hosts]) => {
    const [target = '', protocol = 'tcp'] = key.split('/');
    return (hosts ?? []).map(({ HostIp = '', HostPort = '' }) =>
      compact<Port>({
        target: Number(target),
        published: HostPort === '' ? undefined : HostPort,
        host_ip: HostIp === '' ? undefined : HostIp,
        protocol,
      }),
    );
  });
}

function mountsOf(
  { Mounts: mounts }: ContainerInspect,
  volumes: Record<string, VolumeDefinition>,
  secrets: Record<string, FileObject>,
): Loose<Service> {
  const kept: Mount[] = [];
  const files: FileReference[] = [];
  for (const { Type: type, Name: name = '', Source: source, Destination: target, RW: writable, Driver } of mounts) {
    const readOnly = writable ? {} : { read_only: true };
    if (type === 'volume' && /^[0-9a-f]{64}$/.test(name)) kept.push({ type, target, ...readOnly });
    else if (type === 'volume') {
      volumes[name] = {
        name,
        external: true,
        ...(Driver === undefined || Driver === 'local' ? {} : { driver: Driver }),
      };
      kept.push({ type, source: name, target, ...readOnly });
    } else if (isSecret(type, target)) {
      const key = target.slice(target.lastIndexOf('/') + 1);
      secrets[key] = { name: key, file: source };
      files.push({ source: key, target });
    } else if (type === 'bind') kept.push({ type, source, target, ...readOnly });
    else if (type === 'tmpfs') kept.push({ type, target, ...readOnly });
  }
  return { volumes: someOf(kept), secrets: someOf(files) };
}

function isSecret(type: MountPoint['Type'], target: string): boolean {
  return type === 'bind' && target.startsWith('/run/secrets/');
}

function networksOf(
  { Id, Name, Config: { Labels }, HostConfig: host, NetworkSettings: { Networks: joined } }: ContainerInspect,
  networks: Record<string, NetworkDefinition>,
): Loose<Service> {
  const mode = host.NetworkMode ?? 'default';
  if (mode === 'default' || mode === 'bridge') return { network_mode: 'bridge' };
  if (mode === 'host' || mode === 'none' || mode.startsWith('container:')) return { network_mode: mode };
  const given = [Id.slice(0, 12), Name.replace(/^\//, ''), Labels?.[composeLabels.service]];
  const own: Record<string, ServiceNetwork | null> = {};
  for (const [name, { Aliases }] of Object.entries<EndpointSettings>(joined)) {
    const aliases = (Aliases ?? []).filter((alias) => !given.includes(alias));
    networks[name] = { name, external: true };
    own[name] = aliases.length === 0 ? null : { aliases };
  }
  return { networks: own };
}

function healthCheckOf({ Test, Interval, Timeout, Retries, StartPeriod, StartInterval }: HealthConfig): HealthCheck {
  if (Test?.[0] === 'NONE') return { disable: true };
  const time = (ns = 0): string | undefined => (ns === 0 ? undefined : durationText(BigInt(ns)));
  return compact<HealthCheck>({
    test: someOf(Test),
    interval: time(Interval),
    timeout: time(Timeout),
    retries: Retries === 0 ? undefined : Retries,
    start_period: time(StartPeriod),
    start_interval: time(StartInterval),
  });
}

type Loose<T> = { readonly [K in keyof T]?: T[K] | undefined };

/** Without members that are undefined. */
function compact<T extends object>(members: Loose<T>): T {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as T;
}

function some<T extends object>(members: T): T | undefined {
  return Object.keys(members).length === 0 ? undefined : members;
}

function someOf<T>(items: readonly T[] | null | undefined): readonly T[] | undefined {
  return items == null || items.length === 0 ? undefined : items;
}

function other(ours: string | undefined, theirs: string | undefined): string | undefined {
  return (ours ?? '') === (theirs ?? '') ? undefined : ours;
}

function pair(entry: string): [string, string] {
  const at = entry.indexOf('=');
  return at < 0 ? [entry, ''] : [entry.slice(0, at), entry.slice(at + 1)];
}
