import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { isDigest } from '../../../base/digest.js';
import { parseReference, type Reference, withDigest, withTag } from '../../../registry/index.js';
import { parseRegistryAuth } from '../auth.js';
import { badParameter } from '../errors.js';
import { type Exchange, param, sendJson, sendStatus } from '../exchange.js';
import { parsePlatform } from '../platform.js';
import { streamProgress } from '../progress.js';
import { olderImage, olderImageSummary } from '../older.js';
import type { Rooms } from '../rooms.js';
import type { Route } from '../router.js';

const listFilters = ['before', 'dangling', 'label', 'label!', 'reference', 'since', 'until'];

export function imageRoutes({ images, imageUsers }: Rooms): readonly Route[] {
  const name = (exchange: Exchange) => param(exchange, 'name');
  return [
    [
      'GET',
      '/images/json',
      (exchange) => {
        const { query } = exchange;
        const options = {
          all: query.flag('all'),
          filters: query.filters(listFilters),
          sharedSize: query.flag('shared-size'),
        };
        sendJson(
          exchange,
          200,
          images.summaries(options).map((image) => olderImageSummary(image, exchange.minor)),
        );
      },
    ],
    [
      'POST',
      '/images/create',
      (exchange) => (exchange.query.text('fromSrc') === undefined ? pull(exchange) : importTar(exchange)),
    ],
    [
      'POST',
      '/images/load',
      (exchange) =>
        streamProgress(exchange, async (onProgress) => {
          const quiet = exchange.query.flag('quiet');
          await images.load(exchange.body, { onProgress, signal: exchange.client, quiet });
        }),
    ],
    ['GET', '/images/get', (exchange) => save(exchange, exchange.query.list('names'))],
    [
      'POST',
      '/images/prune',
      async (exchange) => {
        const { deleted, spaceReclaimed } = await images.prune({
          filters: exchange.query.filters(),
          usedBy: imageUsers,
        });
        sendJson(exchange, 200, {
          ImagesDeleted: deleted.length === 0 ? null : deleted,
          SpaceReclaimed: spaceReclaimed,
        });
      },
    ],
    [
      'GET',
      '/images/{name*}/json',
      (exchange) => {
        const image = images.resolve(name(exchange), parsePlatform(exchange.query.text('platform')));
        sendJson(exchange, 200, olderImage(images.inspectJson(image), exchange.minor));
      },
    ],
    [
      'GET',
      '/images/{name*}/history',
      (exchange) => sendJson(exchange, 200, images.history(images.resolve(name(exchange)))),
    ],
    ['GET', '/images/{name*}/get', (exchange) => save(exchange, [name(exchange)])],
    [
      'POST',
      '/images/{name*}/push',
      (exchange) => {
        const reference = withTagOrDigest(name(exchange), exchange.query.text('tag')).familiar;
        const auth = parseRegistryAuth(exchange.request.headers['x-registry-auth']);
        return streamProgress(exchange, (onProgress) =>
          images.push(reference, { auth, onProgress, signal: exchange.client }),
        );
      },
    ],
    [
      'POST',
      '/images/{name*}/tag',
      async (exchange) => {
        const repo = exchange.query.text('repo');
        if (repo === undefined) throw badParameter('repo', 'the new name is missing');
        await images.tag(name(exchange), withTagOrDigest(repo, exchange.query.text('tag')));
        sendStatus(exchange, 201);
      },
    ],
    [
      'DELETE',
      '/images/{name*}',
      async (exchange) => {
        const { query } = exchange;
        const options = { force: query.flag('force'), prune: !query.flag('noprune'), usedBy: imageUsers };
        sendJson(exchange, 200, await images.remove(name(exchange), options));
      },
    ],
  ];

  function pull(exchange: Exchange): Promise<void> {
    const { query, request, client } = exchange;
    const from = query.text('fromImage');
    if (from === undefined) throw badParameter('fromImage', 'fromImage or fromSrc is needed');
    const reference = withTagOrDigest(from, query.text('tag'));
    const isWhole = reference.tag === undefined && reference.digest === undefined;
    const auth = parseRegistryAuth(request.headers['x-registry-auth']);
    const platform = parsePlatform(query.text('platform'));
    return streamProgress(exchange, async (onProgress) => {
      const options = { auth, platform, onProgress, signal: client };
      await (isWhole ? images.pullAll(reference.familiar, options) : images.pull(reference.familiar, options));
    });
  }

  function importTar(exchange: Exchange): Promise<void> {
    const { query, client } = exchange;
    const repo = query.text('repo');
    const tag = query.text('tag');
    const message = query.text('message');
    return streamProgress(exchange, async (send) => {
      const { id } = await images.importTar(await sourceOf(exchange), {
        changes: query.list('changes'),
        platform: parsePlatform(query.text('platform')),
        signal: client,
        ...(repo === undefined ? {} : { repo }),
        ...(tag === undefined ? {} : { tag }),
        ...(message === undefined ? {} : { message }),
      });
      send({ status: id });
    });
  }

  async function save({ response, client }: Exchange, names: readonly string[]): Promise<void> {
    if (names.length === 0) throw badParameter('names', 'no image is named');
    const archive = images.save(names, { signal: client });
    response.writeHead(200, { 'Content-Type': 'application/x-tar' });
    await pipeline(archive, response);
  }
}

/** `-` is the body, anything else a URL to fetch. */
async function sourceOf({ query, body, client }: Exchange): Promise<Readable> {
  const source = query.text('fromSrc') ?? '-';
  if (source === '-') return body;
  const url = URL.canParse(source) ? new URL(source) : undefined;
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') {
    throw badParameter('fromSrc', `cannot import from ${JSON.stringify(source)}: it is neither - nor an http URL`);
  }
  const answer = await fetch(url, { signal: client });
  if (!answer.ok || answer.body === null) throw badParameter('fromSrc', `${url.href} answered ${answer.status}`);
  return Readable.fromWeb(answer.body);
}

/** `tag` may be a digest, and counts before what the name itself has; a name may end in a colon. */
function withTagOrDigest(name: string, tag: string | undefined): Reference {
  const reference = parseReference(name.replace(/:$/, ''));
  if (tag === undefined) return reference;
  return isDigest(tag) ? withDigest(reference, tag) : withTag(reference, tag);
}
