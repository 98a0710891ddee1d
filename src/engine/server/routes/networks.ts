import type { EndpointSettings } from '../../../api/container.js';
import type { NetworkCreateRequest, NetworkInspect } from '../../../api/network.js';
import { readJson } from '../body.js';
import { badParameter } from '../errors.js';
import { param, sendJson, sendStatus } from '../exchange.js';
import type { Exchange } from '../exchange.js';
import type { Rooms } from '../rooms.js';
import type { Route } from '../router.js';

const listFilters = ['dangling', 'driver', 'id', 'label', 'name', 'scope', 'type'];

export function networkRoutes({ networks, containers }: Rooms): readonly Route[] {
  const list = (exchange: Exchange) => {
    const found = networks.list(exchange.query.filters(listFilters));
    sendJson(exchange, 200, found.map(withoutContainers));
  };
  return [
    ['GET', '/networks', list],
    ['GET', '/networks/', list],
    [
      'POST',
      '/networks/create',
      async (exchange) => {
        const request = await readJson(exchange.body, exchange.request.headers);
        if (typeof request['Name'] !== 'string' || request['Name'].trim() === '') {
          throw badParameter('Name', 'network name cannot be empty');
        }
        sendJson(
          exchange,
          201,
          await networks.create({ ...request, Name: request['Name'] } satisfies NetworkCreateRequest),
        );
      },
    ],
    [
      'POST',
      '/networks/prune',
      async (exchange) =>
        sendJson(exchange, 200, await networks.prune(exchange.query.filters(['label', 'label!', 'until']))),
    ],
    ['GET', '/networks/{id}', (exchange) => sendJson(exchange, 200, networks.inspect(param(exchange, 'id')))],
    [
      'DELETE',
      '/networks/{id}',
      async (exchange) => {
        await networks.remove(param(exchange, 'id'));
        sendStatus(exchange, 204);
      },
    ],
    [
      'POST',
      '/networks/{id}/connect',
      async (exchange) => {
        const { container, request } = await membership(exchange);
        const endpoint = (request['EndpointConfig'] ?? {}) as EndpointSettings;
        await containers.connectNetwork(container, param(exchange, 'id'), endpoint, exchange.engine);
        sendStatus(exchange, 200);
      },
    ],
    [
      'POST',
      '/networks/{id}/disconnect',
      async (exchange) => {
        const { container, request } = await membership(exchange);
        await containers.disconnectNetwork(container, param(exchange, 'id'), { force: request['Force'] === true });
        sendStatus(exchange, 200);
      },
    ],
  ];
}

async function membership(exchange: Exchange): Promise<{ container: string; request: Record<string, unknown> }> {
  const request = await readJson(exchange.body, exchange.request.headers);
  const container = request['Container'];
  if (typeof container !== 'string' || container === '')
    throw badParameter('Container', 'the name of a container is needed');
  return { container, request };
}

function withoutContainers(network: NetworkInspect): NetworkInspect {
  return { ...network, Containers: {} };
}
