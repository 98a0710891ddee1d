import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  availableCapabilities,
  composeSpec,
  type DeviceEdits,
  type NamespaceChoice,
  type OciMount,
  type OciProcess,
  type OciSpec,
  readAccountFiles,
  resolveUser,
} from '../oci/index.js';
import type { Container } from './container.js';
import { environmentOf } from './environment.js';
import { linkVariables } from './links.js';
import { commandOf } from './merge-config.js';
import { bundleOf, cgroupPathOf, type Room } from './room.js';
import { liveContainer } from './sandbox.js';

export interface BundleParts {
  readonly root: string;
  readonly mounts: readonly OciMount[];
  readonly network: NamespaceChoice;
  /** Devices that `DeviceRequests` stand for. */
  readonly devices: DeviceEdits;
}

/** The runtime's description of a container. @throws `oci/…`, `container/not-running` for a namespace to join */
export function composeBundle(room: Room, container: Container, parts: BundleParts): OciSpec {
  const { config, hostConfig } = container.record;
  const ipc = joinable(room, hostConfig.IpcMode, 'ipc');
  return composeSpec({
    rootfs: parts.root,
    args: commandOf(config),
    env: [...linkVariables(room, container), ...environmentOf(config)],
    cwd: config.WorkingDir === undefined || config.WorkingDir === '' ? '/' : config.WorkingDir,
    tty: config.Tty === true,
    consoleSize: hostConfig.ConsoleSize,
    user: resolveUser(readAccountFiles(parts.root), config.User ?? '', hostConfig.GroupAdd ?? []),
    hostname: config.Hostname ?? '',
    domainname: config.Domainname ?? '',
    namespaces: {
      network: parts.network,
      ipc,
      pid: joinable(room, hostConfig.PidMode, 'pid'),
      uts: hostConfig.UTSMode === 'host' ? 'host' : 'private',
      cgroup: hostConfig.CgroupnsMode === 'host' ? 'host' : 'private',
    },
    mounts: parts.mounts,
    hostConfig,
    devices: parts.devices,
    cgroupsPath: cgroupPathOf(room, container),
    availableCapabilities: availableCapabilities(),
  });
}

function joinable(room: Room, mode: string | undefined, type: 'ipc' | 'pid'): NamespaceChoice {
  if (mode === 'host') return 'host';
  if (mode?.startsWith('container:') !== true) return 'private';
  return { path: `/proc/${liveContainer(room, mode.slice('container:'.length), type).pid}/ns/${type}` };
}

/** The process of a running container as its bundle has it: what another process in it starts from. */
export function readBundleProcess(room: Pick<Room, 'runtimeDir'>, id: string): OciProcess {
  const spec: unknown = JSON.parse(readFileSync(join(bundleOf(room, id), 'config.json'), 'utf8'));
  if (typeof spec === 'object' && spec !== null && 'process' in spec) return spec.process as OciProcess; // written by us
  throw new Error(`bug: the bundle of ${id} has no process`);
}
