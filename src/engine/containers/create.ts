import { randomBytes } from 'node:crypto';
import { hostname as hostName } from 'node:os';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type {
  ContainerConfig,
  ContainerCreateRequest,
  ContainerCreateResponse,
  EndpointSettings,
  HostConfig,
} from '../../api/container.js';
import { CleanupStack } from '../../base/cleanup-stack.js';
import { TscomposeError } from '../../base/errors.js';
import type { Image } from '../images/index.js';
import { memorySwapOf } from '../oci/index.js';
import { checkModes } from './check-modes.js';
import { checkEndpoint } from './check-endpoint.js';
import { checkRequest } from './check-request.js';
import { invalidConfig } from './errors.js';
import { kernelLimits, withinKernel } from './kernel-limits.js';
import { checkLinks } from './links.js';
import { runtimeOf } from './runtime-of.js';
import { mergeConfig } from './merge-config.js';
import { cgroupLayout } from '../sys/index.js';
import { planMounts } from './mount-plan.js';
import { type ContainerRecord, freshState } from './record.js';
import { randomName } from './random-name.js';
import { folderOf, publish, type Room } from './room.js';
import { nowNs, renderTime } from './time.js';
import { fillVolumes } from './volume-content.js';

/** Makes the record and the volumes; nothing runs yet. */
export async function createContainer(
  room: Room,
  request: ContainerCreateRequest,
  options: { readonly name?: string; readonly platform?: string },
  signal: AbortSignal,
): Promise<ContainerCreateResponse> {
  const { HostConfig: askedHost = {}, NetworkingConfig, ...asked } = request;
  const image = resolveImage(room, request.Image ?? '', options.platform);
  await admitImages(room, image, request, signal);
  const config = mergeConfig(asked, image.config.config ?? {});
  const { hostConfig, warnings } = withinKernel(
    completeHostConfig(room, askedHost),
    kernelLimits(room.oci.cgroupParent),
  );
  checkModes(asked, hostConfig);
  checkRequest(config, hostConfig);
  checkLinks(room, hostConfig);
  checkJoined(room, hostConfig);
  runtimeOf(room, hostConfig);
  const endpoints = endpointsOf(config, hostConfig, NetworkingConfig?.EndpointsConfig ?? {});
  checkEndpoints(room, endpoints);
  const id = randomBytes(32).toString('hex');
  await using held = new CleanupStack();
  held.defer(room.images.retain(image.id)); // until the record says that the image is used
  held.defer(() => {
    room.volumes.endReservations(id);
  });
  await using undo = new CleanupStack();
  const name = takeName(room, options.name, id);
  undo.defer(() => room.registry.freeName(name, id));

  // The folder without a record says, after a crash, that what was made for this container goes again.
  for (const part of ['', 'upper', 'work'])
    await mkdir(join(folderOf(room, id), part), { mode: part === '' ? 0o711 : 0o755 });
  undo.defer(() => rm(folderOf(room, id), { recursive: true, force: true }));
  undo.defer(() => room.volumes.discardMadeFor(id));
  const mounts = await planMounts({
    containerId: id,
    config,
    hostConfig,
    volumes: room.volumes,
    mountsOf: (reference) => room.registry.resolve(reference).record.mounts,
  });
  const record: ContainerRecord = {
    id,
    name,
    created: renderTime(nowNs()),
    imageId: image.id,
    ...(image.chainId === undefined ? {} : { chainId: image.chainId }),
    config: withHostname(room, config, hostConfig, id),
    hostConfig,
    endpoints,
    mounts,
    state: freshState,
  };
  await fillVolumes(room, record, signal);
  const container = await room.registry.add(record);
  undo.commit();
  publish(room, container, 'create');
  return { Id: id, Warnings: [...warnings, ...warningsOf(hostConfig)] };
}

/** Those whose network it joins may come later: that is looked at with its start. @throws `container/invalid-config` */
function checkJoined({ registry }: Room, hostConfig: HostConfig): void {
  for (const option of ['PidMode', 'IpcMode'] as const) {
    const [, name] = /^container:(.*)$/.exec(hostConfig[option] ?? '') ?? [];
    if (name !== undefined && registry.find(name) === undefined)
      throw invalidConfig(option, `No such container: ${name}`);
  }
}

/** The image it runs, and those whose files it mounts. @throws `trust/…` */
async function admitImages(
  { images }: Room,
  image: Image,
  { Image: name = '', HostConfig: { Mounts } = {} }: ContainerCreateRequest,
  signal: AbortSignal,
): Promise<void> {
  await images.admit(image, name, signal);
  for (const { Type, Source = '' } of Mounts ?? []) {
    const mounted = Type === 'image' ? images.find(Source) : undefined; // a missing one is told of at the start
    if (mounted !== undefined) await images.admit(mounted, Source, signal);
  }
}

/** What a platform of one word may be, as containerd has it. */
const knownWords = new Set(
  (
    'aix android darwin freebsd illumos ios js linux netbsd openbsd plan9 solaris wasip1 windows ' +
    '386 amd64 x86_64 arm armhf arm64 aarch64 loong64 mips mips64 mips64le mipsle ppc64 ppc64le riscv64 s390x wasm'
  ).split(' '),
);

/** @throws `image/not-found`; `container/other-platform`, a 404 too: clients then pull the right one */
function resolveImage(room: Room, reference: string, platform: string | undefined): Image {
  const [os = '', architecture = '', variant] = (platform ?? '').toLowerCase().split('/');
  const wanted = architecture === '' ? undefined : { os, architecture, ...(variant === undefined ? {} : { variant }) };
  const image = room.images.resolve(reference, wanted);
  if (/^[a-z0-9_]+$/i.test(platform ?? '') && !knownWords.has((platform ?? '').toLowerCase())) {
    const reason = 'unknown operating system or architecture: invalid argument';
    throw invalidConfig('platform', `${JSON.stringify(platform)}: ${reason}`);
  }
  const other = (wanted: string, own: string) => wanted !== '' && own !== '' && wanted !== own;
  if (!other(os, image.config.os) && !other(architecture, image.config.architecture)) return image;
  const { config } = image;
  const actual = [config.os, config.architecture, config.variant ?? ''].filter((part) => part !== '').join('/');
  throw new TscomposeError({
    code: 'container/other-platform',
    message:
      `image with reference ${reference} was found but does not match the specified platform: ` +
      `wanted ${platform ?? ''}, actual: ${actual}`,
    facts: { reference, platform: platform ?? '' },
  });
}

function takeName(room: Room, wanted: string | undefined, id: string): string {
  if (wanted !== undefined && wanted !== '') {
    const name = wanted.replace(/^\//, '');
    room.registry.takeName(name, id);
    return name;
  }
  for (let attempt = 0; ; attempt += 1) {
    const name = randomName(attempt);
    if (room.registry.hasName(name)) continue;
    room.registry.takeName(name, id);
    return name;
  }
}

/** What was left out gets the value that `inspect` shows and `start` goes by. */
function completeHostConfig(room: Room, asked: HostConfig): HostConfig {
  const mode = asked.NetworkMode ?? '';
  const owner = mode.startsWith('container:') ? room.registry.find(mode.slice('container:'.length)) : undefined;
  const policy = asked.RestartPolicy?.Name ?? '';
  return {
    ...asked,
    NetworkMode: owner === undefined ? (mode === '' || mode === 'default' ? 'bridge' : mode) : `container:${owner.id}`,
    RestartPolicy: {
      Name: policy === '' ? 'no' : policy,
      MaximumRetryCount: asked.RestartPolicy?.MaximumRetryCount ?? 0,
    },
    LogConfig: {
      Type: asked.LogConfig?.Type === undefined || asked.LogConfig.Type === '' ? 'json-file' : asked.LogConfig.Type,
      Config: asked.LogConfig?.Config ?? {},
    },
    MemorySwap: memorySwapOf(asked),
    ShmSize: asked.ShmSize === undefined || asked.ShmSize === 0 ? 64 * 1024 * 1024 : asked.ShmSize,
    IpcMode: asked.IpcMode === undefined || asked.IpcMode === '' ? 'private' : asked.IpcMode,
    CgroupnsMode:
      asked.CgroupnsMode === undefined || asked.CgroupnsMode === '' ? defaultCgroupMode(asked) : asked.CgroupnsMode,
    SecurityOpt: withoutLabels(asked) ? [...(asked.SecurityOpt ?? []), 'label=disable'] : (asked.SecurityOpt ?? null),
    Runtime: asked.Runtime ?? '',
  };
}

/** A privileged container manages groups of its own, which on v1 it finds only where the host has them. */
function defaultCgroupMode({ Privileged }: HostConfig): 'private' | 'host' {
  return Privileged === true && cgroupLayout() !== 'v2' ? 'host' : 'private';
}

/** SELinux labels would keep it from what of the host it is to see. */
function withoutLabels({ Privileged, IpcMode, PidMode, SecurityOpt }: HostConfig): boolean {
  if ((SecurityOpt ?? []).some((option) => /^label[=:]/.test(option))) return false;
  return Privileged === true || IpcMode === 'host' || PidMode === 'host';
}

function withHostname(room: Room, config: ContainerConfig, hostConfig: HostConfig, id: string): ContainerConfig {
  if (config.Hostname !== undefined && config.Hostname !== '') return config;
  const mode = hostConfig.NetworkMode ?? '';
  if (hostConfig.UTSMode === 'host' || mode === 'host') return { ...config, Hostname: hostName() };
  const other = mode.startsWith('container:') ? room.registry.find(mode.slice('container:'.length)) : undefined;
  return { ...config, Hostname: other?.record.config.Hostname ?? id.slice(0, 12) };
}

/** The network of the mode first: it gives the default route. */
function endpointsOf(
  config: ContainerConfig,
  { NetworkMode: mode = 'bridge', Links }: HostConfig,
  asked: Readonly<Record<string, EndpointSettings | null>>,
): Record<string, EndpointSettings> {
  const names = Object.keys(asked);
  if (mode === 'host' || mode.startsWith('container:')) {
    if (names.some((name) => name !== mode && !(name.startsWith('container:') && mode.startsWith('container:')))) {
      throw invalidConfig(
        'NetworkMode',
        'conflicting options: cannot attach both user-defined and non-user-defined network-modes',
      );
    }
    return mode === 'host' ? { host: asked['host'] ?? {} } : {};
  }
  if (config.NetworkDisabled === true) return { none: {} };
  const own = asked[mode] ?? (mode === 'bridge' ? asked['default'] : undefined) ?? {};
  const mac = config.MacAddress ?? '';
  const ownMac = own.MacAddress ?? '';
  if (mac !== '' && ownMac !== '' && mac !== ownMac) {
    const problem = 'the container-wide MAC address must match the endpoint-specific MAC address for the main network';
    throw invalidConfig('MacAddress', `${problem}, or be left empty`);
  }
  const first: EndpointSettings = {
    ...own,
    ...(mac === '' ? {} : { MacAddress: mac }),
    ...((Links ?? []).length === 0 ? {} : { Links: [...new Set([...(own.Links ?? []), ...(Links ?? [])])] }),
  };
  const others = Object.entries(asked).filter(([name]) => name !== mode && name !== 'default');
  return { [mode]: first, ...Object.fromEntries(others.map(([name, settings]) => [name, settings ?? {}])) };
}

/** A network that is not there yet is told of at the start. */
function checkEndpoints(room: Room, endpoints: Readonly<Record<string, EndpointSettings>>): void {
  const networks = room.networks.list();
  for (const [key, settings] of Object.entries(endpoints)) {
    const network = networks.find(({ name, id }) => name === key || id === key);
    if (network !== undefined) checkEndpoint(network, settings, `invalid config for network ${network.name}: `);
  }
}

function warningsOf({ NetworkMode, PortBindings, OomKillDisable, Memory = 0 }: HostConfig): string[] {
  return [
    ...(NetworkMode === 'host' && Object.keys(PortBindings ?? {}).length > 0
      ? ['Published ports are discarded when using host network mode']
      : []),
    ...(OomKillDisable === true && Memory === 0
      ? [
          'OOM killer is disabled for the container, but no memory limit is set, this can result in the system ' +
            'running out of resources.',
        ]
      : []),
  ];
}
