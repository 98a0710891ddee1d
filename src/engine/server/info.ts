import { existsSync, readFileSync } from 'node:fs';
import { arch, cpus, hostname, release, totalmem } from 'node:os';
import type { InfoResponse, VersionResponse } from '../../api/system.js';
import type { EngineFacts, Rooms } from './rooms.js';
import { newestApi, oldestApi } from './version.js';

/** `/version`. Clients show these as they are; a member that has no meaning here is empty. */
export function versionOf({ version, runtime, startedAt }: EngineFacts): VersionResponse {
  const details = {
    ApiVersion: newestApi,
    Arch: goArch(),
    BuildTime: startedAt.toISOString(),
    Experimental: 'false',
    GitCommit: '',
    GoVersion: '',
    KernelVersion: release(),
    MinAPIVersion: oldestApi,
    Os: 'linux',
  };
  return {
    Platform: { Name: 'tscompose' },
    Components: [
      { Name: 'Engine', Version: version, Details: details },
      { Name: 'node', Version: process.versions.node, Details: { GitCommit: '' } },
      ...(runtime === undefined ? [] : [{ Name: runtime.name, Version: runtime.version, Details: { GitCommit: '' } }]),
    ],
    Version: version,
    ApiVersion: newestApi,
    MinAPIVersion: oldestApi,
    GitCommit: '',
    GoVersion: '',
    Os: 'linux',
    Arch: goArch(),
    KernelVersion: release(),
    BuildTime: '',
  };
}

/** `/info`. */
export async function infoOf(rooms: Rooms, facts: EngineFacts): Promise<InfoResponse> {
  const list = await rooms.containers.list({ all: true, size: false, filters: {} });
  const count = (...states: string[]) => list.filter(({ State }) => states.includes(State)).length;
  const limits = facts.cgroup !== 'none';
  const runtime = facts.runtime;
  return {
    ID: facts.id,
    Containers: list.length,
    ContainersRunning: count('running', 'restarting'),
    ContainersPaused: count('paused'),
    ContainersStopped: count('created', 'exited', 'dead', 'removing'),
    Images: rooms.images.list().length,
    Driver: facts.storageDriver === 'overlay' ? 'overlay2' : facts.storageDriver,
    DriverStatus:
      facts.storageDriver === 'overlay'
        ? [
            ['Supports d_type', 'true'],
            ['Native Overlay Diff', 'true'],
            ['userxattr', 'false'],
          ]
        : [],
    Plugins: {
      Volume: ['local'],
      Network: ['bridge', 'host', 'ipvlan', 'macvlan', 'null'],
      Authorization: null,
      Log: ['journald', 'json-file', 'local', 'none', 'syslog'],
    },
    MemoryLimit: limits,
    SwapLimit: limits,
    KernelMemoryTCP: false,
    CpuCfsPeriod: limits,
    CpuCfsQuota: limits,
    CPUShares: limits,
    CPUSet: limits,
    PidsLimit: limits,
    IPv4Forwarding: true,
    BridgeNfIptables: existsSync('/proc/sys/net/bridge/bridge-nf-call-iptables'),
    BridgeNfIp6tables: existsSync('/proc/sys/net/bridge/bridge-nf-call-ip6tables'),
    Debug: false,
    NFd: 0,
    OomKillDisable: facts.cgroup === 'v1' || facts.cgroup === 'hybrid',
    NGoroutines: 0,
    SystemTime: new Date().toISOString(),
    LoggingDriver: 'json-file',
    CgroupDriver: limits ? 'cgroupfs' : 'none',
    CgroupVersion: facts.cgroup === 'v2' ? '2' : '1',
    NEventsListener: 0,
    KernelVersion: release(),
    ...operatingSystem(),
    OSType: 'linux',
    Architecture: machine(),
    IndexServerAddress: 'https://index.docker.io/v1/',
    RegistryConfig: {
      AllowNondistributableArtifactsCIDRs: null,
      AllowNondistributableArtifactsHostnames: null,
      InsecureRegistryCIDRs: ['127.0.0.0/8'],
      IndexConfigs: { 'docker.io': { Name: 'docker.io', Mirrors: [], Secure: true, Official: true } },
      Mirrors: null,
    },
    NCPU: cpus().length,
    MemTotal: totalmem(),
    GenericResources: null,
    DockerRootDir: facts.dataRoot,
    HttpProxy: '',
    HttpsProxy: '',
    NoProxy: '',
    Name: hostname(),
    Labels: [],
    ExperimentalBuild: false,
    ServerVersion: facts.version,
    Runtimes: Object.fromEntries(Object.entries(runtime?.paths ?? {}).map(([name, path]) => [name, { path }])),
    DefaultRuntime: runtime?.name ?? '',
    // Any other state counts as swarm mode for docker compose.
    Swarm: {
      NodeID: '',
      NodeAddr: '',
      LocalNodeState: 'inactive',
      ControlAvailable: false,
      Error: '',
      RemoteManagers: null,
    },
    LiveRestoreEnabled: true, // containers outlive the engine
    Isolation: '',
    InitBinary: '',
    ContainerdCommit: { ID: '', Expected: '' },
    RuncCommit: { ID: runtime?.version ?? '', Expected: runtime?.version ?? '' },
    InitCommit: { ID: '', Expected: '' },
    SecurityOptions: [
      ...(facts.apparmor ? ['name=apparmor'] : []),
      'name=seccomp,profile=builtin',
      ...(facts.cgroup === 'v2' ? ['name=cgroupns'] : []),
    ],
    CDISpecDirs: [],
    Warnings: limits ? null : ['WARNING: no writable cgroups: resource limits have no effect'],
  };
}

/** Go's name of this machine. */
function goArch(): string {
  const names: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386', arm64: 'arm64', arm: 'arm' };
  return names[arch()] ?? arch();
}

/** `uname -m`. */
function machine(): string {
  const names: Readonly<Record<string, string>> = { x64: 'x86_64', arm64: 'aarch64', arm: 'armv7l', ia32: 'i686' };
  return names[arch()] ?? arch();
}

function operatingSystem(): { OperatingSystem: string; OSVersion: string } {
  let text = '';
  try {
    text = readFileSync('/etc/os-release', 'utf8');
  } catch {
    // a system without that file only has no name here
  }
  const valueOf = (key: string) => new RegExp(`^${key}="?([^"\\n]*)`, 'm').exec(text)?.[1] ?? '';
  return { OperatingSystem: valueOf('PRETTY_NAME') || 'Linux', OSVersion: valueOf('VERSION_ID') };
}
