import { type Digest, digestOf, hexOf } from '../../base/digest.js';
import type { TarEntry } from '../../base/tar/entry.js';
import { type TarMember, writeTar } from '../../base/tar/stream.js';
import { canonicalText, mediaTypes, type Reference } from '../../registry/index.js';
import type { ContentStore } from '../content/index.js';
import type { Layer, LayerStore } from '../snapshots/index.js';
import { stableJson } from './json.js';
import type { Image } from './types.js';

export interface SavedImage {
  readonly image: Image;
  /** Tags it is to have where it is loaded. */
  readonly references: readonly Reference[];
}

interface Blob {
  readonly digest: Digest;
  readonly sizeBytes: number;
  readonly body: () => Promise<Uint8Array | AsyncIterable<Uint8Array>>;
}

interface Described extends SavedImage {
  readonly chain: readonly Layer[];
  readonly manifest: Buffer;
}

/**
 * An OCI layout with the files of a docker-archive beside it, as `docker save` writes since version 25: both kinds of
 * readers find their way. Layers are uncompressed; the same images give the same bytes.
 */
export async function* saveArchive(
  images: readonly SavedImage[],
  content: ContentStore,
  layers: LayerStore,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  const described: Described[] = [];
  for (const saved of images) described.push(await describe(saved, content, layers));
  yield* writeTar(membersOf(described, content, layers, signal));
}

async function describe(saved: SavedImage, content: ContentStore, layers: LayerStore): Promise<Described> {
  const { image } = saved;
  const chain = image.chainId === undefined ? [] : [...layers.chain(image.chainId)].reverse();
  const { sizeBytes } = await content.stat(image.id);
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: mediaTypes.ociManifest,
      config: { mediaType: mediaTypes.ociConfig, digest: image.id, size: sizeBytes },
      layers: chain.map(layerDescriptor),
    }),
  );
  return { ...saved, chain, manifest };
}

async function* membersOf(
  images: readonly Described[],
  content: ContentStore,
  layers: LayerStore,
  signal: AbortSignal,
): AsyncGenerator<TarMember, void, undefined> {
  yield directory('blobs');
  yield directory('blobs/sha256');
  const written = new Set<Digest>();
  for (const described of images) {
    for await (const blob of blobsOf(described, content, layers, signal)) {
      if (written.has(blob.digest)) continue;
      written.add(blob.digest);
      yield file(`blobs/sha256/${hexOf(blob.digest)}`, blob.sizeBytes, await blob.body());
    }
  }
  yield document('index.json', {
    schemaVersion: 2,
    mediaType: mediaTypes.ociIndex,
    manifests: images.flatMap(indexEntries),
  });
  yield document('manifest.json', images.map(archiveEntry));
  yield document('oci-layout', { imageLayoutVersion: '1.0.0' });
  yield document('repositories', repositories(images));
}

async function* blobsOf(
  { image, chain, manifest }: Described,
  content: ContentStore,
  layers: LayerStore,
  signal: AbortSignal,
): AsyncGenerator<Blob, void, undefined> {
  for (const { chainId, diffId, tarBytes } of chain) {
    const body = () => Promise.resolve(layers.exportLayer(chainId, signal) as AsyncIterable<Uint8Array>);
    yield { digest: diffId, sizeBytes: tarBytes, body };
  }
  const config = await content.readVerified(image.id);
  yield { digest: image.id, sizeBytes: config.length, body: () => Promise.resolve(config) };
  yield { digest: digestOf(manifest), sizeBytes: manifest.length, body: () => Promise.resolve(manifest) };
}

function layerDescriptor({ diffId, tarBytes }: Layer): { mediaType: string; digest: Digest; size: number } {
  return { mediaType: mediaTypes.ociLayer, digest: diffId, size: tarBytes };
}

function indexEntries({ manifest, references }: Described): object[] {
  const descriptor = { mediaType: mediaTypes.ociManifest, digest: digestOf(manifest), size: manifest.length };
  if (references.length === 0) return [descriptor];
  return references.map((reference) => ({
    ...descriptor,
    annotations: {
      'io.containerd.image.name': canonicalText(reference),
      'org.opencontainers.image.ref.name': reference.tag ?? '',
    },
  }));
}

function archiveEntry({ image, chain, references }: Described): object {
  return {
    Config: `blobs/sha256/${hexOf(image.id)}`,
    RepoTags: references.length === 0 ? null : references.map(({ familiar }) => familiar),
    Layers: chain.map(({ diffId }) => `blobs/sha256/${hexOf(diffId)}`),
    LayerSources: Object.fromEntries(chain.map((layer) => [layer.diffId, layerDescriptor(layer)])),
  };
}

/** The file of the oldest format: repository → tag → topmost layer. */
function repositories(images: readonly Described[]): Record<string, Record<string, string>> {
  const found: Record<string, Record<string, string>> = {};
  for (const { chain, references } of images) {
    const top = chain.at(-1);
    for (const { familiarRepository, tag } of references) {
      if (top === undefined || tag === undefined) continue;
      found[familiarRepository] = { ...found[familiarRepository], [tag]: hexOf(top.diffId) };
    }
  }
  return found;
}

function document(path: string, value: unknown): TarMember {
  const bytes = Buffer.from(path === 'repositories' ? stableJson(value) : JSON.stringify(value));
  return file(path, bytes.length, bytes);
}

function file(path: string, sizeBytes: number, body: Uint8Array | AsyncIterable<Uint8Array>): TarMember {
  return { entry: entryOf({ type: 'file', path, mode: 0o644, sizeBytes }), body };
}

function directory(path: string): TarMember {
  return { entry: entryOf({ type: 'directory', path, mode: 0o755, sizeBytes: 0 }) };
}

function entryOf(entry: Pick<TarEntry, 'type' | 'path' | 'mode' | 'sizeBytes'>): TarEntry {
  return { ...entry, uid: 0, gid: 0, mtimeNs: 0n };
}
