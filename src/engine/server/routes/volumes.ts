import type { VolumeCreateRequest } from '../../../api/volume.js';
import { createVolumeShape } from '../body-shapes.js';
import { readJson } from '../body.js';
import { param, sendJson, sendStatus } from '../exchange.js';
import type { Rooms } from '../rooms.js';
import type { Route } from '../router.js';
import { noSwarm } from './swarm.js';

export function volumeRoutes({ volumes }: Rooms): readonly Route[] {
  return [
    [
      'GET',
      '/volumes',
      (exchange) =>
        sendJson(exchange, 200, volumes.list(exchange.query.filters(['dangling', 'driver', 'label', 'name']))),
    ],
    [
      'POST',
      '/volumes/create',
      async (exchange) => {
        const request = (await readJson(
          exchange.body,
          exchange.request.headers,
          createVolumeShape,
        )) as VolumeCreateRequest;
        if ('ClusterVolumeSpec' in request) throw noSwarm();
        const { name } = await volumes.create(request);
        sendJson(exchange, 201, volumes.inspect(name));
      },
    ],
    [
      'POST',
      '/volumes/prune',
      async (exchange) => {
        const filters = exchange.query.filters(['all', 'label', 'label!']);
        // Before API 1.42 named volumes were pruned too.
        const effective = exchange.minor < 42 && filters['all'] === undefined ? { ...filters, all: ['true'] } : filters;
        sendJson(exchange, 200, await volumes.prune(effective));
      },
    ],
    ['GET', '/volumes/{name}', (exchange) => sendJson(exchange, 200, volumes.inspect(param(exchange, 'name')))],
    [
      'PUT',
      '/volumes/{name}',
      () => {
        throw noSwarm('volume update only valid for cluster volumes, but swarm is unavailable');
      },
    ],
    [
      'DELETE',
      '/volumes/{name}',
      async (exchange) => {
        await volumes.remove(param(exchange, 'name'), { force: exchange.query.flag('force') });
        sendStatus(exchange, 204);
      },
    ],
  ];
}
