import { setMaxListeners } from 'node:events';
import { createServer, ServerResponse, type IncomingMessage, type Server } from 'node:http';
import type { Socket } from 'node:net';
import { Readable } from 'node:stream';
import { TscomposeError } from '../../base/errors.js';
import { readUpgradeBody } from './body.js';
import type { Exchange } from './exchange.js';
import { failureBody, statusOf } from './failure.js';
import { parseQuery } from './query.js';
import type { EngineFacts, Rooms } from './rooms.js';
import { createRouter, type Route, type Router } from './router.js';
import { buildRoutes } from './routes/build.js';
import { buildKitRoutes, lazyBuildKit } from './routes/buildkit.js';
import { commitRoutes } from './routes/commit.js';
import { containerFileRoutes } from './routes/container-files.js';
import { containerStreamRoutes } from './routes/container-streams.js';
import { containerRoutes } from './routes/containers.js';
import { eventRoutes } from './routes/events.js';
import { execRoutes } from './routes/exec.js';
import { imageRoutes } from './routes/images.js';
import { networkRoutes } from './routes/networks.js';
import { pluginRoutes } from './routes/plugins.js';
import { projectRoutes } from './routes/projects.js';
import { registryRoutes } from './routes/registries.js';
import { swarmRoutes } from './routes/swarm.js';
import { systemRoutes } from './routes/system.js';
import { volumeRoutes } from './routes/volumes.js';
import { newestApi, splitVersion } from './version.js';

export interface EngineServer {
  /** Not listening yet. */
  readonly http: Server;
  /** Requests being answered, streams that clients follow included. */
  inFlight(): number;
  /** Ends what clients only follow, gives changes under way `graceMs` to finish, then ends those too. */
  close(graceMs: number): Promise<void>;
}

export interface ServerOptions {
  readonly rooms: Rooms;
  readonly facts: EngineFacts;
  /** Called when the last request in flight has ended. */
  readonly onQuiet: () => void;
}

/** How long a client that has been refused may go on sending. */
const unwantedMs = 2_000;

/** The Engine API over the rooms. */
export function createEngineServer({ rooms, facts, onQuiet }: ServerOptions): EngineServer {
  return serveRoutes(engineRoutes(rooms, facts), { version: facts.version, log: rooms.log, onQuiet });
}

function engineRoutes(rooms: Rooms, facts: EngineFacts): readonly Route[] {
  const buildKit = lazyBuildKit(rooms, facts);
  return [
    ...systemRoutes(rooms, facts),
    ...containerRoutes(rooms),
    ...containerStreamRoutes(rooms),
    ...containerFileRoutes(rooms),
    ...execRoutes(rooms),
    ...registryRoutes(rooms), // before images: `search` is no image
    ...imageRoutes(rooms),
    ...buildRoutes(rooms, buildKit),
    ...buildKitRoutes(buildKit),
    ...commitRoutes(rooms),
    ...networkRoutes(rooms),
    ...volumeRoutes(rooms),
    ...eventRoutes(rooms),
    ...projectRoutes(rooms),
    ...pluginRoutes(),
    ...swarmRoutes(),
  ];
}

interface ServeOptions {
  readonly version: string;
  readonly log: Rooms['log'];
  readonly onQuiet: () => void;
}

/** An HTTP server with the Engine API's headers, versions, errors and upgrades round any routes. */
export function serveRoutes(routes: readonly Route[], { version, log, onQuiet }: ServeOptions): EngineServer {
  const router = createRouter(routes);
  const clients = new Set<AbortController>();
  const running = new Set<Promise<void>>();
  const engine = new AbortController();
  setMaxListeners(0, engine.signal); // one for all changes under way
  const commonHeaders: readonly (readonly [string, string])[] = [
    ['Api-Version', newestApi],
    ['Docker-Experimental', 'false'],
    ['Ostype', 'linux'],
    ['Server', `tscompose/${version} (linux)`],
  ];

  const serve = (request: IncomingMessage, response: ServerResponse, upgrade?: { socket: Socket; head: Buffer }) => {
    const startedMs = performance.now();
    const client = new AbortController();
    clients.add(client);
    const leave = () => client.abort(new Error('the client went away'));
    (upgrade?.socket ?? response).once('close', leave);
    for (const [name, value] of commonHeaders) response.setHeader(name, value);
    const run = answer(router, { request, response, client: client.signal, engine: engine.signal }, upgrade)
      .catch((error: unknown) => fail(error, request, response, upgrade?.socket))
      .finally(() => {
        clients.delete(client);
        running.delete(run);
        const elapsedMs = Math.round(performance.now() - startedMs);
        log.debug('request answered', {
          method: request.method,
          path: pathOf(request),
          status: response.statusCode,
          elapsedMs,
        });
        if (running.size === 0) onQuiet();
      });
    running.add(run);
  };

  const fail = (error: unknown, request: IncomingMessage, response: ServerResponse, socket: Socket | undefined) => {
    const connection = response.socket ?? undefined; // a request whose body was given up has none any more
    const status = statusOf(error);
    const what = { method: request.method, path: pathOf(request), status };
    if (!(error instanceof TscomposeError)) log.error('request failed', { ...what, error });
    else if (status >= 500) log.warn('request failed', { ...what, ...failureBody(error) });
    if (response.headersSent || response.socket === null) {
      // Too late to say so properly: a broken connection is the sign.
      (socket ?? response).destroy();
      return;
    }
    const text = Buffer.from(`${JSON.stringify(failureBody(error))}\n`);
    response.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': text.byteLength });
    response.end(request.method === 'HEAD' ? undefined : text);
    request.resume(); // the rest of a body nobody wants; without this the connection could not be used again
    if (request.complete || connection === undefined) return;
    const cutOff = () => {
      if (!request.complete) connection.destroy();
    };
    setTimeout(cutOff, unwantedMs).unref(); // nor does anybody listen for ever
  };

  const http = createServer({ requestTimeout: 0, keepAliveTimeout: 0, maxHeaderSize: 256 << 10 });
  const answers = new WeakMap<Socket, ServerResponse>();
  http.on('request', (request, response) => {
    answers.set(request.socket, response);
    serve(request, response);
  });
  http.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    socket.on('error', () => undefined); // `close` follows, that is enough
    const response = new ServerResponse(request);
    response.shouldKeepAlive = false;
    response.assignSocket(socket);
    response.once('finish', () => socket.end());
    serve(request, response, { socket, head });
  });
  http.on('clientError', (_error, socket: Socket) => {
    const response = answers.get(socket);
    const isWithin = response?.headersSent === true && !response.writableEnded;
    if (isWithin || !socket.writable) socket.destroy();
    else socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n', () => socket.destroy());
  });

  return {
    http,
    inFlight: () => running.size,
    close: async (graceMs) => {
      const closed = new Promise<void>((resolve) => http.close(() => resolve()));
      for (const client of clients) client.abort(new Error('the engine ends'));
      const finished = Promise.allSettled(running);
      const grace = setTimeout(() => engine.abort(new Error('the engine ends')), graceMs);
      await finished;
      clearTimeout(grace);
      http.closeAllConnections();
      await closed;
    },
  };
}

/** For the log: what follows may be a secret, `buildargs` or the address of a repository. */
function pathOf({ url = '/' }: IncomingMessage): string {
  return url.split('?', 1)[0] ?? '/';
}

async function answer(
  router: Router,
  base: Pick<Exchange, 'request' | 'response' | 'client' | 'engine'>,
  upgrade: { socket: Socket; head: Buffer } | undefined,
): Promise<void> {
  const { request, response } = base;
  const url = (request.url ?? '/').replace(/^https?:\/\/[^/?]*/i, ''); // "absolute-form", by way of a proxy: RFC 9112, 3.2.2
  const mark = url.indexOf('?');
  const { minor, path } = splitVersion(mark < 0 ? url : url.slice(0, mark));
  if (request.method === 'OPTIONS') {
    response.writeHead(200, { 'Content-Length': 0 });
    response.end();
    return;
  }
  if (path.includes('//')) {
    response.writeHead(301, { Location: url.replace(path, path.replace(/\/{2,}/g, '/')), 'Content-Length': 0 });
    response.end();
    return;
  }
  const { handler, params } = router.find(request.method ?? 'GET', path);
  const body =
    upgrade === undefined
      ? request
      : Readable.from([await readUpgradeBody(upgrade.socket, upgrade.head, request.headers)]);
  const query = parseQuery(mark < 0 ? '' : url.slice(mark + 1));
  await handler({ ...base, params, query, body, minor, upgrade: upgrade?.socket });
}
