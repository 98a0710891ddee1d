import type { EngineStatus } from '../../../api/tscompose.js';
import { badParameter } from '../errors.js';
import { type Exchange, sendJson, sendStatus } from '../exchange.js';
import { infoOf, versionOf } from '../info.js';
import { olderImageSummary, olderInfo } from '../older.js';
import type { EngineFacts, Rooms } from '../rooms.js';
import type { Route } from '../router.js';
import { newestApi } from '../version.js';

export function systemRoutes(rooms: Rooms, facts: EngineFacts): readonly Route[] {
  return [
    ['GET', '/_ping', ping],
    ['HEAD', '/_ping', ping],
    ['GET', '/version', (exchange) => sendJson(exchange, 200, versionOf(facts))],
    [
      'GET',
      '/info',
      async (exchange) => sendJson(exchange, 200, olderInfo(await infoOf(rooms, facts), exchange.minor)),
    ],
    ['GET', '/system/df', diskUsage],
    ['GET', '/tscompose/status', async (exchange) => sendJson(exchange, 200, await statusOfEngine())],
    [
      'GET',
      '/tscompose/verify',
      async (exchange) => sendJson(exchange, 200, await rooms.images.verify(exchange.client)),
    ],
    [
      'POST',
      '/tscompose/stay',
      (exchange) => {
        facts.stay();
        sendStatus(exchange, 204);
      },
    ],
    [
      'POST',
      '/tscompose/shutdown',
      (exchange) => {
        exchange.response.once('finish', () => facts.shutdown());
        sendStatus(exchange, 204);
      },
    ],
  ];

  async function diskUsage(exchange: Exchange): Promise<void> {
    const types = exchange.query.list('type');
    const unknown = types.find((type) => !['container', 'image', 'volume', 'build-cache'].includes(type));
    if (unknown !== undefined) throw badParameter('type', `unknown object type: ${unknown}`);
    const wants = (type: string) => types.length === 0 || types.includes(type);
    const { containers, images, imageUsers, volumes, builder } = rooms;
    sendJson(exchange, 200, {
      ...(wants('image')
        ? {
            LayersSize: images.layersSize(),
            Images: images
              .summaries({ all: true, sharedSize: true, usedBy: imageUsers })
              .map((image) => olderImageSummary(image, exchange.minor)),
          }
        : {}),
      ...(wants('container') ? { Containers: await containers.list({ all: true, size: true, filters: {} }) } : {}),
      ...(wants('volume') ? { Volumes: await volumes.usage(exchange.client) } : {}),
      ...(wants('build-cache')
        ? {
            BuildCache: (await builder()).diskUsage().map((entry) => ({
              ID: entry.id,
              Parents: null,
              Type: entry.type,
              Description: entry.description,
              InUse: false, // by a build: what an image has as well may go from the cache
              Shared: entry.shared,
              Size: entry.sizeBytes,
              CreatedAt: entry.createdAt,
              LastUsedAt: entry.lastUsedAt,
              UsageCount: entry.useCount,
            })),
          }
        : {}),
    });
  }

  async function statusOfEngine(): Promise<EngineStatus> {
    const running = await rooms.containers.list({ all: false, size: false, filters: {} });
    return {
      pid: process.pid,
      socket: facts.socket,
      dataRoot: facts.dataRoot,
      runtimeDir: facts.runtimeDir,
      version: facts.version,
      apiVersion: newestApi,
      startedAt: facts.startedAt.toISOString(),
      runtime: facts.runtime === undefined ? '' : `${facts.runtime.name} ${facts.runtime.version}`,
      rssBytes: process.memoryUsage.rss(),
      containersRunning: running.length,
      idleTimeoutMs: facts.idleTimeoutMs(),
    };
  }
}

function ping({ request, response }: Exchange): void {
  response.writeHead(200, {
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': request.method === 'HEAD' ? 0 : 2,
    'Cache-Control': 'no-cache, no-store, must-revalidate',
    Pragma: 'no-cache',
    'Builder-Version': '2', // clients that can take BuildKit's way; the others take `/build`
    Swarm: 'inactive',
  });
  response.end(request.method === 'HEAD' ? undefined : 'OK');
}
