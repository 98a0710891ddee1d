import type { Readable, Writable } from 'node:stream';
import type { Filters, IdResponse, PortBinding } from '../../api/common.js';
import type {
  ContainerConfig,
  ContainerCreateRequest,
  ContainerCreateResponse,
  ContainerInspect,
  ContainerSummary,
  EndpointSettings,
  ExecCreateRequest,
  ExecInspect,
  ExecStartRequest,
  FilesystemChange,
  PathStat,
  TopResponse,
  UpdateRequest,
  WaitCondition,
  WaitResponse,
} from '../../api/container.js';
import type { StatsResponse } from '../../api/stats.js';
import type { PruneReport } from '../../api/volume.js';
import type { Digest } from '../../base/digest.js';
import type { ImageUser } from '../images/index.js';

/** A piece of output in the order it was written; with a TTY everything is stream 1. */
export interface OutputChunk {
  readonly stream: 1 | 2;
  readonly payload: Buffer;
}

export interface LogOptions {
  readonly follow: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  /** Unix nanoseconds. */
  readonly sinceNs?: bigint;
  readonly untilNs?: bigint;
  readonly tail: number | 'all';
  /** RFC 3339 with nanoseconds and a space before every line. */
  readonly timestamps: boolean;
  /** Labels and environment named by the log options before every line. */
  readonly details: boolean;
}

/** What of the logs of several containers is wanted. */
export type HistoryOptions = Pick<LogOptions, 'tail' | 'sinceNs' | 'untilNs'>;

/** Output of one of several containers; of stream 3 is what the engine itself says of it. */
export interface SourcedChunk {
  /** Index of the container in what was asked for. */
  readonly source: number;
  readonly stream: 1 | 2 | 3;
  readonly payload: Buffer;
}

/** Whether to frame (no TTY) or to send as it is. */
export interface OutputStream {
  readonly tty: boolean;
  readonly output: AsyncIterable<OutputChunk>;
}

export interface AttachOptions {
  /** Replay the log first. */
  readonly logs: boolean;
  /** Follow until the container ends. */
  readonly stream: boolean;
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  /** `ctrl-p,ctrl-q` when absent. */
  readonly detachKeys?: string;
}

export interface AttachSession extends OutputStream {
  /** Present when asked for and the container has one. `end()` is the client's half-close. */
  readonly stdin?: Writable;
}

export interface ExecSession extends OutputStream {
  readonly stdin?: Writable;
}

export interface StopOptions {
  /** Seconds; -1 waits for ever, 0 kills right after the signal; absent: the container's own, or 10. */
  readonly timeoutS?: number;
  readonly signal?: string;
}

/** What a commit reads. */
export interface CommitSource {
  readonly containerId: string;
  readonly imageId: Digest;
  readonly config: ContainerConfig;
  readonly upperDir: string;
  /** Holds the processes still while `work` runs, where the container runs and `pause` is asked for. */
  hold<T>(options: { readonly pause: boolean }, work: () => Promise<T>): Promise<T>;
}

/**
 * Containers by full id, name (with or without a leading slash) or unambiguous id prefix.
 * Every method that takes one throws `container/not-found` {reference} or `container/ambiguous` {reference}.
 */
export interface Containers {
  /** @throws `container/name-in-use`, `container/invalid-name`, `container/invalid-config`, `image/not-found` */
  create(
    request: ContainerCreateRequest,
    options: { readonly name?: string; readonly platform?: string },
    signal: AbortSignal,
  ): Promise<ContainerCreateResponse>;
  /** @returns false when it runs already. @throws `container/start-failed`, `network/port-in-use` … */
  start(reference: string, signal: AbortSignal): Promise<boolean>;
  /** @returns false when it does not run */
  stop(reference: string, options: StopOptions, signal: AbortSignal): Promise<boolean>;
  restart(reference: string, options: StopOptions, signal: AbortSignal): Promise<void>;
  /** `signalName`: `TERM`, `SIGTERM` or `15`. @throws `container/not-running`, `container/invalid-signal` */
  kill(reference: string, signalName: string, signal: AbortSignal): Promise<void>;
  pause(reference: string): Promise<void>;
  unpause(reference: string): Promise<void>;
  rename(reference: string, name: string): Promise<void>;
  update(reference: string, request: UpdateRequest, signal: AbortSignal): Promise<{ Warnings: string[] }>;
  /** @throws `container/running`, `container/removing` */
  remove(
    reference: string,
    options: { readonly force: boolean; readonly volumes: boolean },
    signal: AbortSignal,
  ): Promise<void>;
  prune(filters: Filters, signal: AbortSignal): Promise<PruneReport>;
  /** Resolves at once, with a promise that settles when the condition holds: send the headers in between. */
  wait(reference: string, condition: WaitCondition, signal: AbortSignal): { readonly ended: Promise<WaitResponse> };

  inspect(reference: string, options: { readonly size: boolean }): Promise<ContainerInspect>;
  /** @throws `container/invalid-filter` */
  list(options: {
    readonly all: boolean;
    readonly limit?: number;
    readonly size: boolean;
    readonly filters: Filters;
  }): Promise<ContainerSummary[]>;
  ports(reference: string): Record<string, PortBinding[] | null>;
  top(reference: string, psArgs: string, signal: AbortSignal): Promise<TopResponse>;
  /** Without `stream` one sample, after a second one is taken unless `oneShot`. */
  stats(
    reference: string,
    options: { readonly stream: boolean; readonly oneShot: boolean },
    signal: AbortSignal,
  ): AsyncIterable<StatsResponse>;

  logs(reference: string, options: LogOptions, signal: AbortSignal): OutputStream;
  /** What they have written so far, with times, in the order of time; those that are not there have written nothing. */
  mergedLogs(references: readonly string[], options: HistoryOptions, signal: AbortSignal): AsyncIterable<SourcedChunk>;
  attach(reference: string, options: AttachOptions, signal: AbortSignal): Promise<AttachSession>;
  resize(reference: string, size: { readonly rows: number; readonly columns: number }): Promise<void>;

  execCreate(reference: string, request: ExecCreateRequest): Promise<IdResponse>;
  /** Resolves when the process runs; undefined when detached. @throws `exec/not-found`, `exec/already-run` */
  execStart(id: string, request: ExecStartRequest, signal: AbortSignal): Promise<ExecSession | undefined>;
  execResize(id: string, size: { readonly rows: number; readonly columns: number }): Promise<void>;
  execInspect(id: string): ExecInspect;

  changes(reference: string): Promise<FilesystemChange[]>;
  /** An uncompressed tar of the root file system. */
  export(reference: string, signal: AbortSignal): Promise<Readable>;
  /** @throws `container/path-not-found` {path} */
  archiveStat(reference: string, path: string): Promise<PathStat>;
  archiveGet(reference: string, path: string, signal: AbortSignal): Promise<{ stat: PathStat; tar: Readable }>;
  /** @throws `container/path-not-found`, `container/not-a-directory`, `container/read-only`, `container/cannot-overwrite` */
  archivePut(
    reference: string,
    path: string,
    tar: Readable,
    options: { readonly noOverwriteDirNonDir: boolean; readonly copyUidGid: boolean },
    signal: AbortSignal,
  ): Promise<void>;

  connectNetwork(reference: string, network: string, endpoint: EndpointSettings, signal: AbortSignal): Promise<void>;
  disconnectNetwork(reference: string, network: string): Promise<void>;
  commitSource(reference: string): CommitSource;

  /** Every container as the image rules see it. */
  imageUsers(): readonly ImageUser[];
  /** Ids of the containers, running or not, that have a volume or are to be on a network. */
  usersOfVolume(name: string): readonly string[];
  /** Where running containers have the whole of it, as their processes see it. */
  mountsOfVolume(name: string): readonly { readonly pid: number; readonly path: string }[];
  usersOfNetwork(networkId: string): readonly string[];
  /** Containers, processes or sessions that keep an idle engine up. */
  running(): number;

  /** The graph of a project is another one now: looks again at what waits to be started. */
  reconcile(project: string): void;
  /** Call once, before any other method: adopts the living, finishes the dead, rolls back what was half done. */
  recover(signal: AbortSignal): Promise<void>;
  /** Stops watching and following; containers go on. */
  close(): Promise<void>;
}
