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
  /** `1`: the body is the text of the Dockerfile. Only together with `context`. */
  dockerfileInline: 'x-tscompose-dockerfile-inline',
  /** `1`: lines may have a `tscompose` member, with which progress can be drawn; others are for any client. */
  events: 'x-tscompose-events',
} as const;
