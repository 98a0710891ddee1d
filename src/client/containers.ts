import type { Readable } from 'node:stream';
import type { Filters, IdResponse } from '../api/common.js';
import type {
  ContainerCreateRequest,
  ContainerCreateResponse,
  ContainerInspect,
  ContainerSummary,
  FilesystemChange,
  PathStat,
  TopResponse,
  UpdateRequest,
  WaitCondition,
  WaitResponse,
} from '../api/container.js';
import type { Frame } from '../api/stream-frame.js';
import type { MergedLogsRequest } from '../api/tscompose.js';
import type { Connection } from './connection.js';
import { encodeMoment } from './moment.js';
import { encodeFilters } from './query.js';
import {
  attach,
  framesOf,
  isFramed,
  jsonLines,
  openStream,
  outputOf,
  type AttachedStream,
  type OpenStream,
  type OutputChunk,
} from './streams.js';

export interface LogsQuery {
  readonly follow?: boolean;
  /** Default: both. */
  readonly stdout?: boolean;
  readonly stderr?: boolean;
  /** Unix seconds, RFC 3339, or a Go duration before now: see `encodeMoment`. */
  readonly since?: string | number;
  readonly until?: string | number;
  readonly timestamps?: boolean;
  readonly details?: boolean;
  /** Lines from the end; default all. */
  readonly tail?: number | 'all';
  /** Of the container: such logs come unframed. Needed only for engines older than API 1.42. */
  readonly tty?: boolean;
}

export interface AttachQuery {
  /** Replays the log first. */
  readonly logs?: boolean;
  /** Default true. */
  readonly stream?: boolean;
  readonly stdin?: boolean;
  /** Default: both. */
  readonly stdout?: boolean;
  readonly stderr?: boolean;
  readonly detachKeys?: string;
  /** Of the container. Needed only for engines older than API 1.42. */
  readonly tty?: boolean;
}

/** A wait that the engine has begun: an exit from now on counts. */
export interface BegunWait {
  readonly result: Promise<WaitResponse>;
}

export interface ContainersClient {
  list(
    query: { all?: boolean; limit?: number; size?: boolean; filters?: Filters },
    signal: AbortSignal,
  ): Promise<ContainerSummary[]>;
  create(
    request: ContainerCreateRequest,
    query: { name?: string; platform?: string },
    signal: AbortSignal,
  ): Promise<ContainerCreateResponse>;
  inspect(id: string, signal: AbortSignal, query?: { size?: boolean }): Promise<ContainerInspect>;
  /** Also when it runs already. */
  start(id: string, signal: AbortSignal): Promise<void>;
  /** Resolves once it has ended, also when it had before. `timeoutS`: -1 waits for ever; default is the container's own. */
  stop(id: string, query: { timeoutS?: number; signal?: string }, signal: AbortSignal): Promise<void>;
  restart(id: string, query: { timeoutS?: number; signal?: string }, signal: AbortSignal): Promise<void>;
  kill(id: string, query: { signal?: string }, signal: AbortSignal): Promise<void>;
  pause(id: string, signal: AbortSignal): Promise<void>;
  unpause(id: string, signal: AbortSignal): Promise<void>;
  rename(id: string, name: string, signal: AbortSignal): Promise<void>;
  update(id: string, request: UpdateRequest, signal: AbortSignal): Promise<{ Warnings: string[] | null }>;
  /** `volumes`: its anonymous ones too. */
  remove(id: string, query: { force?: boolean; volumes?: boolean; link?: boolean }, signal: AbortSignal): Promise<void>;
  wait(id: string, query: { condition?: WaitCondition }, signal: AbortSignal): Promise<WaitResponse>;
  /** As `wait`, but resolves as soon as the engine listens: call it before the start whose exit must not be missed. */
  beginWait(id: string, query: { condition?: WaitCondition }, signal: AbortSignal): Promise<BegunWait>;
  logs(id: string, query: LogsQuery, signal: AbortSignal): OpenStream<OutputChunk>;
  /** What several have written so far, in the order of time; only the embedded engine, any other answers 404. */
  mergedLogs(
    ids: readonly string[],
    query: Pick<LogsQuery, 'since' | 'until' | 'tail'>,
    signal: AbortSignal,
  ): OpenStream<Frame>;
  attach(id: string, query: AttachQuery, signal: AbortSignal): Promise<AttachedStream>;
  resize(id: string, size: { rows: number; columns: number }, signal: AbortSignal): Promise<void>;
  top(id: string, query: { psArgs?: string }, signal: AbortSignal): Promise<TopResponse>;
  /** One sample a second; with `stream: false` a single one. Members as the Engine API has them. */
  stats(
    id: string,
    query: { stream?: boolean; oneShot?: boolean },
    signal: AbortSignal,
  ): OpenStream<Record<string, unknown>>;
  changes(id: string, signal: AbortSignal): Promise<FilesystemChange[]>;
  /** The root file system as a tar. */
  export(id: string, signal: AbortSignal): Promise<Readable>;
  statPath(id: string, path: string, signal: AbortSignal): Promise<PathStat>;
  /** A path as a tar, a directory under its base name. */
  getArchive(id: string, path: string, signal: AbortSignal): Promise<{ stat: PathStat; tar: Readable }>;
  /** Unpacks a tar below the directory `path`. */
  putArchive(
    id: string,
    query: { path: string; noOverwriteDirNonDir?: boolean; copyUIDGID?: boolean },
    tar: Readable,
    signal: AbortSignal,
  ): Promise<void>;
  commit(
    id: string,
    query: {
      repo?: string;
      tag?: string;
      comment?: string;
      author?: string;
      pause?: boolean;
      changes?: readonly string[];
    },
    signal: AbortSignal,
  ): Promise<IdResponse>;
}

export function containersClient(connection: Connection): ContainersClient {
  const at = (id: string, action: string) => `/containers/${encodeURIComponent(id)}/${action}`;
  const post = (path: string, query: Record<string, string | number | undefined>, signal: AbortSignal) =>
    connection.done({ method: 'POST', path, query }, signal);
  const beginWait: ContainersClient['beginWait'] = async (id, { condition }, signal) => {
    const body = await connection.stream({ method: 'POST', path: at(id, 'wait'), query: { condition } }, signal);
    const result = firstOf(jsonLines<WaitResponse>(connection.host, body, signal));
    result.catch(() => undefined); // the caller may look later
    return { result };
  };
  return {
    list: ({ all, limit, size, filters }, signal) =>
      connection.json(
        { method: 'GET', path: '/containers/json', query: { all, limit, size, filters: encodeFilters(filters) } },
        signal,
      ),
    create: (json, query, signal) =>
      connection.json({ method: 'POST', path: '/containers/create', query, json }, signal),
    inspect: (id, signal, { size } = {}) =>
      connection.json({ method: 'GET', path: at(id, 'json'), query: { size } }, signal),
    start: (id, signal) => post(at(id, 'start'), {}, signal),
    stop: (id, { timeoutS, signal: name }, signal) => post(at(id, 'stop'), { t: timeoutS, signal: name }, signal),
    restart: (id, { timeoutS, signal: name }, signal) => post(at(id, 'restart'), { t: timeoutS, signal: name }, signal),
    kill: (id, query, signal) => post(at(id, 'kill'), { ...query }, signal),
    pause: (id, signal) => post(at(id, 'pause'), {}, signal),
    unpause: (id, signal) => post(at(id, 'unpause'), {}, signal),
    rename: (id, name, signal) => post(at(id, 'rename'), { name }, signal),
    update: (id, json, signal) => connection.json({ method: 'POST', path: at(id, 'update'), json }, signal),
    remove: (id, { force, volumes, link }, signal) =>
      connection.done(
        { method: 'DELETE', path: `/containers/${encodeURIComponent(id)}`, query: { force, v: volumes, link } },
        signal,
      ),
    wait: async (id, query, signal) => await (await beginWait(id, query, signal)).result,
    beginWait,
    logs: (
      id,
      { follow, stdout = true, stderr = true, since, until, timestamps, details, tail, tty = false },
      signal,
    ) => {
      const times = { since: encodeMoment(since), until: encodeMoment(until) };
      const query = { follow, stdout, stderr, ...times, timestamps, details, tail };
      const request = { method: 'GET', path: at(id, 'logs'), query } as const;
      return openStream(
        () => connection.stream(request, signal),
        async function* (body) {
          const framed = await isFramed(connection, body.headers['content-type'] ?? '', tty, signal);
          yield* outputOf(connection.host, request, body, framed, signal);
        },
      );
    },
    mergedLogs: (ids, { since, until, tail }, signal) => {
      const query = { since: encodeMoment(since), until: encodeMoment(until), tail };
      const json: MergedLogsRequest = { Containers: ids };
      return openStream(
        () => connection.stream({ method: 'POST', path: '/tscompose/logs', query, json }, signal),
        (body) => framesOf(connection.host, body, signal),
      );
    },
    attach: (id, { logs, stream = true, stdin, stdout = true, stderr = true, detachKeys, tty = false }, signal) => {
      const query = { logs, stream, stdin, stdout, stderr, detachKeys };
      return attach(connection, { method: 'POST', path: at(id, 'attach'), query }, tty, signal);
    },
    resize: (id, { rows, columns }, signal) => post(at(id, 'resize'), { h: rows, w: columns }, signal),
    top: (id, { psArgs }, signal) =>
      connection.json({ method: 'GET', path: at(id, 'top'), query: { ps_args: psArgs } }, signal),
    stats: (id, { stream = true, oneShot }, signal) => {
      const query = { stream: stream ? '1' : '0', 'one-shot': oneShot };
      return openStream(
        () => connection.stream({ method: 'GET', path: at(id, 'stats'), query }, signal),
        (body) => jsonLines(connection.host, body, signal),
      );
    },
    changes: async (id, signal) =>
      (await connection.json<FilesystemChange[] | null>({ method: 'GET', path: at(id, 'changes') }, signal)) ?? [],
    export: (id, signal) => connection.stream({ method: 'GET', path: at(id, 'export') }, signal),
    statPath: async (id, path, signal) => {
      const response = await connection.stream({ method: 'HEAD', path: at(id, 'archive'), query: { path } }, signal);
      response.resume();
      return pathStatOf(response.headers);
    },
    getArchive: async (id, path, signal) => {
      const tar = await connection.stream({ method: 'GET', path: at(id, 'archive'), query: { path } }, signal);
      return { stat: pathStatOf(tar.headers), tar };
    },
    putArchive: (id, query, tar, signal) =>
      connection.done(
        {
          method: 'PUT',
          path: at(id, 'archive'),
          query: { ...query },
          headers: { 'content-type': 'application/x-tar' },
          body: tar,
        },
        signal,
      ),
    commit: (id, { pause = true, ...query }, signal) =>
      connection.json(
        { method: 'POST', path: '/commit', query: { ...query, container: id, pause: pause ? '1' : '0' } },
        signal,
      ),
  };
}

async function firstOf<T>(values: AsyncIterable<T>): Promise<T> {
  for await (const value of values) return value;
  throw new Error('the engine ended the answer without a value');
}

function pathStatOf(headers: Readonly<Record<string, string | string[] | undefined>>): PathStat {
  const text = headers['x-docker-container-path-stat'];
  if (typeof text !== 'string') throw new Error('the engine sent no path stat');
  return JSON.parse(Buffer.from(text, 'base64').toString('utf8')) as PathStat; // the engine's word for its own shapes
}
