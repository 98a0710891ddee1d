import { hasCode, messageOf, TscomposeError } from '../../../base/errors.js';
import type { RegistryAuth } from '../../../api/image.js';
import type { PinnedBases } from '../../../api/tscompose.js';
import type { SourceLocation } from '../../../base/source-location.js';
import { parseReference, type Platform, platformText, withDefaultTag } from '../../../registry/index.js';
import type { Image, ImageStore } from '../../images/index.js';
import type { BuildIo } from '../request.js';
import { satisfies } from './platform.js';
import '../errors.js';

export interface BaseImages {
  /**
   * The image for a FROM or a `--from`, pulled where it is missing, of another platform or to be asked for anew. It is
   * kept from removal until the build ends.
   * @throws `build/base-image-missing`, `trust/refused` and what a pull throws, with the place in the Dockerfile
   */
  get(reference: string, platform: Platform | undefined, at: SourceLocation, signal: AbortSignal): Promise<Image>;
}

export function baseImages(options: {
  readonly images: ImageStore;
  readonly pull: 'always' | 'missing';
  readonly pinned: PinnedBases | undefined;
  readonly onProgress: BuildIo['onProgress'];
  readonly registryAuth: BuildIo['registryAuth'];
  /** Undone when the build ends. */
  readonly defer: (undo: () => unknown) => void;
}): BaseImages {
  const { images, pull, pinned, onProgress, registryAuth, defer } = options;
  const asked = new Map<string, Promise<Image>>();

  const find = async (
    name: string,
    platform: Platform | undefined,
    at: SourceLocation,
    signal: AbortSignal,
  ): Promise<Image> => {
    const reference = pinOf(name, pinned, images, at);
    if (reference === undefined) {
      onProgress({ stream: `[Warning] compose.lock has no digest of the base image ${name}: it is used as it is\n` });
    }
    return await findAs(name, reference ?? name, platform, at, signal);
  };

  const findAs = async (
    name: string,
    reference: string,
    platform: Platform | undefined,
    at: SourceLocation,
    signal: AbortSignal,
  ): Promise<Image> => {
    const local = images.find(reference, platform);
    if (local === undefined && reference !== name && reference.startsWith('sha256:'))
      throw onlyElsewhere(name, reference, at);
    const fits = local !== undefined && (platform === undefined || satisfies(local.config, platform));
    if (local !== undefined && (pull === 'missing' || isId(reference, local)) && fits) {
      await images.admit(local, reference, signal).catch((error: unknown) => {
        throw refusedAt(error, at) ?? error;
      });
      return local;
    }
    try {
      const { domain } = parseReference(reference);
      const auth: RegistryAuth | undefined = await registryAuth?.(domain);
      return await images.pull(reference, { platform, auth, onProgress, signal });
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof TscomposeError)) throw error;
      const refusal = refusedAt(error, at);
      if (refusal !== undefined) throw refusal;
      if (hasCode(error, 'image/invalid-reference')) {
        throw new TscomposeError({
          code: 'build/base-image-missing',
          message: `failed to parse reference "${reference}": ${messageOf(error)}`,
          facts: { reference },
          at,
        });
      }
      const wanted = platform === undefined ? '' : ` for ${platformText(platform)}`;
      const otherPlatform = local === undefined ? '' : ` (the one here is for ${platformText({ ...local.config })})`;
      throw new TscomposeError({
        code: 'build/base-image-missing',
        message: `cannot find the base image ${reference}${wanted}${otherPlatform}`,
        facts: { reference },
        hint: error.hint ?? 'import or load it, or check the name and the way to its registry',
        at,
        cause: error,
      });
    }
  };

  return {
    get: (reference, platform, at, signal) => {
      const key = JSON.stringify([reference, platform ?? null]);
      const known = asked.get(key);
      if (known !== undefined) return known;
      onProgress({ tscompose: { kind: 'resolving', reference } });
      const found = find(reference, platform, at, signal).then(
        (image) => {
          defer(images.retain(image.id));
          onProgress({ tscompose: { kind: 'resolved', reference } });
          return image;
        },
        (error: unknown) => {
          onProgress({ tscompose: { kind: 'resolved', reference, message: messageOf(error) } });
          throw error;
        },
      );
      asked.set(key, found);
      return found;
    },
  };
}

/** A refusal by the trust policy, with the place that names the image. */
function refusedAt(error: unknown, at: SourceLocation): TscomposeError | undefined {
  if (!hasCode(error, 'trust/refused') && !hasCode(error, 'trust/bad-policy') && !hasCode(error, 'trust/bad-key')) {
    return undefined;
  }
  const { code, message, facts, hint } = error;
  return new TscomposeError({ code, message, facts, hint, at });
}

/**
 * What a lock file has for an image, and the image as it is where there is none or it needs none.
 * @returns undefined where it has nothing
 * @throws `build/base-not-locked` where it has nothing, and has to
 */
function pinOf(
  name: string,
  pinned: PinnedBases | undefined,
  images: ImageStore,
  at: SourceLocation,
): string | undefined {
  if (pinned === undefined || /@|^sha256:/.test(name)) return name;
  const pin = pinned.pins[familiarOf(name)] ?? pinned.pins[name];
  if (pin !== undefined) return pin;
  const local = images.find(name);
  if (local !== undefined && isId(name, local)) return name;
  if (!pinned.only) return undefined;
  throw new TscomposeError({
    code: 'build/base-not-locked',
    message: `compose.lock has no digest of the base image ${name}`,
    facts: { reference: name },
    hint: 'tscompose lock writes it; --no-frozen builds without',
    at,
  });
}

function onlyElsewhere(name: string, id: string, at: SourceLocation): TscomposeError<'build/base-image-missing'> {
  return new TscomposeError({
    code: 'build/base-image-missing',
    message: `cannot find the base image ${name}: compose.lock has the id it had on one machine, ${id}`,
    facts: { reference: name },
    hint: 'load it from there, or push it to a registry and run tscompose lock',
    at,
  });
}

/** With its tag; as it is where it is no reference, which whoever looks for it says. */
function familiarOf(name: string): string {
  try {
    return withDefaultTag(parseReference(name)).familiar;
  } catch {
    return name;
  }
}

/** Named by (a part of) its id: no registry knows that. */
function isId(reference: string, image: Image): boolean {
  if (reference.endsWith(`@${image.id}`)) return true; // a pin of what no registry has
  return (
    image.id.replace('sha256:', '').startsWith(reference.replace('sha256:', '')) &&
    image.tags.every((tag) => tag.split(':')[0] !== reference)
  );
}
