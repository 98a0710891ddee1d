import type { ImageInspect } from '../../api/image.js';
import { hasCode, isFailure } from '../../base/errors.js';
import { parseGitReference } from '../../base/git/reference.js';
import { GitRepository } from '../../base/git/repository.js';
import type { ImagePin } from '../../lock/index.js';
import {
  type Descriptor,
  fromSources,
  hostPlatform,
  openRegistries,
  objectOf,
  parseManifest,
  parseObject,
  parseReference,
  platformScore,
  platformText,
  type Reference,
  type RegistrySession,
  withDefaultTag,
} from '../../registry/index.js';
import { ociScheme } from '../../remote/index.js';
import type { CliContext } from '../context.js';
import { credentialsFor, registryOptions } from '../remotes.js';

/** Finds out what names stand for now; each is asked for once. */
export interface Pins {
  /** @throws `registry/…` when it is neither in its registry nor made on this machine */
  image(entry: string): Promise<ImagePin>;
  /** ONBUILD of an image; none where it cannot be found, which `image` tells. */
  triggers(reference: string): Promise<readonly string[]>;
  /** @param text - as the compose file has it. @throws `remote/…` */
  commit(text: string): Promise<string>;
  /** The commit or digest of a compose file that is elsewhere. @throws `remote/…`, `registry/…` */
  file(text: string): Promise<string>;
  close(): void;
}

export function openPins(context: CliContext): Pins {
  const registries = openRegistries(registryOptions(context));
  const { signal, settings } = context;
  const images = new Map<string, Promise<ImagePin>>();
  const triggers = new Map<string, Promise<readonly string[]>>();
  const commits = new Map<string, Promise<string>>();

  const inRegistry = async <T>(reference: Reference, ask: (session: RegistrySession) => Promise<T>): Promise<T> => {
    const auth = await credentialsFor(context, reference.domain);
    return await fromSources(registries, reference, { auth, signal }, ask);
  };

  const findTriggers = async (text: string): Promise<readonly string[]> => {
    try {
      const reference = withDefaultTag(parseReference(text));
      return await inRegistry(reference, triggersOf);
    } catch (error) {
      signal.throwIfAborted();
      if (!isFailure(error)) throw error;
      return (await imageHere(context, text))?.Config.OnBuild ?? [];
    }
  };

  const commitOf = async (text: string): Promise<string | undefined> => {
    const reference = parseGitReference(text);
    if (reference === undefined) return undefined;
    return reference.commit ?? (await new GitRepository(reference, settings, signal).resolve());
  };

  const find = async (entry: string): Promise<ImagePin> => {
    const reference = parseReference(entry);
    try {
      return await inRegistry(reference, pinOf);
    } catch (error) {
      signal.throwIfAborted();
      const local = isNowhere(error) ? await madeHere(context, entry, reference) : undefined;
      if (local === undefined) throw error;
      context.warn(`warning: ${entry} is not in a registry: compose.lock has its id, which only this machine can know`);
      return { local };
    }
  };

  return {
    image: (entry) => remembered(images, entry, () => find(entry)),
    triggers: (text) => remembered(triggers, text, () => findTriggers(text)),
    commit: (text) =>
      remembered(commits, text, async () => {
        const commit = await commitOf(text);
        if (commit === undefined) throw new Error('bug: a context that is no repository');
        return commit;
      }),
    file: async (text) => {
      const commit = await commitOf(text);
      if (commit !== undefined) return commit;
      const reference = withDefaultTag(parseReference(text.slice(ociScheme.length)));
      const { digest } = await inRegistry(reference, (session) => session.topManifest());
      return digest;
    },
    close: () => registries.http.close(),
  };
}

async function pinOf(session: RegistrySession): Promise<ImagePin> {
  const { bytes, digest, mediaType } = await session.topManifest();
  const manifest = parseManifest(bytes, mediaType);
  if (manifest.kind === 'index') {
    const platforms = manifest.manifests.flatMap(({ platform, digest: own }) => {
      const { os = 'unknown', architecture = 'unknown', variant } = platform ?? {};
      // Attestations are listed beside images, for no platform.
      return os === 'unknown' ? [] : [[platformText(withVariant(os, architecture, variant)), own] as const];
    });
    return { digest, platforms: Object.fromEntries(platforms) };
  }
  const config = objectOf(parseObject('image config', await session.document(manifest.config))) ?? {};
  const [os, architecture, variant] = ['os', 'architecture', 'variant'].map((name) => config[name]);
  if (typeof os !== 'string' || typeof architecture !== 'string') return { digest, platforms: {} };
  const platform = withVariant(os, architecture, typeof variant === 'string' ? variant : undefined);
  return { digest, platforms: { [platformText(platform)]: digest } };
}

/** ONBUILD of the image for this machine. */
async function triggersOf(session: RegistrySession): Promise<readonly string[]> {
  const { bytes, mediaType } = await session.topManifest();
  let manifest = parseManifest(bytes, mediaType);
  if (manifest.kind === 'index') {
    const score = ({ platform = {} }: Descriptor) => platformScore(platform, hostPlatform());
    const [best] = manifest.manifests.toSorted((a, b) => score(b) - score(a));
    if (best === undefined) return [];
    const own = await session.manifest(best.digest, best);
    manifest = parseManifest(own.bytes, own.mediaType);
  }
  if (manifest.kind === 'index') return [];
  const config = objectOf(objectOf(parseObject('image config', await session.document(manifest.config)))?.['config']);
  const own = config?.['OnBuild'];
  return Array.isArray(own) ? own.filter((one) => typeof one === 'string') : [];
}

function remembered<T>(known: Map<string, Promise<T>>, key: string, work: () => Promise<T>): Promise<T> {
  const running = known.get(key) ?? work();
  known.set(key, running);
  return running;
}

function withVariant(os: string, architecture: string, variant: string | undefined) {
  return { os, architecture, ...(variant === undefined || variant === '' ? {} : { variant }) };
}

/** The registry has no such image, or not for us, or is not there. */
function isNowhere(error: unknown): boolean {
  return (
    hasCode(error, 'registry/manifest-unknown') ||
    hasCode(error, 'registry/access-denied') ||
    hasCode(error, 'registry/unreachable')
  );
}

/** The id of an image that never came from its registry; undefined for all others. */
async function madeHere(
  context: CliContext,
  entry: string,
  { familiarRepository }: Reference,
): Promise<string | undefined> {
  const { Id, RepoDigests = [] } = (await imageHere(context, entry)) ?? {};
  return RepoDigests.some((text) => text.startsWith(`${familiarRepository}@`)) ? undefined : Id;
}

/** Undefined: the engine has none, or there is no engine. */
export async function imageHere(context: CliContext, reference: string): Promise<ImageInspect | undefined> {
  try {
    const client = await context.engine();
    return await client.images.inspect(reference, context.signal);
  } catch (error) {
    context.signal.throwIfAborted();
    if (isFailure(error)) return undefined; // no such image, or no engine: what the registry said counts
    throw error;
  }
}
