import type { Filters } from '../../../api/common.js';
import type { EndpointSettings } from '../../../api/container.js';
import type { NetworkCreateRequest } from '../../../api/network.js';
import { networkNotFound } from '../../networks/index.js';
import { createNetworkShape, membershipShape } from '../body-shapes.js';
import { readJson } from '../body.js';
import { badParameter } from '../errors.js';
import { type Exchange, param, sendJson, sendStatus } from '../exchange.js';
import { matchesNetwork } from '../network-filters.js';
import type { Rooms } from '../rooms.js';
import type { Route } from '../router.js';
import { parseUntil } from '../until.js';

const listFilters = ['dangling', 'driver', 'id', 'label', 'name', 'scope', 'type'];

export function networkRoutes({ networks, containers, events }: Rooms): readonly Route[] {
  const candidates = () =>
    networks.list().map((record) => ({
      record,
      network: networks.inspect(record),
      predefined: record.predefined,
      inUse: networks.isInUse(record.id),
    }));
  return [
    ['GET', '/networks', list],
    ['GET', '/networks/', list],
    ['POST', '/networks/create', create],
    ['POST', '/networks/prune', prune],
    [
      'GET',
      '/networks/{id}',
      (exchange) => {
        const id = param(exchange, 'id');
        const verbose = exchange.query.text('verbose') ?? '';
        if (!/^(?:|1|t|true|0|f|false)$/i.test(verbose)) {
          throw badParameter('verbose', `invalid value for verbose: ${verbose} is neither true nor false`);
        }
        const network = networks.inspect(networks.resolve(id), { containers: true });
        if (![network.Scope, undefined].includes(exchange.query.text('scope'))) throw networkNotFound(id);
        sendJson(exchange, 200, network);
      },
    ],
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
        const { container } = await membership(exchange);
        await containers.disconnectNetwork(container, param(exchange, 'id'));
        sendStatus(exchange, 200);
      },
    ],
  ];

  function list(exchange: Exchange): void {
    const filters = exchange.query.filters(listFilters);
    checkValues(filters);
    const found = candidates().filter((candidate) => matchesNetwork(candidate, filters));
    // Lists told less from API 1.28 on.
    const shown = found.map(({ record, network }) =>
      exchange.minor < 28 ? networks.inspect(record, { containers: true }) : { ...network, Containers: {} },
    );
    sendJson(exchange, 200, shown);
  }

  function checkValues(filters: Filters): void {
    const type = (filters['type'] ?? []).find((value) => value !== 'custom' && value !== 'builtin');
    if (type !== undefined) throw badParameter('filters', `invalid filter: 'type'='${type}'`);
    const dangling = (filters['dangling'] ?? []).find((value) => !/^(?:1|0|true|false)$/i.test(value));
    if (dangling !== undefined) {
      const allowed = 'must be "true" (or "1"), or "false" (or "0")';
      throw badParameter('filters', `invalid value for filter 'dangling', ${allowed}`);
    }
  }

  async function create(exchange: Exchange): Promise<void> {
    const request = await readJson(exchange.body, exchange.request.headers, createNetworkShape);
    const name = request['Name'];
    if (typeof name !== 'string' || name.trim() === '') throw badParameter('Name', 'network name cannot be empty');
    if (request['Ingress'] === true) throw badParameter('Ingress', 'Ingress network can only be global scope network');
    if (request['Scope'] === 'swarm') {
      throw badParameter('Scope', 'cannot create a swarm scoped network when swarm is not active');
    }
    const { id } = await networks.create({ ...request, Name: name } satisfies NetworkCreateRequest);
    sendJson(exchange, 201, { Id: id, Warning: '' });
  }

  async function prune(exchange: Exchange): Promise<void> {
    const filters = exchange.query.filters(['label', 'label!', 'until']);
    const [until, another] = filters['until'] ?? [];
    if (another !== undefined) throw badParameter('filters', 'more than one until filter specified');
    const beforeMs = until === undefined ? Infinity : parseUntil(until, Date.now());
    const removed: string[] = [];
    for (const candidate of candidates()) {
      const { record, predefined, inUse } = candidate;
      if (predefined || inUse || !matchesNetwork(candidate, filters) || Date.parse(record.created) >= beforeMs)
        continue;
      await networks.remove(record.id);
      removed.push(record.name);
    }
    events.publish({ Type: 'network', Action: 'prune', Actor: { ID: '', Attributes: { reclaimed: '0' } } });
    sendJson(exchange, 200, { NetworksDeleted: removed.length === 0 ? null : removed });
  }
}

async function membership(exchange: Exchange): Promise<{ container: string; request: Record<string, unknown> }> {
  const request = await readJson(exchange.body, exchange.request.headers, membershipShape);
  const container = request['Container'];
  if (typeof container !== 'string' || container === '') {
    throw badParameter('Container', 'the name of a container is needed');
  }
  return { container, request };
}
