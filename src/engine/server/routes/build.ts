import { isAbsolute } from 'node:path';
import type { Ulimit } from '../../../api/container.js';
import { type BuildBases, buildExtensions } from '../../../api/tscompose.js';
import { TscomposeError } from '../../../base/errors.js';
import { parseGitReference } from '../../../base/git/reference.js';
import { renderLocation, type SourceLocation } from '../../../base/source-location.js';
import type { BuildContext, BuildMessage, BuildNetwork, BuildRequest, DockerfileSource } from '../../builder/index.js';
import { type GivenDetails, noDetails, readDetails } from './build-details.js';
import { parseRegistryConfig } from '../auth.js';
import { badParameter } from '../errors.js';
import { type Exchange, sendJson } from '../exchange.js';
import { streamProgress } from '../progress.js';
import type { Query } from '../query.js';
import type { Rooms } from '../rooms.js';
import type { Route } from '../router.js';
import type { LazyBuildKit } from './buildkit.js';

export function buildRoutes({ builder }: Rooms, buildKit: Pick<LazyBuildKit, 'prune'>): readonly Route[] {
  return [
    ['POST', '/build', build],
    [
      'POST',
      '/tscompose/build/bases',
      async (exchange) => {
        const wanted = await buildRequest(exchange);
        const { bases, repositories } = await (await builder()).bases(wanted, exchange.client);
        const shown = <T extends { readonly at: SourceLocation }>(one: T) => ({ ...one, at: renderLocation(one.at) });
        const answer: BuildBases = { bases: bases.map(shown), repositories: repositories.map(shown) };
        sendJson(exchange, 200, answer);
        exchange.body.resume();
      },
    ],
    [
      'POST',
      '/build/prune',
      async (exchange) => {
        // With the builder, that most engines never need.
        const { pruneChoice, takesWhole } = await import('../build-cache-filters.js');
        const choice = pruneChoice(exchange.query, Date.now());
        const { removed, reclaimedBytes } = await (await builder()).prune(exchange.engine, choice);
        const receivedBytes = takesWhole(choice, 'source.local') ? await buildKit.prune() : 0;
        sendJson(exchange, 200, { CachesDeleted: removed, SpaceReclaimed: reclaimedBytes + receivedBytes });
      },
    ],
  ];

  async function build(exchange: Exchange): Promise<void> {
    const { query, request, client } = exchange;
    const wanted = await buildRequest(exchange);
    const quiet = query.flag('q');
    const registryAuth = parseRegistryConfig(request.headers['x-registry-config']);
    await streamProgress(exchange, async (send: (message: BuildMessage) => void) => {
      if (query.flag(buildExtensions.check)) {
        send({ tscompose: await (await builder()).check(wanted, client) });
        return;
      }
      const shown = query.flag(buildExtensions.events) ? send : withoutEvents(send);
      const onProgress = quiet ? () => undefined : shown;
      const { imageId } = await (await builder()).build(wanted, { onProgress, registryAuth, signal: client });
      if (quiet) send({ stream: `${imageId}\n` });
    });
    exchange.body.resume(); // what was not needed of the context
  }
}

/** The docker CLI draws an empty line for a message that it does not know. */
function withoutEvents(send: (message: BuildMessage) => void): (message: BuildMessage) => void {
  return (message) => {
    const plain = Object.entries(message).filter(([member]) => member !== 'tscompose');
    if (plain.length > 0) send(Object.fromEntries(plain));
  };
}

async function buildRequest(exchange: Exchange): Promise<BuildRequest> {
  const { query } = exchange;
  if (query.text('version') === '2')
    throw unsupported('BuildKit builds over /build; use buildx, or set DOCKER_BUILDKIT=0');
  const details = query.flag(buildExtensions.details) ? await readDetails(exchange.body) : noDetails;
  const platforms = (query.text('platform') ?? '').split(',').filter((text) => text !== '');
  const ulimits = ulimitsOf(query);
  const target = query.text('target');
  const shmSizeBytes = query.integer('shmsize');
  const extraHosts = query
    .list('extrahosts')
    .flatMap((text) => text.split(','))
    .filter((text) => text !== '');
  return {
    context: contextOf(exchange),
    dockerfile: dockerfileOf(exchange, details),
    tags: query.list('t').filter((tag) => tag !== ''),
    args: argsOf(query),
    labels: labelsOf(query),
    noCache: query.flag('nocache'),
    pull: query.flag('pull'),
    networkMode: networkOf(query),
    ...(target === undefined ? {} : { target }),
    ...(platforms.length === 0 ? {} : { platforms }),
    ...(shmSizeBytes === undefined || shmSizeBytes <= 0 ? {} : { shmSizeBytes }),
    ...(extraHosts.length === 0 ? {} : { extraHosts }),
    ...(ulimits.length === 0 ? {} : { ulimits }),
    ...cacheFromOf(query),
    ...details.request,
  };
}

/**
 * A directory is read in place for whoever may open our socket: that is our own user, since its mode is 0600, and the
 * engine gives that user nothing it could not read without it.
 */
function contextOf({ query, body }: Exchange): BuildContext {
  const path = query.text(buildExtensions.context);
  if (path !== undefined) {
    if (!isAbsolute(path)) throw badParameter(buildExtensions.context, 'the path of a context must be absolute');
    return { kind: 'directory', path };
  }
  const remote = query.text('remote');
  if (remote !== undefined) {
    if (parseGitReference(remote) !== undefined) return { kind: 'git', url: remote };
    if (/^https?:\/\//.test(remote)) return { kind: 'url', url: remote };
    throw badParameter('remote', `the remote context ${JSON.stringify(remote)} is no git repository and no URL`);
  }
  return { kind: 'tar', stream: body };
}

function dockerfileOf({ query }: Exchange, { dockerfile }: GivenDetails): DockerfileSource {
  const inPlace = query.text(buildExtensions.context) !== undefined;
  if (dockerfile !== undefined) return { kind: 'text', text: dockerfile, name: 'dockerfile_inline' };
  const path = query.text('dockerfile') ?? 'Dockerfile';
  return inPlace && isAbsolute(path) ? { kind: 'file', path } : { kind: 'in-context', path };
}

/** Names of images, as the docker CLI's `--cache-from` gives them. */
function cacheFromOf(query: Query): Pick<BuildRequest, 'cacheFrom'> {
  const value = query.json('cachefrom') ?? [];
  if (!Array.isArray(value) || !value.every((one) => typeof one === 'string')) {
    throw badParameter('cachefrom', 'invalid cachefrom: not a list of texts');
  }
  return value.length === 0 ? {} : { cacheFrom: value };
}

function ulimitsOf(query: Query): Ulimit[] {
  const value = query.json('ulimits') ?? [];
  const isUlimit = (one: unknown): one is Ulimit => {
    const { Name, Soft, Hard } = (one ?? {}) as Partial<Record<keyof Ulimit, unknown>>;
    return typeof Name === 'string' && typeof Soft === 'number' && typeof Hard === 'number';
  };
  if (Array.isArray(value) && value.every(isUlimit)) return value;
  throw badParameter('ulimits', 'invalid ulimits: not a list of Name, Soft and Hard');
}

function argsOf(query: Query): Record<string, string | null> {
  return mapOf(query, 'buildargs', (value) => value === null || typeof value === 'string') as Record<
    string,
    string | null
  >;
}

function labelsOf(query: Query): Record<string, string> {
  return mapOf(query, 'labels', (value) => typeof value === 'string') as Record<string, string>;
}

function mapOf(query: Query, name: string, fits: (value: unknown) => boolean): Record<string, unknown> {
  const value = query.json(name) ?? {};
  if (typeof value !== 'object' || Array.isArray(value) || !Object.values(value).every(fits)) {
    throw badParameter(name, `invalid ${name}: not a map of texts`);
  }
  return { ...value };
}

function networkOf(query: Query): BuildNetwork {
  const mode = query.text('networkmode') ?? 'default';
  if (mode === 'default' || mode === 'bridge') return 'bridge';
  if (mode === 'none' || mode === 'host') return mode;
  throw badParameter(
    'networkmode',
    `a build cannot use the network ${JSON.stringify(mode)}: it can use default, none and host`,
  );
}

function unsupported(feature: string): TscomposeError<'request/unsupported'> {
  return new TscomposeError({
    code: 'request/unsupported',
    message: `this engine does not have ${feature}`,
    facts: { feature },
  });
}
