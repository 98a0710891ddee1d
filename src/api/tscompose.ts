/** Extension routes and fields that only the embedded engine knows; any other engine answers 404 or ignores them. */

/** Answer of `GET /tscompose/status`. */
export interface EngineStatus {
  pid: number;
  /** Path of the unix socket it listens on. */
  socket: string;
  dataRoot: string;
  runtimeDir: string;
  version: string;
  apiVersion: string;
  /** RFC 3339. */
  startedAt: string;
  /** Name and version of the OCI runtime in use; empty when none works. */
  runtime: string;
  rssBytes: number;
  containersRunning: number;
  /** The engine ends itself after this long without containers and clients; 0: never. */
  idleTimeoutMs: number;
}

/** Answer of `GET /tscompose/verify`: what was read in the store, and what is not what its digest says. */
export interface StoreReport {
  /** How many of each are whole. */
  blobs: number;
  layers: number;
  images: number;
  bytesRead: number;
  problems: StoreProblem[];
}

export interface StoreProblem {
  what: 'blob' | 'layer' | 'image';
  id: string;
  /** Of an image. */
  names?: string[];
  reason: string;
}

/**
 * Body of `POST /tscompose/logs`, whose query is `tail`, `since` and `until` of `GET /containers/{id}/logs`. The answer
 * has all that the containers have written so far, with times, in the order of time: frames whose source is an index of
 * `Containers`. A frame of stream 3 says why the log of its container cannot be read.
 */
export interface MergedLogsRequest {
  /** Whole ids. One that is not there has written nothing. */
  readonly Containers: readonly string[];
}

/** The one line that an engine started with `TSCOMPOSE_READY_FD` writes to that descriptor. */
export type EngineReadiness =
  | { readonly ready: true; readonly pid: number; readonly socket: string }
  | { readonly error: { readonly code: string; readonly message: string; readonly hint?: string } };

/** Query parameters of `POST /build` that a plain dockerd ignores. */
export const buildExtensions = {
  /** Absolute path of a context directory on the engine's machine, read in place; the body stays empty. */
  context: 'x-tscompose-context',
  /** `1`: the body is a `BuildDetails` as JSON. Only together with `context` or `remote`. */
  details: 'x-tscompose-details',
  /** `1`: lines may have a `tscompose` member, with which progress can be drawn; others are for any client. */
  events: 'x-tscompose-events',
  /** `1`: the Dockerfile is only looked at, and the answer is a `LintReport` in a `tscompose` member. */
  check: 'x-tscompose-check',
} as const;

/** What was found in a Dockerfile that is allowed and seldom meant; a message of a build as its `tscompose` member. */
export interface LintReport {
  readonly kind: 'lint';
  /** Its name, relative to the context where it lies there. */
  readonly dockerfile: string;
  /** Its whole text. */
  readonly text: string;
  readonly warnings: readonly LintFinding[];
}

export interface LintFinding {
  /** BuildKit's name of the check. */
  readonly rule: string;
  /** Why it is one. */
  readonly reason: string;
  readonly message: string;
  /** From 1. */
  readonly line: number;
  readonly column: number;
}

/** What a build is given beside its query: in the body, for it may be secret or long. */
export interface BuildDetails {
  /** Text of the Dockerfile, in place of one in the context. */
  readonly dockerfile?: string;
  /** By id, base64. */
  readonly secrets?: Readonly<Record<string, string>>;
  /** Sockets of agents on the engine's machine, by id. */
  readonly ssh?: Readonly<Record<string, string>>;
  /** By name: an absolute path, `docker-image://reference`, or the URL of a git repository. */
  readonly contexts?: Readonly<Record<string, string>>;
  /** `security.insecure`, `network.host`. */
  readonly entitlements?: readonly string[];
  /** As in a Compose file, paths absolute. */
  readonly cacheFrom?: readonly string[];
  readonly cacheTo?: readonly string[];
  readonly bases?: PinnedBases;
  /** As `--provenance`: `true`, `mode=max`. */
  readonly provenance?: string;
}

/** What base images stand for in one build, whatever their tags say by now. */
export interface PinnedBases {
  /** As Dockerfiles name them, with their tag (`node:20`, `nginx:latest`), to what is used: `node:20@sha256:…`. */
  readonly pins: Readonly<Record<string, string>>;
  /** Of repositories that `ADD` names, by their reference without password. */
  readonly commits?: Readonly<Record<string, string>>;
  /** A base or repository without a pin fails the build. */
  readonly only: boolean;
  /** ONBUILD of base images, by reference, where it is asked what a build needs: the images are not there then. */
  readonly triggers?: Readonly<Record<string, readonly string[]>>;
}

/** Answer of `POST /tscompose/build/bases`, which takes what `POST /build` takes and builds nothing. */
export interface BuildBases {
  /** As the Dockerfile names them, once each, in its order; only of stages that the target needs. */
  readonly bases: readonly BuildBase[];
  /** Git repositories that `ADD` takes from and that are not pinned to a commit, likewise. */
  readonly repositories: readonly BuildBase[];
}

export interface BuildBase {
  readonly reference: string;
  /** `Dockerfile:3:1` */
  readonly at: string;
  /** A stage starts from it, which fires what it has as ONBUILD. */
  readonly fires?: boolean;
}

/**
 * What the engine keeps of a project, so that starts it makes by itself follow the project's order: body of
 * `PUT /tscompose/projects/{name}`, answer of `GET`. It holds no value of an environment, secret or config.
 */
export interface ProjectGraph {
  readonly name: string;
  /** Folder of the compose files. */
  readonly workingDir: string;
  readonly composeFiles: readonly string[];
  readonly services: Readonly<Record<string, ServiceNode>>;
}

export interface ServiceNode {
  readonly needs: readonly ServiceNeed[];
  /** Restart the container when its health check gives it up. */
  readonly restartUnhealthy: boolean;
  /** When the engine restarts what it needs with `restart: true`, restart it as well. */
  readonly restartWithDependencies: boolean;
  readonly pace?: RestartPace;
  readonly hooks?: NodeHooks;
}

/** Lifecycle hooks that go with starts and stops by the engine as well. */
export interface NodeHooks {
  readonly postStart: readonly NodeHook[];
  readonly preStop: readonly NodeHook[];
}

export interface NodeHook {
  readonly command: readonly string[];
  readonly user?: string;
  readonly workingDir?: string;
  readonly privileged: boolean;
}

export type NeedCondition = 'service_started' | 'service_healthy' | 'service_completed_successfully';

export interface ServiceNeed {
  readonly service: string;
  readonly condition: NeedCondition;
  /** False: it is waited for while it may still come, and a failure of it is passed over. */
  readonly required: boolean;
  readonly restart: boolean;
}

/** What `deploy.restart_policy` says beyond Docker's restart policies. */
export interface RestartPace {
  /** Between the end of a run and the next one, instead of a wait that doubles. */
  readonly delayMs?: number;
  /** A run this long counts as a success. */
  readonly windowMs?: number;
  /** Restarts in a row without a success; then it stays down. */
  readonly maxAttempts?: number;
}

/** Member `Tscompose` of a container's inspection and of its entry in lists; absent where nothing is to be said. */
export interface ContainerExtension {
  readonly CrashLoop?: CrashLoop;
  /** It is to be started, and this keeps it from that. */
  readonly StartWait?: StartWait;
  /** Of the present run: `hook post_start[0] exited with code 3: no such file`. */
  readonly HookFailure?: string;
  /** Restarts in a row because of its health. */
  readonly UnhealthyRestarts?: number;
  /** Of a run that ended out of memory: the most it had, in bytes. */
  readonly MemoryPeak?: number;
  /** Nobody saw the end of its last run. */
  readonly LostRun?: LostRun;
  /**
   * The container whose network namespace it shares, where its mode names one: that one, or the one that took its place.
   * The namespace stays the same when its owner is restarted or replaced.
   */
  readonly NetworkOf?: string;
}

/** An end without an exit code; that of the container is what Docker says then. */
export interface LostRun {
  /** The host went down; or the container's monitor was gone before it. */
  readonly Cause: 'host' | 'monitor';
  /** RFC 3339: its last sign of life. */
  readonly After: string;
  /** RFC 3339: the host was up again, or the engine missed it. */
  readonly Before: string;
}

/** Short runs in a row that a restart policy made. */
export interface CrashLoop {
  readonly Exits: number;
  /** Of the last one. */
  readonly ExitCode: number;
  /** All ended with that code. */
  readonly SameCode: boolean;
  /** RFC 3339: end of the first and of the last. */
  readonly Since: string;
  readonly Until: string;
  /** Last line of its log at the last end; empty where it said nothing. */
  readonly LastWords: string;
}

export interface StartWait {
  /** The service that is waited for. */
  readonly Service: string;
  readonly Condition: NeedCondition;
  /** It will not come to that by itself. */
  readonly Failed: boolean;
  /** Follows the name of the waiting service: `waits for "db" to be healthy`. */
  readonly Reason: string;
}
