import type { ExecCreateRequest, ExecStartRequest } from '../../../api/container.js';
import { createExecShape, startExecShape } from '../body-shapes.js';
import { readJson } from '../body.js';
import { type Exchange, param, sendJson, sendStatus } from '../exchange.js';
import type { Rooms } from '../rooms.js';
import type { Route } from '../router.js';
import { joinSession } from './container-streams.js';
import { terminalSize } from './containers.js';

export function execRoutes({ containers }: Rooms): readonly Route[] {
  return [
    [
      'POST',
      '/containers/{id}/exec',
      async (exchange) => {
        const request = (await readJson(exchange.body, exchange.request.headers, createExecShape)) as ExecCreateRequest;
        sendJson(exchange, 201, await containers.execCreate(param(exchange, 'id'), request));
      },
    ],
    ['POST', '/exec/{id}/start', start],
    [
      'POST',
      '/exec/{id}/resize',
      async (exchange) => {
        await containers.execResize(param(exchange, 'id'), terminalSize(exchange));
        sendStatus(exchange, 200);
      },
    ],
    ['GET', '/exec/{id}/json', (exchange) => sendJson(exchange, 200, containers.execInspect(param(exchange, 'id')))],
  ];

  async function start(exchange: Exchange): Promise<void> {
    const request = (await readJson(exchange.body, exchange.request.headers, startExecShape)) as ExecStartRequest;
    // Not under the client's signal: a process outlives the client that began it, as with dockerd.
    const session = await containers.execStart(param(exchange, 'id'), request, exchange.engine);
    if (session === undefined) sendStatus(exchange, 200);
    else await joinSession(exchange, session);
  }
}
