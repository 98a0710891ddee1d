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
} as const;

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
}
