import { hasCode, messageOf, TscomposeError } from '../../../base/errors.js';
import type { RegistryAuth } from '../../../api/image.js';
import type { SourceLocation } from '../../../base/source-location.js';
import { parseReference, type Platform } from '../../../registry/index.js';
import type { Image, ImageStore } from '../../images/index.js';
import type { BuildIo } from '../request.js';
import { renderPlatform, satisfies } from './platform.js';
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
  readonly onProgress: BuildIo['onProgress'];
  readonly registryAuth: BuildIo['registryAuth'];
  /** Undone when the build ends. */
  readonly defer: (undo: () => unknown) => void;
}): BaseImages {
  const { images, pull, onProgress, registryAuth, defer } = options;
  const asked = new Map<string, Promise<Image>>();

  const find = async (
    reference: string,
    platform: Platform | undefined,
    at: SourceLocation,
    signal: AbortSignal,
  ): Promise<Image> => {
    const local = images.find(reference);
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
      const wanted = platform === undefined ? '' : ` for ${renderPlatform(platform)}`;
      const otherPlatform = local === undefined ? '' : ` (the one here is for ${renderPlatform({ ...local.config })})`;
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

/** Named by (a part of) its id: no registry knows that. */
function isId(reference: string, image: Image): boolean {
  return (
    image.id.replace('sha256:', '').startsWith(reference.replace('sha256:', '')) &&
    image.tags.every((tag) => tag.split(':')[0] !== reference)
  );
}
