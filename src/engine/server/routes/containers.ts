import type { ContainerCreateRequest, UpdateRequest, WaitCondition } from '../../../api/container.js';
import { hasCode } from '../../../base/errors.js';
import { createContainerShape, updateShape } from '../body-shapes.js';
import { readJson } from '../body.js';
import { badParameter } from '../errors.js';
import { type Exchange, param, sendJson, sendStatus } from '../exchange.js';
import { olderContainer } from '../older.js';
import type { Rooms } from '../rooms.js';
import type { Route } from '../router.js';
import { within } from '../within.js';
import { unsupported } from './unsupported.js';

const listFilters = [
  'ancestor',
  'before',
  'exited',
  'expose',
  'health',
  'id',
  'is-task',
  'isolation',
  'label',
  'name',
  'network',
  'publish',
  'since',
  'status',
  'volume',
];

/** Containers: records and lifecycle. Their streams and files have their own files. */
export function containerRoutes({ containers }: Rooms): readonly Route[] {
  const id = (exchange: Exchange) => param(exchange, 'id');
  return [
    [
      'GET',
      '/containers/json',
      async (exchange) => {
        const { query } = exchange;
        const limit = query.integer('limit');
        const list = await containers.list({
          all: query.flag('all'),
          size: query.flag('size'),
          filters: query.filters(listFilters),
          ...(limit === undefined || limit <= 0 ? {} : { limit }),
        });
        sendJson(exchange, 200, list);
      },
    ],
    [
      'POST',
      '/containers/create',
      async (exchange) => {
        const { query, engine } = exchange;
        const name = query.text('name');
        const platform = query.text('platform');
        const created = await containers.create(
          await createRequest(exchange),
          { ...(name === undefined ? {} : { name }), ...(platform === undefined ? {} : { platform }) },
          engine,
        );
        sendJson(exchange, 201, created);
      },
    ],
    [
      'POST',
      '/containers/prune',
      async (exchange) => {
        const filters = exchange.query.filters(['label', 'label!', 'until']);
        sendJson(exchange, 200, await containers.prune(filters, exchange.engine));
      },
    ],
    [
      'GET',
      '/containers/{id}/json',
      async (exchange) => {
        const found = await containers.inspect(id(exchange), { size: exchange.query.flag('size') });
        sendJson(exchange, 200, olderContainer(found, exchange.minor));
      },
    ],
    [
      'POST',
      '/containers/{id}/start',
      async (exchange) => {
        refuseStartBody(exchange);
        sendStatus(exchange, (await containers.start(id(exchange), exchange.engine)) ? 204 : 304);
      },
    ],
    [
      'POST',
      '/containers/{id}/stop',
      async (exchange) => {
        const stopped = await within(
          `cannot stop container: ${id(exchange)}`,
          () => containers.stop(id(exchange), stopOptions(exchange), exchange.engine),
          unfound,
        );
        sendStatus(exchange, stopped ? 204 : 304);
      },
    ],
    [
      'POST',
      '/containers/{id}/restart',
      async (exchange) => {
        await within(
          `Cannot restart container ${id(exchange)}`,
          () => containers.restart(id(exchange), stopOptions(exchange), exchange.engine),
          unfound,
        );
        sendStatus(exchange, 204);
      },
    ],
    [
      'POST',
      '/containers/{id}/kill',
      async (exchange) => {
        const { query, engine } = exchange;
        await within(`cannot kill container: ${id(exchange)}`, () =>
          containers.kill(id(exchange), query.text('signal') ?? 'SIGKILL', engine),
        );
        sendStatus(exchange, 204);
      },
    ],
    [
      'POST',
      '/containers/{id}/pause',
      async (exchange) => {
        await containers.pause(id(exchange));
        sendStatus(exchange, 204);
      },
    ],
    [
      'POST',
      '/containers/{id}/unpause',
      async (exchange) => {
        await containers.unpause(id(exchange));
        sendStatus(exchange, 204);
      },
    ],
    [
      'POST',
      '/containers/{id}/rename',
      async (exchange) => {
        const name = exchange.query.text('name');
        if (name === undefined) throw badParameter('name', 'Neither old nor new names may be empty');
        const renamed = containers.rename(id(exchange), name);
        await renamed.catch((error: unknown) => {
          if (!hasCode(error, 'container/name-in-use')) throw error;
          return within('Error when allocating new name', () => Promise.reject(error));
        });
        sendStatus(exchange, 204);
      },
    ],
    [
      'POST',
      '/containers/{id}/update',
      async (exchange) => {
        const request = (await readJson(exchange.body, exchange.request.headers, updateShape)) as UpdateRequest;
        const updated = containers.update(id(exchange), request, exchange.engine);
        sendJson(exchange, 200, await updated);
      },
    ],
    [
      'POST',
      '/containers/{id}/resize',
      async (exchange) => {
        await containers.resize(id(exchange), terminalSize(exchange));
        sendStatus(exchange, 200);
      },
    ],
    [
      'GET',
      '/containers/{id}/top',
      async (exchange) =>
        sendJson(
          exchange,
          200,
          await containers.top(id(exchange), exchange.query.text('ps_args') ?? '-ef', exchange.client),
        ),
    ],
    [
      'GET',
      '/containers/{id}/changes',
      async (exchange) => {
        const changes = await containers.changes(id(exchange));
        sendJson(exchange, 200, changes.length === 0 ? null : changes);
      },
    ],
    ['POST', '/containers/{id}/wait', (exchange) => wait(exchange)],
    ['GET', '/containers/{id}/checkpoints', unsupported('checkpoints')],
    ['POST', '/containers/{id}/checkpoints', unsupported('checkpoints')],
    ['DELETE', '/containers/{id}/checkpoints/{checkpoint}', unsupported('checkpoints')],
    [
      'DELETE',
      '/containers/{id}',
      async (exchange) => {
        const { query } = exchange;
        if (query.flag('link'))
          throw badParameter('link', 'Conflict, cannot remove the default link name of the container');
        await containers.remove(
          id(exchange),
          { force: query.flag('force'), volumes: query.flag('v') },
          exchange.engine,
        );
        sendStatus(exchange, 204);
      },
    ],
  ];

  /** The head goes out at once: clients begin to wait before they start the container. */
  async function wait(exchange: Exchange): Promise<void> {
    const { response, query, client } = exchange;
    const condition = query.text('condition') ?? 'not-running';
    if (!isWaitCondition(condition)) throw badParameter('condition', `invalid condition: ${JSON.stringify(condition)}`);
    const { ended } = containers.wait(id(exchange), condition, client);
    response.writeHead(200, { 'Content-Type': 'application/json' });
    response.flushHeaders();
    try {
      response.end(`${JSON.stringify(await ended)}\n`);
    } catch (error) {
      if (client.aborted) return;
      throw error;
    }
  }
}

/** Once a start could change the container, which clients must not believe any more; `{}` and `null` are let through. */
function refuseStartBody({ request }: Exchange): void {
  if (Number(request.headers['content-length'] ?? 0) <= 7) return;
  const message = 'starting container with non-empty request body was deprecated since API v1.22 and removed in v1.24';
  throw badParameter('body', message);
}

async function createRequest({ body, request, minor }: Exchange): Promise<ContainerCreateRequest> {
  const value: ContainerCreateRequest & Record<string, unknown> = await readJson(
    body,
    request.headers,
    createContainerShape,
  );
  if (Object.keys(value).length === 0)
    throw badParameter('body', 'config cannot be empty in order to create a container');
  const networks = Object.keys(value.NetworkingConfig?.EndpointsConfig ?? {});
  if (minor < 44 && networks.length > 1) {
    const problem = 'Container cannot be created with multiple network endpoints';
    throw badParameter('NetworkingConfig', `${problem}: ${networks.join(', ')}`);
  }
  return value;
}

/** There is no container to attempt anything on. */
const unfound = ['container/not-found', 'container/ambiguous'] as const;

function stopOptions({ query }: Exchange): { timeoutS?: number; signal?: string } {
  const timeoutS = query.integer('t');
  const signal = query.text('signal');
  return { ...(timeoutS === undefined ? {} : { timeoutS }), ...(signal === undefined ? {} : { signal }) };
}

export function terminalSize({ query }: Exchange): { rows: number; columns: number } {
  const rows = query.integer('h');
  const columns = query.integer('w');
  if (rows === undefined || columns === undefined) throw badParameter('h', 'both h and w are needed');
  return { rows, columns };
}

function isWaitCondition(text: string): text is WaitCondition {
  return text === 'not-running' || text === 'next-exit' || text === 'removed';
}
