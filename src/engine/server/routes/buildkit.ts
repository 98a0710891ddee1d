import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Socket } from 'node:net';
import type { BuildKit } from '../../buildkit/index.js';
import { badBody } from '../errors.js';
import type { Exchange } from '../exchange.js';
import { takeOver } from '../hijack.js';
import type { EngineFacts, Rooms } from '../rooms.js';
import type { Route } from '../router.js';

/** Opened by the first who builds this way, which in most engines nobody does. */
export interface LazyBuildKit {
  open(): Promise<BuildKit>;
  /** Removes folders of clients that are kept for their next build. @returns their bytes */
  prune(): Promise<number>;
}

export function lazyBuildKit(rooms: Rooms, facts: EngineFacts): LazyBuildKit {
  const { builder, images, layers, networks, log } = rooms;
  const dir = join(facts.dataRoot, 'build-cache', 'received');
  let opened: Promise<BuildKit> | undefined;
  const open = async (): Promise<BuildKit> => {
    const { openBuildKit } = await import('../../buildkit/index.js');
    const hostGateway = (): string | undefined =>
      networks.inspect(networks.resolve('bridge')).IPAM.Config?.[0]?.Gateway;
    return openBuildKit({ builder, images, layers, dir, version: facts.version, hostGateway, log });
  };
  const once = (): Promise<BuildKit> => (opened ??= open());
  return {
    open: once,
    prune: async () => (existsSync(dir) ? await (await once()).prune() : 0),
  };
}

/** Where clients that build with BuildKit take over the connection: they speak gRPC from then on. */
export function buildKitRoutes(buildKit: LazyBuildKit): readonly Route[] {
  return [
    [
      'POST',
      '/grpc',
      async (exchange) => {
        const socket = upgraded(exchange);
        await (await buildKit.open()).serveControl(socket, exchange.client);
      },
    ],
    [
      'POST',
      '/session',
      async (exchange) => {
        const { sessionFacts } = await import('../../buildkit/index.js');
        const session = sessionFacts(exchange.request.headers);
        if (session === undefined) throw badBody('a session needs an X-Docker-Expose-Session-Uuid');
        const socket = upgraded(exchange);
        await (await buildKit.open()).serveSession(session, socket, exchange.client);
      },
    ],
  ];
}

function upgraded(exchange: Exchange): Socket {
  const { request } = exchange;
  if (exchange.upgrade === undefined || request.headers.upgrade?.toLowerCase() !== 'h2c') {
    throw badBody('the connection must be upgraded to h2c');
  }
  return takeOver(exchange, exchange.upgrade, 'h2c');
}
