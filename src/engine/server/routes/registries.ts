import type { RegistryAuth } from '../../../api/image.js';
import { parseRegistryAuth } from '../auth.js';
import { readJson } from '../body.js';
import { badParameter } from '../errors.js';
import { type Exchange, param, sendJson } from '../exchange.js';
import type { Query } from '../query.js';
import type { Rooms } from '../rooms.js';
import type { Route } from '../router.js';

const defaultLimit = 25;
const maxLimit = 100;

/** Questions to registries that change nothing here. */
export function registryRoutes({ images }: Rooms): readonly Route[] {
  return [
    [
      'POST',
      '/auth',
      async (exchange) => {
        const auth = (await readJson(exchange.body, exchange.request.headers)) as RegistryAuth;
        await images.checkLogin(auth, exchange.client);
        sendJson(exchange, 200, { IdentityToken: '', Status: 'Login Succeeded' });
      },
    ],
    [
      'GET',
      '/distribution/{name*}/json',
      async (exchange) => sendJson(exchange, 200, await images.distribution(param(exchange, 'name'), asker(exchange))),
    ],
    ['GET', '/images/search', search],
  ];

  async function search(exchange: Exchange): Promise<void> {
    const { query } = exchange;
    const isWanted = resultFilter(query);
    const limit = query.integer('limit') ?? defaultLimit;
    if (limit < 1 || limit > maxLimit) {
      throw badParameter('limit', `limit ${limit} is outside the range of [1, ${maxLimit}]`);
    }
    const found = await images.search(query.text('term') ?? '', { ...asker(exchange), limit });
    sendJson(exchange, 200, found.filter(isWanted));
  }
}

function asker({ request, client }: Exchange): { auth: RegistryAuth | undefined; signal: AbortSignal } {
  return { auth: parseRegistryAuth(request.headers['x-registry-auth']), signal: client };
}

type Wanted = (result: { is_official: boolean; is_automated: boolean; star_count: number }) => boolean;

function resultFilter(query: Query): Wanted {
  const filters = query.filters(['is-automated', 'is-official', 'stars']);
  const flag = (name: string): boolean | undefined => {
    const [value] = filters[name] ?? [];
    if (value === undefined) return undefined;
    if (!/^(?:true|false|1|0)$/i.test(value)) throw badParameter('filters', `invalid filter '${name}=[${value}]'`);
    return /^(?:true|1)$/i.test(value);
  };
  const official = flag('is-official');
  const automated = flag('is-automated');
  const stars = (filters['stars'] ?? []).map((value) => {
    if (!/^\d{1,9}$/.test(value)) throw badParameter('filters', `invalid filter 'stars=[${value}]'`);
    return Number(value);
  });
  return (result) =>
    (official === undefined || result.is_official === official) &&
    (automated === undefined || result.is_automated === automated) &&
    stars.every((least) => result.star_count >= least);
}
