import { pipeline, Readable } from 'node:stream';
import { createGzip } from 'node:zlib';
import { type Digest, digestOf, hexOf } from '../../../base/digest.js';
import {
  canonicalText,
  mediaTypes,
  parseReference,
  type Reference,
  type Registries,
  RegistrySession,
  withDigest,
} from '../../../registry/index.js';
import type { BlobInfo } from '../../content/index.js';
import type { Layer } from '../../snapshots/index.js';
import { imageNotFound } from '../catalog.js';
import type { Parts } from '../create-image.js';
import type { RemoteLayer } from '../image-index.js';
import { statementsOf } from '../image-lists.js';
import { indexDocuments, layersOf, type MemberManifest } from '../list-documents.js';
import type { Image, ImageList, PushOptions, TransferOptions } from '../types.js';

/** Pushes one tag, or every tag of the repository when none is given. @throws `registry/…`, `image/not-found` */
export async function pushImage(
  parts: Parts,
  registries: Registries,
  reference: Reference,
  options: PushOptions,
): Promise<void> {
  const { onProgress, auth, signal } = options;
  const other = options.image === undefined ? undefined : parts.state.image(options.image);
  const wanted = reference.tag === undefined && other === undefined ? tagsOf(parts, reference) : [reference];
  onProgress({ status: `The push refers to repository [${reference.repository}]` });
  for (const one of wanted) {
    const image = other ?? parts.state.catalog.resolve(canonicalText(one)).image;
    const endpoint = registries.ownEndpoint(reference.domain);
    const session = new RegistrySession({
      registries,
      endpoint,
      reference: one,
      auth,
      access: 'pull,push',
      signal,
    });
    const list = other === undefined ? parts.state.catalog.listOf(canonicalText(one)) : undefined;
    await (list === undefined
      ? pushOne(parts, session, one, image, options)
      : pushList(parts, session, one, list, options));
  }
}

function tagsOf({ state }: Parts, { repository, familiarRepository }: Reference): readonly Reference[] {
  const tags = state.catalog.tagsOf(repository);
  if (tags.length === 0) throw imageNotFound(familiarRepository);
  return tags;
}

async function pushOne(
  parts: Parts,
  session: RegistrySession,
  reference: Reference,
  image: Image,
  options: PushOptions,
): Promise<void> {
  const { config, pushed, remember } = await pushParts(parts, session, reference, image, options);
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: mediaTypes.dockerManifest,
      config: { mediaType: mediaTypes.dockerConfig, size: config.length, digest: image.id },
      layers: pushed.map(({ digest, sizeBytes }) => ({ mediaType: mediaTypes.dockerLayer, size: sizeBytes, digest })),
    }),
  );
  await pushTop(session, reference, { bytes: manifest, mediaType: mediaTypes.dockerManifest }, options);
  const named = {
    pushed: [image.id],
    setReferences: { [canonicalText(withDigest(reference, digestOf(manifest)))]: image.id },
  };
  await parts.state.change(() => ({
    change: { ...(options.image === undefined ? named : {}), addRemoteLayers: remember },
    result: undefined,
  }));
}

/** Every image of a list by its digest, what is said about them, and the index under the name: readers see all or nothing. */
async function pushList(
  parts: Parts,
  session: RegistrySession,
  reference: Reference,
  list: ImageList,
  options: TransferOptions,
): Promise<void> {
  const manifests: MemberManifest[] = [];
  const addRemoteLayers: Record<string, RemoteLayer> = {};
  for (const { image, attestations } of list.members) {
    const { config, pushed, remember } = await pushParts(parts, session, reference, image, options);
    Object.assign(addRemoteLayers, remember);
    const manifest = Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: mediaTypes.ociManifest,
        config: { mediaType: mediaTypes.ociConfig, digest: image.id, size: config.length },
        layers: pushed.map(({ digest, sizeBytes }) => ({
          mediaType: mediaTypes.ociLayerGzip,
          digest,
          size: sizeBytes,
        })),
      }),
    );
    await session.putManifest(digestOf(manifest), manifest, mediaTypes.ociManifest);
    manifests.push({ image, manifest, statements: await statementsOf(parts, attestations) });
  }
  const { index, attestations } = indexDocuments(
    manifests,
    `pkg:docker/${reference.familiar.replace(/:([^:/]*)$/, '@$1')}`,
  );
  for (const { manifest, blobs } of attestations) {
    for (const bytes of blobs) await uploadBytes(session, bytes);
    await session.putManifest(digestOf(manifest), manifest, mediaTypes.ociManifest);
  }
  await pushTop(session, reference, { bytes: index, mediaType: mediaTypes.ociIndex }, options);
  await parts.state.change(() => ({
    change: {
      pushed: list.members.map(({ image }) => image.id),
      setReferences: { [canonicalText(withDigest(reference, digestOf(index)))]: list.id },
      addRemoteLayers,
    },
    result: undefined,
  }));
}

/** What the name stands for from now on. */
async function pushTop(
  session: RegistrySession,
  reference: Reference,
  { bytes, mediaType }: { readonly bytes: Buffer; readonly mediaType: string },
  { onProgress }: TransferOptions,
): Promise<void> {
  const tag = reference.tag ?? 'latest';
  await session.putManifest(tag, bytes, mediaType);
  const digest = digestOf(bytes);
  onProgress({ status: `${tag}: digest: ${digest} size: ${bytes.length}` });
  onProgress({ progressDetail: {}, aux: { Tag: tag, Digest: digest, Size: bytes.length } });
}

/** Layers and config of an image. */
async function pushParts(
  parts: Parts,
  session: RegistrySession,
  reference: Reference,
  image: Image,
  options: TransferOptions,
): Promise<{
  readonly config: Buffer;
  readonly pushed: readonly RemoteLayer[];
  readonly remember: Readonly<Record<string, RemoteLayer>>;
}> {
  const { onProgress } = options;
  const chain = layersOf(image, parts.layers);
  const lease = parts.content.lease();
  const release = image.chainId === undefined ? undefined : parts.layers.retain(image.chainId);
  try {
    lease.add(image.id);
    for (const { diffId } of chain.toReversed())
      onProgress({ status: 'Preparing', progressDetail: {}, id: idOf(diffId) });
    const pushed: RemoteLayer[] = [];
    const remember: Record<string, RemoteLayer> = {};
    for (const layer of chain) {
      const remote = await pushLayer(parts, session, reference, layer, options);
      pushed.push(remote);
      remember[layer.diffId] = remote;
    }
    const config = await parts.content.readVerified(image.id);
    await uploadBytes(session, config);
    return { config, pushed, remember };
  } finally {
    release?.();
    lease.release();
  }
}

async function uploadBytes(session: RegistrySession, bytes: Buffer): Promise<void> {
  const blob = { digest: digestOf(bytes), sizeBytes: bytes.length };
  if (await session.hasBlob(blob.digest)) return;
  await session.upload(undefined, blob, () => Promise.resolve(Readable.from([bytes])));
}

/** Sends a layer unless the registry has it, here or in another repository of ours. */
async function pushLayer(
  parts: Parts,
  session: RegistrySession,
  reference: Reference,
  layer: Layer,
  { onProgress, signal }: TransferOptions,
): Promise<RemoteLayer> {
  const id = idOf(layer.diffId);
  const known = (parts.state.catalog.index.remoteLayers?.[layer.diffId] ?? []).filter(isGzipped);
  for (const remote of known) {
    if (!(await session.hasBlob(remote.digest))) continue;
    onProgress({ status: 'Layer already exists', progressDetail: {}, id });
    return { ...remote, repository: reference.repository };
  }
  let to: URL | undefined;
  const inReach = known.filter(({ repository }) => parseReference(repository).domain === reference.domain);
  for (const remote of inReach) {
    const from = parseReference(remote.repository);
    to = await session.mountBlob(remote.digest, from.path);
    if (to === undefined) {
      onProgress({ status: `Mounted from ${from.path}`, progressDetail: {}, id });
      return { ...remote, repository: reference.repository };
    }
  }
  const { digest, sizeBytes } = await sendLayer(parts, session, { begun: to, layer, id }, { onProgress, signal });
  return { digest, sizeBytes, mediaType: mediaTypes.dockerLayer, repository: reference.repository };
}

/** By way of a blob, since its digest is asked for before its first byte. Pushes of one layer at once have it in common. */
async function sendLayer(
  parts: Parts,
  session: RegistrySession,
  { begun, layer, id }: { readonly begun: URL | undefined; readonly layer: Layer; readonly id: string },
  { onProgress, signal }: Pick<TransferOptions, 'onProgress' | 'signal'>,
): Promise<BlobInfo> {
  const { content, layers } = parts;
  const lease = content.lease();
  const gzip = createGzip({ level: 6, chunkSize: 256 * 1024 });
  let blob: BlobInfo | undefined;
  try {
    pipeline(layers.exportLayer(layer.chainId, signal), gzip, () => undefined); // the reader of `gzip` is told
    blob = await content.write(gzip as AsyncIterable<Buffer>, { lease, signal });
    await sendBlob(parts, session, { begun, blob, id }, onProgress);
    return blob;
  } finally {
    gzip.destroy(); // and with it the layer's files, which nobody may have begun to read
    lease.release();
    if (blob !== undefined) await content.remove(blob.digest);
  }
}

async function sendBlob(
  { content }: Parts,
  session: RegistrySession,
  { begun, blob, id }: { readonly begun: URL | undefined; readonly blob: BlobInfo; readonly id: string },
  onProgress: TransferOptions['onProgress'],
): Promise<void> {
  if (await session.hasBlob(blob.digest)) {
    onProgress({ status: 'Layer already exists', progressDetail: {}, id });
    return;
  }
  await session.upload(begun, blob, async () =>
    counted(await content.open(blob.digest), blob.sizeBytes, id, onProgress),
  );
  onProgress({ status: 'Pushed', progressDetail: {}, id });
}

function counted(stored: Readable, total: number, id: string, onProgress: TransferOptions['onProgress']): Readable {
  async function* count(): AsyncGenerator<Buffer, void, undefined> {
    let current = 0;
    let told = 0;
    for await (const chunk of stored as AsyncIterable<Buffer>) {
      current += chunk.length;
      if (current - told >= 512 * 1024 || current === total) {
        onProgress({ status: 'Pushing', progressDetail: { current, total }, id });
        told = current;
      }
      yield chunk;
    }
  }
  return Readable.from(count(), { objectMode: false });
}

function isGzipped({ mediaType }: RemoteLayer): boolean {
  return mediaType.endsWith('gzip');
}

function idOf(digest: Digest): string {
  return hexOf(digest).slice(0, 12);
}
