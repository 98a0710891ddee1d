import { type Digest, isDigest } from '../base/digest.js';
import { badDocument, objectOf, parseObject } from './documents.js';
import { mediaTypes } from './media-types.js';

export interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
  readonly platform?: { readonly os?: string; readonly architecture?: string; readonly variant?: string };
  readonly annotations?: Readonly<Record<string, string>>;
  readonly artifactType?: string;
}

/** @throws `image/bad-document` */
export function parseDescriptor(document: string, value: unknown): Descriptor {
  const descriptor = objectOf(value);
  const digest = descriptor?.['digest'];
  const size = descriptor?.['size'];
  const mediaType = descriptor?.['mediaType'] ?? '';
  if (typeof digest !== 'string' || !isDigest(digest) || !isSize(size)) {
    throw badDocument(document, 'a descriptor without a sha256 digest and a size');
  }
  const platform = objectOf(descriptor?.['platform']);
  const annotations = objectOf(descriptor?.['annotations']);
  return {
    mediaType: typeof mediaType === 'string' ? mediaType : '',
    digest,
    size,
    ...(platform === undefined ? {} : { platform: textMembers(platform) }),
    ...(annotations === undefined ? {} : { annotations: textMembers(annotations) }),
    ...artifactTypeOf(descriptor),
  };
}

export type Manifest =
  | {
      readonly kind: 'image';
      readonly mediaType: string;
      readonly config: Descriptor;
      readonly layers: readonly Descriptor[];
      readonly artifactType?: string;
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
    throw badDocument('manifest', reason);
  }
  return {
    kind: 'image',
    mediaType: mediaType === '' ? mediaTypes.ociManifest : mediaType,
    config: parseDescriptor('manifest', document['config']),
    layers: layers.map((item) => parseDescriptor('manifest', item)),
    ...artifactTypeOf(document),
  };
}

function isSize(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

function artifactTypeOf(object: Record<string, unknown> | undefined): { readonly artifactType?: string } {
  const type = object?.['artifactType'];
  return typeof type === 'string' && type !== '' ? { artifactType: type } : {};
}

function textMembers(object: Record<string, unknown>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(object).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}
