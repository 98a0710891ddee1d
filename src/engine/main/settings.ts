import { join, resolve } from 'node:path';
import type { LogLevel } from '../../base/log.js';
import type { OverlayDriver } from '../sys/index.js';

/** What the environment says about one engine. */
export interface EngineSettings {
  /** Images, volumes, records: survives reboots. */
  readonly dataRoot: string;
  /** Socket, sandboxes, bundles: on a tmpfs, gone after a reboot. */
  readonly runtimeDir: string;
  readonly socket: string;
  readonly pidFile: string;
  /** Without containers and requests for so long, the engine ends; 0: never. */
  readonly idleTimeoutMs: number;
  /** Trust policies, which all have to agree; `given`: the environment names one in place of the usual ones. */
  readonly trust: { readonly policyFiles: readonly string[]; readonly missing: 'fine' | 'given' };
  /** A folder as dockerd's own: `daemon.json` for mirrors and insecure registries, `certs.d`. */
  readonly registrySettings: string;
  /** How layers are mounted; undefined: by the kernel, or else by fuse-overlayfs, or by copies. */
  readonly storageDriver: OverlayDriver | undefined;
  readonly logLevel: LogLevel;
  /** Descriptor for the one line that tells whether the engine serves. */
  readonly readyFd: number | undefined;
  /** Descriptor of the mount namespace that the engine's own gets mounts from. */
  readonly hostMountsFd: number | undefined;
  /** Whoever started us has already given us a mount namespace that only receives. */
  readonly hasMountNamespace: boolean;
}

const defaultIdleS = 60;

export function readSettings(environment: Readonly<Record<string, string | undefined>>): EngineSettings {
  const text = (name: string) => environment[name] || undefined;
  const number = (name: string) => {
    const value = Number(text(name) ?? NaN);
    return Number.isFinite(value) && value >= 0 ? value : undefined;
  };
  const runtimeDir = resolve(text('TSCOMPOSE_RUNTIME_DIR') ?? '/run/tscompose');
  const readyFd = number('TSCOMPOSE_READY_FD');
  // Who waits for a line started us on demand; without one we run in somebody's foreground, and stay.
  const idleS = number('TSCOMPOSE_IDLE_TIMEOUT') ?? (readyFd === undefined ? 0 : defaultIdleS);
  const level = text('TSCOMPOSE_LOG_LEVEL');
  const driver = text('TSCOMPOSE_STORAGE_DRIVER');
  const policy = text('TSCOMPOSE_TRUST_POLICY');
  const config = text('XDG_CONFIG_HOME') ?? join(text('HOME') ?? '/root', '.config');
  return {
    dataRoot: resolve(text('TSCOMPOSE_DATA_ROOT') ?? '/var/lib/tscompose'),
    runtimeDir,
    socket: `${runtimeDir}/engine.sock`,
    pidFile: `${runtimeDir}/engine.pid`,
    idleTimeoutMs: idleS * 1_000,
    trust:
      policy === undefined
        ? { policyFiles: ['/etc/tscompose/trust.yaml', join(config, 'tscompose/trust.yaml')], missing: 'fine' }
        : { policyFiles: [resolve(policy)], missing: 'given' },
    registrySettings: resolve(text('TSCOMPOSE_REGISTRY_SETTINGS') ?? '/etc/docker'),
    storageDriver: driver === 'overlay' || driver === 'fuse-overlayfs' || driver === 'vfs' ? driver : undefined,
    logLevel: level === 'debug' || level === 'warn' || level === 'error' ? level : 'info',
    readyFd,
    hostMountsFd: number('TSCOMPOSE_HOST_MOUNTS_FD'),
    hasMountNamespace: text('TSCOMPOSE_MOUNT_NAMESPACE') === '1',
  };
}
