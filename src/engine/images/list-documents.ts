import { type Digest, digestOf, hexOf } from '../../base/digest.js';
import { mediaTypes } from '../../registry/index.js';
import type { ContentStore } from '../content/index.js';
import type { Layer, LayerStore } from '../snapshots/index.js';
import { stableJson } from './json.js';
import type { Image, Statement } from './types.js';

/** An image of an index by its manifest. */
export interface MemberManifest {
  readonly image: Image;
  readonly manifest: Buffer;
  readonly statements: readonly Statement[];
}

/** An OCI index, and what only it leads to; the images' own manifests are not among it. */
export interface IndexDocuments {
  readonly index: Buffer;
  readonly attestations: readonly { readonly manifest: Buffer; readonly blobs: readonly Buffer[] }[];
}

export const attestationAnnotations = {
  type: 'vnd.docker.reference.type',
  digest: 'vnd.docker.reference.digest',
  predicate: 'in-toto.io/predicate-type',
} as const;
const statementType = 'https://in-toto.io/Statement/v0.1';
const unknownPlatform = { architecture: 'unknown', os: 'unknown' };

/** The manifest of an image with its layers uncompressed, as archives have it: the same image gives the same bytes. */
export async function plainManifest(image: Image, content: ContentStore, layers: LayerStore): Promise<Buffer> {
  const { sizeBytes } = await content.stat(image.id);
  return Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: mediaTypes.ociManifest,
      config: { mediaType: mediaTypes.ociConfig, digest: image.id, size: sizeBytes },
      layers: layersOf(image, layers).map(layerDescriptor),
    }),
  );
}

/** Base first. */
export function layersOf({ chainId }: Image, layers: LayerStore): readonly Layer[] {
  return chainId === undefined ? [] : [...layers.chain(chainId)].reverse();
}

export function layerDescriptor({ diffId, tarBytes }: Layer): { mediaType: string; digest: Digest; size: number } {
  return { mediaType: mediaTypes.ociLayer, digest: diffId, size: tarBytes };
}

/**
 * The index over some images, with a manifest for what is said about each (BuildKit, docs/attestations).
 * @param subject - what the statements call the image, `_` where it has no name
 */
export function indexDocuments(members: readonly MemberManifest[], subject = '_'): IndexDocuments {
  const images = members.map(({ image, manifest }) => ({
    ...manifestDescriptor(manifest),
    platform: platformOf(image),
  }));
  const attested = members.filter(({ statements }) => statements.length > 0);
  const attestations = attested.map((member) => attestationOf(member, subject));
  const index = {
    schemaVersion: 2,
    mediaType: mediaTypes.ociIndex,
    manifests: [
      ...images,
      ...attestations.map(({ manifest }, at) => ({
        ...manifestDescriptor(manifest),
        annotations: {
          [attestationAnnotations.digest]: digestOf(attested[at]?.manifest ?? ''),
          [attestationAnnotations.type]: 'attestation-manifest',
        },
        platform: unknownPlatform,
      })),
    ],
  };
  return { index: Buffer.from(JSON.stringify(index)), attestations };
}

function attestationOf(
  { manifest, statements }: MemberManifest,
  subject: string,
): { readonly manifest: Buffer; readonly blobs: readonly Buffer[] } {
  const layers = statements.map(({ predicateType, predicate }) => {
    const about = [{ name: subject, digest: { sha256: hexOf(digestOf(manifest)) } }];
    return Buffer.from(stableJson({ _type: statementType, predicateType, subject: about, predicate }));
  });
  const rootfs = { type: 'layers', diff_ids: layers.map(digestOf) };
  const config = Buffer.from(JSON.stringify({ ...unknownPlatform, config: {}, rootfs }));
  const document = {
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    config: { mediaType: mediaTypes.ociConfig, digest: digestOf(config), size: config.length },
    layers: layers.map((bytes, at) => ({
      mediaType: mediaTypes.inToto,
      digest: digestOf(bytes),
      size: bytes.length,
      annotations: { [attestationAnnotations.predicate]: statements[at]?.predicateType ?? '' },
    })),
  };
  return { manifest: Buffer.from(JSON.stringify(document)), blobs: [config, ...layers] };
}

function manifestDescriptor(manifest: Buffer): { mediaType: string; digest: Digest; size: number } {
  return { mediaType: mediaTypes.ociManifest, digest: digestOf(manifest), size: manifest.length };
}

function platformOf({ config }: Image): { architecture: string; os: string; variant?: string } {
  const { architecture, os, variant } = config;
  return { architecture, os, ...(variant === undefined || variant === '' ? {} : { variant }) };
}
