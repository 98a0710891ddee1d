import { type Digest, digestOf, hexOf } from '../../base/digest.js';
import type { TarEntry } from '../../base/tar/entry.js';
import { type TarMember, writeTar } from '../../base/tar/stream.js';
import { canonicalText, mediaTypes, type Reference } from '../../registry/index.js';
import type { ContentStore } from '../content/index.js';
import type { Layer, LayerStore } from '../snapshots/index.js';
import { statementsOf } from './image-lists.js';
import { stableJson } from './json.js';
import { indexDocuments, layerDescriptor, layersOf, type MemberManifest, plainManifest } from './list-documents.js';
import type { Image, ImageList } from './types.js';

export interface SavedImage {
  /** Of a list the one that readers without lists are given. */
  readonly image: Image;
  readonly list?: ImageList | undefined;
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
  /** Every image of it. */
  readonly members: readonly MemberManifest[];
  /** What the archive's index leads to: a manifest or an index. */
  readonly top: Buffer;
  /** Documents that only the index leads to. */
  readonly besides: readonly Buffer[];
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
  const { image, list } = saved;
  const chain = layersOf(image, layers);
  if (list === undefined) {
    const manifest = await plainManifest(image, content, layers);
    return { ...saved, chain, members: [{ image, manifest, statements: [] }], top: manifest, besides: [] };
  }
  const members: MemberManifest[] = [];
  for (const member of list.members) {
    const manifest = await plainManifest(member.image, content, layers);
    members.push({ image: member.image, manifest, statements: await statementsOf({ content }, member.attestations) });
  }
  const { index, attestations } = indexDocuments(members);
  const besides = attestations.flatMap(({ manifest, blobs }) => [...blobs, manifest]);
  return { ...saved, chain, members, top: index, besides: [...besides, index] };
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
  { members, besides }: Described,
  content: ContentStore,
  layers: LayerStore,
  signal: AbortSignal,
): AsyncGenerator<Blob, void, undefined> {
  for (const { image, manifest } of members) {
    for (const { chainId, diffId, tarBytes } of layersOf(image, layers)) {
      const body = () => Promise.resolve(layers.exportLayer(chainId, signal) as AsyncIterable<Uint8Array>);
      yield { digest: diffId, sizeBytes: tarBytes, body };
    }
    const config = await content.readVerified(image.id);
    yield { digest: image.id, sizeBytes: config.length, body: () => Promise.resolve(config) };
    yield documentBlob(manifest);
  }
  for (const bytes of besides) yield documentBlob(bytes);
}

function documentBlob(bytes: Buffer): Blob {
  return { digest: digestOf(bytes), sizeBytes: bytes.length, body: () => Promise.resolve(bytes) };
}

function indexEntries({ list, top, references }: Described): object[] {
  const mediaType = list === undefined ? mediaTypes.ociManifest : mediaTypes.ociIndex;
  const descriptor = { mediaType, digest: digestOf(top), size: top.length };
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
