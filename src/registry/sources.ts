import type { RegistryAuth } from '../api/image.js';
import { isFailure } from '../base/errors.js';
import type { Reference } from './reference.js';
import type { Registries } from './registries.js';
import { RegistrySession } from './session.js';

/**
 * Asks the mirrors of an image's registry, then the registry itself, whose answer counts: where a mirror has not all of
 * an image, or not what it promised, the next one is asked for the whole.
 */
export async function fromSources<T>(
  registries: Registries,
  reference: Reference,
  { auth, signal }: { readonly auth?: RegistryAuth | undefined; readonly signal: AbortSignal },
  ask: (session: RegistrySession) => Promise<T>,
): Promise<T> {
  const { domain } = reference;
  for (const endpoint of registries.mirrorsOf(domain)) {
    // The user's password is for the registry named, not for a mirror of it.
    const session = new RegistrySession({ registries, endpoint, reference, auth: undefined, access: 'pull', signal });
    try {
      return await ask(session);
    } catch (error) {
      signal.throwIfAborted();
      if (!isFailure(error) || !/^(?:registry|content)\//.test(error.code)) throw error;
    }
  }
  const endpoint = registries.ownEndpoint(domain);
  return await ask(new RegistrySession({ registries, endpoint, reference, auth, access: 'pull', signal }));
}
