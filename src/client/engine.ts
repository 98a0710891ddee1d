import type { Filters } from '../api/common.js';
import type { EngineEvent } from '../api/events.js';
import type { InfoResponse, PingInfo } from '../api/system.js';
import type { EngineStatus, ProjectGraph, StoreReport } from '../api/tscompose.js';
import { type Connection, type ConnectionOptions, createConnection } from './connection.js';
import { containersClient, type ContainersClient } from './containers.js';
import { execClient, type ExecClient } from './exec.js';
import { imagesClient, type ImagesClient } from './images.js';
import { networksClient, type NetworksClient } from './networks.js';
import { encodeMoment } from './moment.js';
import { encodeFilters } from './query.js';
import { jsonLines, openStream, type OpenStream } from './streams.js';
import { volumesClient, type VolumesClient } from './volumes.js';

export interface EventsQuery {
  /** Unix seconds, RFC 3339, or a Go duration before now: see `encodeMoment`. */
  readonly since?: string | number;
  readonly until?: string | number;
  readonly filters?: Filters;
}

/** A Docker-compatible engine: ours, or any other. Every call ends with its signal's reason when that fires. */
export interface EngineClient {
  readonly host: string;
  readonly containers: ContainersClient;
  readonly exec: ExecClient;
  readonly images: ImagesClient;
  readonly networks: NetworksClient;
  readonly volumes: VolumesClient;
  ping(signal: AbortSignal): Promise<PingInfo>;
  info(signal: AbortSignal): Promise<InfoResponse>;
  /** The version that requests are made with. */
  apiVersion(signal: AbortSignal): Promise<string>;
  /** Await `opened` before causing what must not be missed. */
  events(query: EventsQuery, signal: AbortSignal): OpenStream<EngineEvent>;
  /** Of the embedded engine only; any other answers 404. */
  status(signal: AbortSignal): Promise<EngineStatus>;
  /** Reads the whole store; only the embedded engine. */
  verify(signal: AbortSignal): Promise<StoreReport>;
  /** Has the embedded engine stay until it is told to end. */
  stay(signal: AbortSignal): Promise<void>;
  /** Ends the embedded engine; containers go on. Resolves when it has taken the order. */
  shutdown(signal: AbortSignal): Promise<void>;
  /** Gives the embedded engine the graph of a project, for the starts it makes by itself; any other answers 404. */
  keepProject(graph: ProjectGraph, signal: AbortSignal): Promise<void>;
  /** The graph is not needed any more; any other engine answers 404. */
  forgetProject(name: string, signal: AbortSignal): Promise<void>;
  /** Lets idle connections go. */
  close(): void;
}

/** Connects with the first request. @throws `engine/bad-host` */
export function connectEngine(options: ConnectionOptions): EngineClient {
  const connection = createConnection(options);
  return {
    host: options.host,
    containers: containersClient(connection),
    exec: execClient(connection),
    images: imagesClient(connection),
    networks: networksClient(connection),
    volumes: volumesClient(connection),
    ...systemClient(connection),
    close: () => connection.close(),
  };
}

function systemClient(
  connection: Connection,
): Pick<
  EngineClient,
  | 'ping'
  | 'info'
  | 'apiVersion'
  | 'events'
  | 'status'
  | 'verify'
  | 'stay'
  | 'shutdown'
  | 'keepProject'
  | 'forgetProject'
> {
  return {
    ping: (signal) => connection.ping(signal),
    apiVersion: (signal) => connection.apiVersion(signal),
    info: (signal) => connection.json({ method: 'GET', path: '/info' }, signal),
    events: ({ since, until, filters }, signal) => {
      const times = { since: encodeMoment(since), until: encodeMoment(until) };
      const query = { ...times, filters: encodeFilters(filters) };
      return openStream(
        () => connection.stream({ method: 'GET', path: '/events', query }, signal),
        (body) => jsonLines(connection.host, body, signal),
      );
    },
    status: (signal) => connection.json({ method: 'GET', path: '/tscompose/status' }, signal),
    keepProject: (json, signal) =>
      connection.done({ method: 'PUT', path: `/tscompose/projects/${encodeURIComponent(json.name)}`, json }, signal),
    forgetProject: (name, signal) =>
      connection.done({ method: 'DELETE', path: `/tscompose/projects/${encodeURIComponent(name)}` }, signal),
    verify: (signal) => connection.json({ method: 'GET', path: '/tscompose/verify' }, signal),
    stay: (signal) => connection.done({ method: 'POST', path: '/tscompose/stay' }, signal),
    shutdown: (signal) => connection.done({ method: 'POST', path: '/tscompose/shutdown' }, signal),
  };
}
