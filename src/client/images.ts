import { Readable } from 'node:stream';
import type { Filters } from '../api/common.js';
import type { ImageDeleteItem, ImageInspect, ImageSummary, ProgressMessage, RegistryAuth } from '../api/image.js';
import type { PruneReport } from '../api/volume.js';
import { type BuildBases, type BuildDetails, buildExtensions } from '../api/tscompose.js';
import type { Connection } from './connection.js';
import { encodeFilters, encodeJson } from './query.js';
import { progressOf } from './streams.js';

export interface PullQuery {
  /** `repo`, `repo:tag` or `repo@digest`; without tag and digest `latest`. */
  readonly reference: string;
  readonly platform?: string;
  readonly auth?: RegistryAuth;
}

export type BuildContext =
  /** A tar, plain or compressed, sent while output flows. */
  | { readonly kind: 'tar'; readonly stream: Readable }
  /** A directory that the embedded engine reads in place; any other engine cannot. */
  | { readonly kind: 'directory'; readonly path: string; readonly details?: BuildDetails }
  /** A git or http URL that the engine fetches. Only the embedded engine knows `details`. */
  | { readonly kind: 'remote'; readonly url: string; readonly details?: BuildDetails };

export interface BuildQuery {
  /** Inside the context. */
  readonly dockerfile?: string;
  readonly tags?: readonly string[];
  /** null: declared without a value. */
  readonly args?: Readonly<Record<string, string | null>>;
  readonly target?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly noCache?: boolean;
  readonly pull?: boolean;
  readonly quiet?: boolean;
  readonly networkMode?: string;
  readonly platform?: string;
  readonly extraHosts?: readonly string[];
  readonly cacheFrom?: readonly string[];
  /** A dockerd's own choice is its classic builder. The embedded engine has one builder, and passes this over. */
  readonly builder?: 'buildkit';
  /** Only looks at the Dockerfile; only the embedded engine knows how. */
  readonly check?: boolean;
  /** Bytes. */
  readonly shmSize?: number;
  /** Bytes. */
  readonly memory?: number;
  readonly isolation?: string;
  readonly ulimits?: readonly { Name: string; Soft: number; Hard: number }[];
  /** Keyed by registry host. */
  readonly registryAuth?: Readonly<Record<string, RegistryAuth>>;
}

export interface ImagesClient {
  list(query: { all?: boolean; filters?: Filters; digests?: boolean }, signal: AbortSignal): Promise<ImageSummary[]>;
  /** @param platform - of the image, where the name stands for several; engines that keep one alone pass it over */
  inspect(reference: string, signal: AbortSignal, platform?: string): Promise<ImageInspect>;
  remove(
    reference: string,
    query: { force?: boolean; noPrune?: boolean },
    signal: AbortSignal,
  ): Promise<ImageDeleteItem[]>;
  /** Read to its end: the failure of a pull is thrown there. */
  pull(query: PullQuery, signal: AbortSignal): AsyncIterable<ProgressMessage>;
  push(reference: string, query: { auth?: RegistryAuth }, signal: AbortSignal): AsyncIterable<ProgressMessage>;
  /** The id of the new image is in the `aux` of one message, as `{ ID }`. A failed step is thrown at the end. */
  build(context: BuildContext, query: BuildQuery, signal: AbortSignal): AsyncIterable<ProgressMessage>;
  /** The base images a build needs. Only the embedded engine tells; any other answers 404. */
  bases(context: BuildContext, query: BuildQuery, signal: AbortSignal): Promise<BuildBases>;
  /** A root file system as a new image of one layer; the last message's `status` is its id. */
  importTar(
    tar: Readable,
    query: { repo?: string; tag?: string; message?: string; changes?: readonly string[] },
    signal: AbortSignal,
  ): AsyncIterable<ProgressMessage>;
  load(tar: Readable, query: { quiet?: boolean }, signal: AbortSignal): AsyncIterable<ProgressMessage>;
  save(references: readonly string[], signal: AbortSignal): Promise<Readable>;
  prune(query: { filters?: Filters }, signal: AbortSignal): Promise<PruneReport>;
}

export function imagesClient(connection: Connection): ImagesClient {
  // A reference keeps its slashes: the router takes all up to the last word as the name.
  const at = (reference: string, action: string) => `/images/${escapeReference(reference)}${action}`;
  return {
    list: ({ all, filters, digests }, signal) =>
      connection.json(
        { method: 'GET', path: '/images/json', query: { all, digests, filters: encodeFilters(filters) } },
        signal,
      ),
    inspect: (reference, signal, platform) =>
      connection.json(
        { method: 'GET', path: at(reference, '/json'), query: { platform: platformJson(platform) } },
        signal,
      ),
    remove: (reference, { force, noPrune }, signal) =>
      connection.json({ method: 'DELETE', path: at(reference, ''), query: { force, noprune: noPrune } }, signal),
    pull: ({ reference, platform, auth }, signal) => {
      const { name, tag } = splitReference(reference);
      const query = { fromImage: name, tag: tag ?? 'latest', platform };
      return progressOf(
        connection,
        { method: 'POST', path: '/images/create', query, headers: authHeader(auth) },
        signal,
      );
    },
    push: (reference, { auth }, signal) => {
      const { name, tag } = splitReference(reference);
      const headers = authHeader(auth ?? {}); // dockerd refuses a push without the header
      return progressOf(connection, { method: 'POST', path: at(name, '/push'), query: { tag }, headers }, signal);
    },
    build: (context, query, signal) => {
      const body = bodyOf(context);
      const messages = progressOf(
        connection,
        {
          method: 'POST',
          path: '/build',
          query: { ...buildQuery(query), ...contextQuery(context) },
          headers: {
            'content-type': 'application/x-tar',
            ...(query.registryAuth === undefined ? {} : { 'x-registry-config': base64url(query.registryAuth) }),
          },
          ...(body === undefined ? {} : { body }),
        },
        signal,
      );
      return query.builder === 'buildkit' ? readable(messages) : messages;
    },
    bases: (context, query, signal) => {
      const body = bodyOf(context);
      return connection.json(
        {
          method: 'POST',
          path: '/tscompose/build/bases',
          query: { ...buildQuery(query), ...contextQuery(context) },
          headers: { 'content-type': 'application/x-tar' },
          ...(body === undefined ? {} : { body }),
        },
        signal,
      );
    },
    importTar: (tar, query, signal) =>
      progressOf(
        connection,
        {
          method: 'POST',
          path: '/images/create',
          query: { fromSrc: '-', ...query },
          headers: { 'content-type': 'application/x-tar' },
          body: tar,
        },
        signal,
      ),
    load: (tar, query, signal) =>
      progressOf(
        connection,
        {
          method: 'POST',
          path: '/images/load',
          query: { ...query },
          headers: { 'content-type': 'application/x-tar' },
          body: tar,
        },
        signal,
      ),
    save: (names, signal) => connection.stream({ method: 'GET', path: '/images/get', query: { names } }, signal),
    prune: ({ filters }, signal) =>
      connection.json({ method: 'POST', path: '/images/prune', query: { filters: encodeFilters(filters) } }, signal),
  };
}

async function* readable(messages: AsyncIterable<ProgressMessage>): AsyncGenerator<ProgressMessage, void, void> {
  const { readableBuild } = await import('./buildkit-trace.js'); // few commands need it
  yield* readableBuild(messages);
}

/** As the Engine API has it since 1.49. */
function platformJson(text: string | undefined): string | undefined {
  const [os, architecture, variant] = text?.split('/') ?? [];
  return architecture === undefined ? undefined : JSON.stringify({ os, architecture, variant });
}

function buildQuery(query: BuildQuery): Record<string, string | number | boolean | readonly string[] | undefined> {
  return {
    dockerfile: query.dockerfile,
    t: query.tags ?? [],
    buildargs: encodeJson(query.args),
    target: query.target,
    labels: encodeJson(query.labels),
    nocache: query.noCache,
    pull: query.pull,
    q: query.quiet,
    rm: true,
    networkmode: query.networkMode,
    platform: query.platform,
    extrahosts: query.extraHosts ?? [],
    cachefrom: encodeJson(query.cacheFrom),
    shmsize: query.shmSize,
    memory: query.memory,
    isolation: query.isolation,
    ulimits: encodeJson(query.ulimits),
    version: query.builder === 'buildkit' ? '2' : '1',
    [buildExtensions.events]: true,
    [buildExtensions.check]: query.check,
  };
}

function contextQuery(context: BuildContext): Record<string, string | boolean> {
  if (context.kind === 'tar') return {};
  return {
    ...(context.kind === 'remote' ? { remote: context.url } : { [buildExtensions.context]: context.path }),
    ...(context.details === undefined ? {} : { [buildExtensions.details]: true }),
  };
}

function bodyOf(context: BuildContext): Readable | undefined {
  if (context.kind === 'tar') return context.stream;
  return context.details === undefined ? undefined : Readable.from([Buffer.from(JSON.stringify(context.details))]);
}

/** `name:tag` and `name@digest` as the pull and push routes want them; a port in the name is no tag. */
function splitReference(reference: string): { name: string; tag: string | undefined } {
  const at = reference.indexOf('@');
  if (at >= 0) {
    const { name } = splitReference(reference.slice(0, at));
    return { name, tag: reference.slice(at + 1) };
  }
  const colon = reference.lastIndexOf(':');
  if (colon <= reference.lastIndexOf('/')) return { name: reference, tag: undefined };
  return { name: reference.slice(0, colon), tag: reference.slice(colon + 1) };
}

function escapeReference(reference: string): string {
  return encodeURIComponent(reference).replaceAll('%2F', '/').replaceAll('%3A', ':').replaceAll('%40', '@');
}

function authHeader(auth: RegistryAuth | undefined): Record<string, string> {
  return auth === undefined ? {} : { 'x-registry-auth': base64url(auth) };
}

/** Padded, as Go's URLEncoding reads it. */
function base64url(value: unknown): string {
  const text = Buffer.from(JSON.stringify(value)).toString('base64url');
  return text.padEnd(Math.ceil(text.length / 4) * 4, '=');
}
