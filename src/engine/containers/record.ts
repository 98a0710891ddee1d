import type { ContainerConfig, EndpointSettings, HealthStatus, HostConfig } from '../../api/container.js';
import type { CrashLoop, LostRun } from '../../api/tscompose.js';
import type { Digest } from '../../base/digest.js';
import type { ChainId } from '../snapshots/index.js';
import type { ProcessIdentity } from '../sys/index.js';
import type { Status } from './status.js';

export const containerSchema = 1;
export const never = '0001-01-01T00:00:00Z';

/** The host's user and group that the container's root is on a mount, or those of its source when a container starts. */
export type IdMap = { readonly user: number; readonly group: number } | 'owner';

/** A mount as decided at creation. */
export interface ContainerMount {
  readonly type: 'bind' | 'volume' | 'tmpfs' | 'image';
  /** Of a volume. */
  readonly name?: string;
  /** Path on the host, empty for a tmpfs; an image reference for an image. */
  readonly source: string;
  readonly destination: string;
  readonly readOnly: boolean;
  /** Read-only is only what is mounted exactly there. */
  readonly shallowReadOnly?: boolean;
  /** As the user wrote it: `ro,z`. */
  readonly mode: string;
  /** `rprivate` and so on; empty for the default. */
  readonly propagation: string;
  /** Below the volume or image. */
  readonly subpath?: string;
  /** A missing host path is made, as a folder. */
  readonly createSource: boolean;
  /** Only what is mounted exactly there, not what is mounted below it. */
  readonly nonRecursive: boolean;
  /** Of a bind: whose files on the host those of the container's root are. */
  readonly idMap?: IdMap;
  /** Image content does not go into the volume. */
  readonly noCopy: boolean;
  /** Of a tmpfs. */
  readonly options: readonly string[];
}

/** What changes over a container's life. */
export interface ContainerState {
  readonly status: Status;
  /** The container's first process and its monitor; only while there is one. */
  readonly process?: ProcessIdentity;
  readonly monitor?: ProcessIdentity;
  readonly exitCode: number;
  readonly oomKilled: boolean;
  /** Why the last start failed; empty otherwise. */
  readonly error: string;
  /** RFC 3339 with nanoseconds, or {@link never}. */
  readonly startedAt: string;
  readonly finishedAt: string;
  readonly restartCount: number;
  /** The user ended it, so that restart policies leave it alone. */
  readonly stoppedByUser: boolean;
  /** Set while a health check is defined and the container runs. */
  readonly health?: HealthStatus;
  /** It has ended and is to be started once what it needs allows it; see `scheduler.ts`. */
  readonly due?: boolean;
  /** Short runs in a row that were each followed by a restart; the last one may not have been. */
  readonly crashes?: CrashLoop;
  /** Restarts in a row because it was unhealthy. */
  readonly unhealthyRestarts?: number;
  /** Of a run that the kernel ended for want of memory: the most it had, in bytes. */
  readonly memoryPeak?: number;
  /** Nobody saw the end of its last run. */
  readonly lostRun?: LostRun;
  /** The engine itself has begun to end this run, to start the next one. */
  readonly engineRestart?: EngineRestart;
}

export interface EngineRestart {
  /** Between the two runs. */
  readonly delayMs: number;
  /** With it, those in a row; undefined where its health is not the reason. */
  readonly unhealthyRestarts?: number;
}

/** One container as it lies on disk. */
export interface ContainerRecord {
  readonly id: string;
  /** Without slash. */
  readonly name: string;
  readonly created: string;
  readonly imageId: Digest;
  readonly chainId?: ChainId;
  /** Merged with the image's. */
  readonly config: ContainerConfig;
  readonly hostConfig: HostConfig;
  /** What was asked for, by network name or id as the user wrote it; the order decides interfaces. */
  readonly endpoints: Readonly<Record<string, EndpointSettings>>;
  readonly mounts: readonly ContainerMount[];
  readonly state: ContainerState;
  /** The container whose network namespace it shares, once that is another than its mode names; see `shared-network.ts`. */
  readonly networkOf?: string;
}

export const freshState: ContainerState = {
  status: 'created',
  exitCode: 0,
  oomKilled: false,
  error: '',
  startedAt: never,
  finishedAt: never,
  restartCount: 0,
  stoppedByUser: false,
};

/** @throws Error when `value` is not a record as {@link containerSchema} writes it */
export function parseContainerRecord(value: unknown): ContainerRecord {
  if (typeof value === 'object' && value !== null && 'id' in value && 'state' in value && 'hostConfig' in value) {
    if (typeof value.id === 'string' && typeof value.state === 'object') return value as ContainerRecord; // ours, versioned
  }
  throw new Error('not a container record');
}
