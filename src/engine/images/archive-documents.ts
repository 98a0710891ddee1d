import { TscomposeError } from '../../base/errors.js';
import type { Digest } from '../../base/digest.js';
import { objectOf, parseJson } from '../../registry/index.js';
import type { Statement } from './types.js';

/** One image in an archive, by the paths of its parts. */
export interface ArchivedImage {
  readonly configPath: string;
  /** Base first. */
  readonly layerPaths: readonly string[];
  /** As written, `busybox:latest`. */
  readonly tags: readonly string[];
  /** Of its manifest, where the archive has one. */
  readonly digest?: Digest;
  readonly attestations?: readonly Statement[];
}

export function badImageArchive(reason: string, cause?: unknown): TscomposeError<'image/bad-archive'> {
  return new TscomposeError({
    code: 'image/bad-archive',
    message: `cannot load the archive: ${reason}`,
    facts: { reason },
    cause,
  });
}

/** `manifest.json` of a docker-archive. @throws `image/bad-archive` */
export function parseDockerManifest(bytes: Buffer): ArchivedImage[] {
  let value: unknown;
  try {
    value = parseJson('manifest.json', bytes);
  } catch (cause) {
    throw badImageArchive('manifest.json is not JSON', cause);
  }
  if (!Array.isArray(value)) throw badImageArchive('manifest.json is not a list');
  return value.map((item: unknown) => {
    const image = objectOf(item);
    const config = image?.['Config'];
    const layers = image?.['Layers'] ?? [];
    const tags = image?.['RepoTags'] ?? [];
    if (typeof config !== 'string' || !isTextList(layers) || !isTextList(tags)) {
      throw badImageArchive('manifest.json has an image without Config and Layers');
    }
    return { configPath: config, layerPaths: layers, tags };
  });
}

function isTextList(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}
