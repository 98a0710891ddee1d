import { pipeline } from 'node:stream/promises';
import type { PathStat } from '../../../api/container.js';
import { hasCode, TscomposeError } from '../../../base/errors.js';
import { badParameter } from '../errors.js';
import { type Exchange, param, sendStatus } from '../exchange.js';
import type { Rooms } from '../rooms.js';
import type { Route } from '../router.js';

const tarType = { 'Content-Type': 'application/x-tar' };

/** Files of a container as tars. */
export function containerFileRoutes({ containers }: Rooms): readonly Route[] {
  const id = (exchange: Exchange) => param(exchange, 'id');
  return [
    [
      'GET',
      '/containers/{id}/export',
      async (exchange) => {
        const tar = await containers.export(id(exchange), exchange.client);
        exchange.response.writeHead(200, { 'Content-Type': 'application/octet-stream' });
        await pipeline(tar, exchange.response);
      },
    ],
    [
      'HEAD',
      '/containers/{id}/archive',
      async (exchange) => {
        setPathStat(exchange, await inContainer(exchange, containers.archiveStat(id(exchange), pathOf(exchange))));
        sendStatus(exchange, 200);
      },
    ],
    [
      'GET',
      '/containers/{id}/archive',
      async (exchange) => {
        const { stat, tar } = await inContainer(
          exchange,
          containers.archiveGet(id(exchange), pathOf(exchange), exchange.client),
        );
        setPathStat(exchange, stat);
        exchange.response.writeHead(200, tarType);
        await pipeline(tar, exchange.response);
      },
    ],
    [
      'PUT',
      '/containers/{id}/archive',
      async (exchange) => {
        const { query, body, client } = exchange;
        const options = {
          noOverwriteDirNonDir: query.flag('noOverwriteDirNonDir'),
          copyUidGid: query.flag('copyUIDGID'),
        };
        try {
          await inContainer(exchange, containers.archivePut(id(exchange), pathOf(exchange), body, options, client));
        } catch (error) {
          body.resume(); // or a client that only writes would never read the answer
          throw error;
        }
        sendStatus(exchange, 200);
      },
    ],
  ];
}

/** Names the container, as the client did, where a path is not in it. */
function inContainer<T>(exchange: Exchange, work: Promise<T>): Promise<T> {
  return work.catch((error: unknown) => {
    if (!hasCode(error, 'container/path-not-found')) throw error;
    const { code, facts, message } = error;
    throw new TscomposeError({ code, facts, message: `${message} ${param(exchange, 'id')}` });
  });
}

function pathOf({ query }: Exchange): string {
  const path = query.text('path');
  if (path === undefined) throw badParameter('path', 'missing parameter: path');
  return path;
}

function setPathStat({ response }: Exchange, stat: PathStat): void {
  response.setHeader('X-Docker-Container-Path-Stat', Buffer.from(JSON.stringify(stat)).toString('base64'));
}
