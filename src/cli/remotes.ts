import { readDockerConfig } from '../base/docker-config.js';
import { hasCode } from '../base/errors.js';
import type { RegistryAuth } from '../api/image.js';
import type { RemoteProjects } from '../compose/index.js';
import type { CredentialOptions, RegistryOptions } from '../registry/index.js';
import { fetchRemote, isRemoteReference } from '../remote/index.js';
import type { CliContext } from './context.js';

/**
 * Compose files from git repositories and registries, with the user's git settings and docker logins.
 * @param use - `newest`: as if there were no compose.lock
 */
export function remoteProjects(context: CliContext, use: 'locked' | 'newest' = 'locked'): RemoteProjects {
  const { settings, signal } = context;
  return {
    accepts: isRemoteReference,
    fetch: async (reference) =>
      await fetchRemote(use === 'locked' ? await lockedReference(context, reference) : reference, {
        registries: registryOptions(context),
        credentials: (domain) => credentialsFor(context, domain),
        environment: settings,
        signal,
      }),
  };
}

/** How registries are spoken to by the CLI itself. */
export function registryOptions({ globals, terminal }: CliContext): RegistryOptions {
  const { environment } = terminal;
  const dockerDir = environment['TSCOMPOSE_REGISTRY_SETTINGS'] || undefined;
  return { environment, insecure: globals.insecureRegistry, ...(dockerDir === undefined ? {} : { dockerDir }) };
}

/** The reference at the commit or digest that compose.lock has for it. */
async function lockedReference(context: CliContext, reference: string): Promise<string> {
  const [{ lockPlaceBefore, readLock }, { pinnedRemote }] = await Promise.all([
    import('./lock/place.js'),
    import('../lock/index.js'),
  ]);
  return pinnedRemote(reference, (await readLock(lockPlaceBefore(context)))?.remotes ?? {});
}

/** Warnings of a command that were given; several images may have the same registry. */
const told = new WeakMap<CliContext, Set<string>>();

/** What the user is logged in with at the registry of an image; undefined also for a name that is none. */
export async function credentialsForImage(context: CliContext, image: string): Promise<RegistryAuth | undefined> {
  const { parseReference } = await import('../registry/index.js');
  let domain: string;
  try {
    ({ domain } = parseReference(image));
  } catch (error) {
    if (hasCode(error, 'image/invalid-reference')) return undefined; // the engine says what is wrong with it
    throw error;
  }
  return await credentialsFor(context, domain);
}

/**
 * What a build may need: it names base images that only its engine reads. So of the registries of the images that are
 * known and of all those that docker's configuration, or the helper it keeps logins with, knows.
 * @returns by registry
 */
export async function credentialsForBuild(
  context: CliContext,
  images: readonly string[],
): Promise<Readonly<Record<string, RegistryAuth>>> {
  const { knownRegistries, parseReference } = await import('../registry/index.js');
  const domains = new Set(await knownRegistries(credentialOptions(context), context.signal));
  for (const image of images) {
    try {
      domains.add(parseReference(image).domain);
    } catch (error) {
      if (!hasCode(error, 'image/invalid-reference')) throw error; // the engine says what is wrong with it
    }
  }
  const found: Record<string, RegistryAuth> = {};
  for (const domain of domains) {
    const auth = await credentialsFor(context, domain);
    if (auth !== undefined) found[domain] = auth;
  }
  return found;
}

/** What the user is logged in with at a registry; undefined for nobody. */
export async function credentialsFor(context: CliContext, domain: string): Promise<RegistryAuth | undefined> {
  const { dockerCredentials } = await import('../registry/index.js');
  return await dockerCredentials(domain, credentialOptions(context), context.signal);
}

function credentialOptions(context: CliContext): CredentialOptions {
  const { environment } = context.terminal;
  const config = readDockerConfig(environment);
  const onWarning = (message: string): void => {
    const known = told.get(context) ?? new Set<string>();
    if (!known.has(message)) context.warn(`warning: ${message}`);
    told.set(context, known.add(message));
  };
  if (config.problem !== undefined) onWarning(`cannot read ${config.file}: ${config.problem}`);
  return { config, environment, onWarning };
}
