import type { RegistryAuth, SearchResult } from '../api/image.js';
import { TscomposeError } from '../base/errors.js';
import { objectOf, parseObject } from './documents.js';
import { reasonOf, unreachable } from './failures.js';
import { readBody } from './http.js';
import type { Registries } from './registries.js';

const maxAnswerBytes = 4 << 20;
const dockerHubIndex = 'index.docker.io';

/**
 * Searches the index of a registry: Docker Hub's, or that of the host before the first `/`. Only the first version of
 * the registry API can search, and few registries besides Docker Hub do.
 * @throws `registry/failed`, `registry/unreachable`
 */
export async function searchIndex(
  registries: Registries,
  term: string,
  { limit, auth, signal }: { limit: number; auth: RegistryAuth | undefined; signal: AbortSignal },
): Promise<readonly SearchResult[]> {
  const { host, words } = splitTerm(term);
  const { registry, baseUrls } =
    host === undefined
      ? { registry: dockerHubIndex, baseUrls: [new URL(`https://${dockerHubIndex}`)] }
      : registries.ownEndpoint(host);
  const headers: Record<string, string> = { 'x-docker-token': 'true' };
  if (auth?.username !== undefined) {
    const pair = `${auth.username}:${auth.password ?? ''}`;
    headers['authorization'] = `Basic ${Buffer.from(pair).toString('base64')}`;
  }
  let failed: unknown;
  for (const base of baseUrls) {
    const url = new URL('/v1/search', base);
    url.searchParams.set('q', words);
    url.searchParams.set('n', String(limit));
    try {
      const answer = await registries.http.send({ url, headers, signal });
      const body = await readBody(answer, maxAnswerBytes);
      if (answer.status !== 200) {
        throw new TscomposeError({
          code: 'registry/failed',
          message: `unexpected status code ${answer.status} searching ${registry}`,
          facts: { registry, status: answer.status, body: body.toString().slice(0, 2_000) },
        });
      }
      const results = parseObject('search', body)['results'];
      return Array.isArray(results) ? results.flatMap((result) => parseResult(result)) : [];
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof TscomposeError) throw error;
      failed = error;
    }
  }
  throw unreachable(registry, new URL('/v1/search', baseUrls.at(-1)).href, reasonOf(failed), failed);
}

function splitTerm(term: string): { host: string | undefined; words: string } {
  const slash = term.indexOf('/');
  const first = slash < 0 ? '' : term.slice(0, slash);
  const isHost = /[.:]/.test(first) || first === 'localhost';
  if (!isHost) return { host: undefined, words: term };
  const isHub = first === 'docker.io' || first === dockerHubIndex;
  return { host: isHub ? undefined : first, words: term.slice(slash + 1) };
}

function parseResult(value: unknown): SearchResult[] {
  const result = objectOf(value);
  if (result === undefined || typeof result['name'] !== 'string') return [];
  const { name, description, star_count: stars, is_official: official, is_automated: automated } = result;
  return [
    {
      name,
      description: typeof description === 'string' ? description : '',
      star_count: typeof stars === 'number' ? stars : 0,
      is_official: official === true,
      is_automated: automated === true,
    },
  ];
}
