import { type Digest, isDigest } from '../../base/digest.js';
import { objectOf, parseObject } from './config.js';
import { mediaTypes } from './media-types.js';
import { TscomposeError } from '../../base/errors.js';

/** One image in an archive, by the paths of its parts. */
export interface ArchivedImage {
  readonly configPath: string;
  /** Base first. */
  readonly layerPaths: readonly string[];
  /** As written, `busybox:latest`. */
  readonly tags: readonly string[];
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
    value = JSON.parse(bytes.toString());
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

export interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
  readonly platform?: { readonly os?: string; readonly architecture?: string; readonly variant?: string };
  readonly annotations?: Readonly<Record<string, string>>;
}

/** @throws `image/bad-document` */
export function parseDescriptor(document: string, value: unknown): Descriptor {
  const descriptor = objectOf(value);
  const digest = descriptor?.['digest'];
  const size = descriptor?.['size'];
  const mediaType = descriptor?.['mediaType'] ?? '';
  if (typeof digest !== 'string' || !isDigest(digest) || typeof size !== 'number' || !(size >= 0)) {
    throw new TscomposeError({
      code: 'image/bad-document',
      message: `invalid ${document}: a descriptor without a sha256 digest and a size`,
      facts: { document, reason: 'a descriptor without a sha256 digest and a size' },
    });
  }
  const platform = objectOf(descriptor?.['platform']);
  const annotations = objectOf(descriptor?.['annotations']);
  return {
    mediaType: typeof mediaType === 'string' ? mediaType : '',
    digest,
    size,
    ...(platform === undefined ? {} : { platform: textMembers(platform) }),
    ...(annotations === undefined ? {} : { annotations: textMembers(annotations) }),
  };
}

export type Manifest =
  | {
      readonly kind: 'image';
      readonly mediaType: string;
      readonly config: Descriptor;
      readonly layers: readonly Descriptor[];
    }
  | { readonly kind: 'index'; readonly mediaType: string; readonly manifests: readonly Descriptor[] };

const maxParts = 10_000;

/** A manifest or index, OCI or Docker schema 2. @throws `image/bad-document` */
export function parseManifest(bytes: Buffer, statedType = ''): Manifest {
  const document = parseObject('manifest', bytes);
  const ownType = document['mediaType'];
  const mediaType = typeof ownType === 'string' && ownType !== '' ? ownType : statedType;
  const manifests = document['manifests'];
  const layers = document['layers'];
  if (Array.isArray(manifests) && layers === undefined && manifests.length <= maxParts) {
    return {
      kind: 'index',
      mediaType: mediaType === '' ? mediaTypes.ociIndex : mediaType,
      manifests: manifests.map((item) => parseDescriptor('index', item)),
    };
  }
  if (!Array.isArray(layers) || layers.length > maxParts || manifests !== undefined) {
    const reason =
      document['schemaVersion'] === 1 ? 'schema 1 is no longer supported' : 'neither an image nor an index';
    throw new TscomposeError({
      code: 'image/bad-document',
      message: `invalid manifest: ${reason}`,
      facts: { document: 'manifest', reason },
    });
  }
  return {
    kind: 'image',
    mediaType: mediaType === '' ? mediaTypes.ociManifest : mediaType,
    config: parseDescriptor('manifest', document['config']),
    layers: layers.map((item) => parseDescriptor('manifest', item)),
  };
}

function textMembers(object: Record<string, unknown>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(object).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}

function isTextList(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}
