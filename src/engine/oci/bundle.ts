import { existsSync } from 'node:fs';
import { arch, release } from 'node:os';
import type { DeviceMapping, HostConfig } from '../../api/container.js';
import { apparmorProfileOf } from './apparmor.js';
import { capabilitySets, chooseCapabilities } from './capabilities.js';
import type { DeviceEdits, DeviceHook, DeviceNode } from './cdi.js';
import { chooseDevices } from './devices.js';
import { initPathInContainer, findInitProgram } from './init-program.js';
import { renderResources, renderRlimits } from './resources.js';
import { resolveSeccomp } from './seccomp.js';
import { readSecurityOptions } from './security-options.js';
import type { NamespaceType, OciMount, OciNamespace, OciProcess, OciSpec } from './spec.js';
import type { ContainerUser } from './users.js';

/** `private` makes one, `host` shares the engine's, a path joins that one. */
export type NamespaceChoice = 'private' | 'host' | { readonly path: string };

export interface BundleRequest {
  readonly rootfs: string;
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly cwd: string;
  readonly tty: boolean;
  readonly consoleSize?: readonly [rows: number, columns: number] | undefined;
  readonly user: ContainerUser;
  readonly hostname: string;
  readonly domainname: string;
  readonly namespaces: Readonly<Record<'network' | 'ipc' | 'pid' | 'uts' | 'cgroup', NamespaceChoice>>;
  /** On top of the default ones, and instead of those with the same destination. Sorted here, parents first. */
  readonly mounts: readonly OciMount[];
  /** Limits, capabilities, devices, security options, sysctls, read-only root. */
  readonly hostConfig: HostConfig;
  /** What devices from specifications change; see `findDeviceEdits`. */
  readonly devices?: DeviceEdits;
  /** Absolute in every hierarchy. */
  readonly cgroupsPath: string;
  /** What may be given away: see `parseBoundingSet`. */
  readonly availableCapabilities: readonly string[];
}

const defaultShmBytes = 64 * 1024 * 1024;

/** The `config.json` of one container. @throws `oci/invalid-option`, `oci/no-init` */
export function composeSpec(request: BundleRequest): OciSpec {
  const { hostConfig, devices: edits = {} } = request;
  const privileged = hostConfig.Privileged === true;
  const security = readSecurityOptions(hostConfig);
  const apparmorProfile = apparmorProfileOf(hostConfig);
  const capabilities = capabilitiesOf(hostConfig, request.availableCapabilities);
  const devices = chooseDevices({
    mappings: [...(hostConfig.Devices ?? []), ...(edits.deviceNodes ?? []).map(mappingOf)],
    cgroupRules: hostConfig.DeviceCgroupRules ?? [],
    privileged,
  });
  const init = hostConfig.Init === true ? findInitProgram() : undefined;
  const mounts = [
    ...request.mounts,
    ...(edits.mounts ?? []).map(mountOf),
    ...(init === undefined ? [] : [bindInit(init)]),
  ];
  const additionalGids = [...new Set([...request.user.additionalGids, ...(edits.additionalGids ?? [])])];
  const sysctl = sysctlsOf(request);
  return {
    ociVersion: '1.0.2',
    process: {
      terminal: request.tty,
      ...consoleSizeOf(request),
      user: {
        uid: request.user.uid,
        gid: request.user.gid,
        ...(additionalGids.length === 0 ? {} : { additionalGids }),
      },
      args: init === undefined ? [...request.args] : [initPathInContainer, '--', ...request.args],
      env: withHome([...request.env, ...(edits.env ?? [])], request.user),
      cwd: request.cwd,
      capabilities: capabilitySets(capabilities, { root: request.user.uid === 0 }),
      rlimits: renderRlimits(hostConfig.Ulimits ?? []),
      noNewPrivileges: security.noNewPrivileges,
      oomScoreAdj: hostConfig.OomScoreAdj ?? 0,
      ...(apparmorProfile === undefined ? {} : { apparmorProfile }),
    },
    root: { path: request.rootfs, readonly: hostConfig.ReadonlyRootfs === true },
    ...(request.namespaces.uts === 'private' ? { hostname: request.hostname } : {}),
    ...(request.namespaces.uts === 'private' && request.domainname !== '' ? { domainname: request.domainname } : {}),
    mounts: composeMounts(mounts, { privileged, shmBytes: shmBytesOf(hostConfig), namespaces: request.namespaces }),
    annotations: { ...hostConfig.Annotations },
    ...hooksOf(edits),
    linux: {
      namespaces: namespacesOf(request.namespaces),
      devices: devices.devices,
      resources: { ...renderResources(hostConfig), devices: devices.rules },
      cgroupsPath: request.cgroupsPath,
      maskedPaths: security.maskedPaths,
      readonlyPaths: security.readonlyPaths,
      ...(Object.keys(sysctl).length === 0 ? {} : { sysctl }),
      ...(security.seccomp === undefined
        ? {}
        : { seccomp: resolveSeccomp(security.seccomp, { capabilities, arch: arch(), kernelRelease: release() }) }),
      ...(hasSharedMount(mounts) ? { rootfsPropagation: 'shared' } : {}),
    },
  };
}

/** The capabilities of a container's processes, sorted. @throws `oci/invalid-option` */
export function capabilitiesOf(hostConfig: HostConfig, available: readonly string[]): string[] {
  return chooseCapabilities({
    add: hostConfig.CapAdd ?? [],
    drop: hostConfig.CapDrop ?? [],
    privileged: hostConfig.Privileged === true,
    available,
  });
}

function mappingOf({ path, hostPath = path, permissions = '' }: DeviceNode): DeviceMapping {
  return { PathOnHost: hostPath, PathInContainer: path, CgroupPermissions: permissions };
}

function mountOf({ hostPath, containerPath, options }: NonNullable<DeviceEdits['mounts']>[number]): OciMount {
  const words = options ?? ['ro', 'nosuid', 'nodev'];
  const bound = words.includes('bind') || words.includes('rbind') ? [...words] : ['rbind', ...words];
  return { destination: containerPath, type: 'bind', source: hostPath, options: bound };
}

function hooksOf({ hooks = [] }: DeviceEdits): Pick<OciSpec, 'hooks'> {
  if (hooks.length === 0) return {};
  const byName = new Map<string, Omit<DeviceHook, 'hookName'>[]>();
  for (const { hookName, ...hook } of hooks) byName.set(hookName, [...(byName.get(hookName) ?? []), hook]);
  return { hooks: Object.fromEntries(byName) };
}

function consoleSizeOf({ tty, consoleSize }: BundleRequest): Pick<OciProcess, 'consoleSize'> {
  const [height = 0, width = 0] = consoleSize ?? [];
  return tty && height > 0 && width > 0 ? { consoleSize: { height, width } } : {};
}

/** HOME as the account says, unless the environment has one. */
function withHome(env: readonly string[], user: ContainerUser): string[] {
  return env.some((word) => word.startsWith('HOME=')) ? [...env] : [...env, `HOME=${user.home}`];
}

function shmBytesOf({ ShmSize, IpcMode }: HostConfig): number | 'none' {
  if (IpcMode === 'none') return 'none';
  return ShmSize === undefined || ShmSize === 0 ? defaultShmBytes : ShmSize;
}

const namespaceOrder = ['network', 'ipc', 'pid', 'uts', 'cgroup'] as const;

function namespacesOf(choices: BundleRequest['namespaces']): OciNamespace[] {
  const made: OciNamespace[] = [{ type: 'mount' }];
  for (const type of namespaceOrder) {
    const choice = choices[type];
    if (choice === 'private') made.push({ type: type satisfies NamespaceType });
    else if (choice !== 'host') made.push({ type, path: choice.path });
  }
  return made;
}

function composeMounts(
  wanted: readonly OciMount[],
  options: { privileged: boolean; shmBytes: number | 'none'; namespaces: BundleRequest['namespaces'] },
): OciMount[] {
  const taken = new Set(wanted.map(({ destination }) => destination));
  const base = defaultMounts(options).filter(({ destination }) => {
    if (destination === '/dev/shm' && options.shmBytes === 'none') return false;
    // Somebody who mounts all of /dev wants the host's own pts, shm and mqueue in it.
    return !taken.has(destination) && !(taken.has('/dev') && destination.startsWith('/dev/'));
  });
  const depth = ({ destination }: OciMount) => destination.split('/').filter((part) => part !== '').length;
  return [...base, ...wanted.toSorted((left, right) => depth(left) - depth(right))];
}

function defaultMounts(options: {
  privileged: boolean;
  shmBytes: number | 'none';
  namespaces: BundleRequest['namespaces'];
}): OciMount[] {
  const access = options.privileged ? 'rw' : 'ro';
  const hostShm = options.namespaces.ipc === 'host' && existsSync('/dev/shm');
  return [
    { destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid', 'noexec', 'nodev'] },
    tmpfs('/dev', ['nosuid', 'strictatime', 'mode=755', 'size=65536k']),
    {
      destination: '/dev/pts',
      type: 'devpts',
      source: 'devpts',
      options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'],
    },
    { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['nosuid', 'noexec', 'nodev', access] },
    {
      destination: '/sys/fs/cgroup',
      type: 'cgroup',
      source: 'cgroup',
      options: ['nosuid', 'noexec', 'nodev', 'relatime', access],
    },
    // The queues are those of the IPC namespace, whichever that is (mq_overview(7)).
    { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: ['nosuid', 'noexec', 'nodev'] },
    hostShm
      ? bind('/dev/shm')
      : tmpfs('/dev/shm', ['nosuid', 'noexec', 'nodev', 'mode=1777', `size=${options.shmBytes}`], 'shm'),
  ];
}

function tmpfs(destination: string, options: string[], source = 'tmpfs'): OciMount {
  return { destination, type: 'tmpfs', source, options };
}

function bind(path: string): OciMount {
  return { destination: path, type: 'bind', source: path, options: ['rbind', 'rw'] };
}

function bindInit(program: string): OciMount {
  return { destination: initPathInContainer, type: 'bind', source: program, options: ['bind', 'ro'] };
}

function hasSharedMount(mounts: readonly OciMount[]): boolean {
  return mounts.some(({ options }) => options.includes('shared') || options.includes('rshared'));
}

/** Docker's: low ports and ping without privileges, where the network namespace is the container's own. */
function sysctlsOf({ namespaces, hostConfig }: BundleRequest): Record<string, string> {
  const own = namespaces.network === 'private' || (namespaces.network !== 'host' && namespaces.network.path !== '');
  const shared = (hostConfig.NetworkMode ?? '').startsWith('container:');
  return {
    ...(own && !shared
      ? { 'net.ipv4.ip_unprivileged_port_start': '0', 'net.ipv4.ping_group_range': '0 2147483647' }
      : {}),
    ...hostConfig.Sysctls,
  };
}
