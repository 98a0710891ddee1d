import type { RegistryAuth } from '../api/image.js';
import { TscomposeError } from '../base/errors.js';
import { Authorizer } from './auth.js';
import { reasonOf, unreachable } from './failures.js';
import { readBody } from './http.js';
import type { Registries } from './registries.js';

const maxAnswerBytes = 64 << 10;

/**
 * Asks a registry whether it takes these credentials (distribution-spec, "API version check").
 * @throws `registry/unauthorized` when it does not, `registry/unreachable`
 */
export async function checkLogin(registries: Registries, auth: RegistryAuth, signal: AbortSignal): Promise<void> {
  const { registry, baseUrls } = registries.ownEndpoint(domainOf(auth.serveraddress ?? ''));
  let failed: unknown;
  for (const base of baseUrls) {
    const url = new URL('/v2/', base);
    try {
      const status = await statusWith(registries, auth, url, signal);
      if (status === 200) return;
      throw new TscomposeError({
        code: 'registry/unauthorized',
        message: `login attempt to ${url.href} failed with status: ${status === 401 ? '401 Unauthorized' : status}`,
        facts: { registry },
      });
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof TscomposeError) throw error;
      failed = error;
    }
  }
  const last = new URL('/v2/', baseUrls.at(-1));
  throw unreachable(registry, last.href, reasonOf(failed), failed);
}

async function statusWith({ http }: Registries, auth: RegistryAuth, url: URL, signal: AbortSignal): Promise<number> {
  const first = await http.send({ url, signal });
  await readBody(first, maxAnswerBytes);
  const challenge = first.headers['www-authenticate'];
  if (first.status !== 401 || challenge === undefined) return first.status;
  const authorizer = new Authorizer(http, auth, []);
  await authorizer.answer(challenge, url, signal);
  const authorization = authorizer.header();
  if (authorization === undefined) return first.status;
  const second = await http.send({ url, headers: { authorization }, signal });
  await readBody(second, maxAnswerBytes);
  return second.status;
}

/** `https://index.docker.io/v1/` and nothing are Docker Hub; of other addresses the host counts. */
function domainOf(serverAddress: string): string {
  const [host = ''] = serverAddress.replace(/^https?:\/\//, '').split('/');
  return ['', 'index.docker.io', 'registry-1.docker.io'].includes(host) ? 'docker.io' : host;
}
