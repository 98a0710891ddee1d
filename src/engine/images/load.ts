import { Readable } from 'node:stream';
import { type Digest, hexOf, isDigest } from '../../base/digest.js';
import { readTar } from '../../base/tar/stream.js';
import {
  canonicalText,
  type Descriptor,
  mediaTypes,
  parseDescriptor,
  parseManifest,
  parseObject,
  parseReference,
  withDefaultTag,
} from '../../registry/index.js';
import { type ChainId, decompress, extendChain, type LayerStore, type StagedLayer } from '../snapshots/index.js';
import { type ArchivedImage, badImageArchive, parseDockerManifest } from './archive-documents.js';
import { parseImageConfig } from './config.js';
import { addImage, type Parts } from './create-image.js';
import { createList } from './image-lists.js';
import { attestationAnnotations } from './list-documents.js';
import type { Image, OnProgress, Statement } from './types.js';

const maxDocumentBytes = 8 << 20;
const maxDocumentsBytes = 64 << 20;
const maxEntries = 20_000;
/** Of all names together, which stay in memory until the end. */
const maxNamesBytes = 16 << 20;
const peekBytes = 512;

export interface LoadOptions {
  readonly onProgress: OnProgress;
  readonly signal: AbortSignal;
  readonly quiet?: boolean;
}

/** What an entry of the archive turned out to be. */
type Member =
  | { readonly kind: 'document'; readonly bytes: Buffer }
  | { readonly kind: 'layer'; readonly staged: StagedLayer }
  /** A layer that is here already, told by its name; its bytes were skipped. */
  | { readonly kind: 'known'; readonly diffId: Digest }
  | { readonly kind: 'link'; readonly path: string };

/**
 * Reads the archive once: layers are unpacked as they come, before it is known which image they belong to.
 * @throws `image/bad-archive`, `image/bad-document`, `tar/invalid`, `layer/…`
 */
export async function loadArchive(parts: Parts, archive: Readable, options: LoadOptions): Promise<Image[]> {
  const members = new Map<string, Member>();
  try {
    await readMembers(parts.layers, archive, members, options);
    const loaded: Image[] = [];
    for (const entry of describeImages(members)) loaded.push(...(await loadEntry(parts, members, entry, options)));
    return loaded;
  } finally {
    archive.destroy();
    for (const member of members.values()) if (member.kind === 'layer') await member.staged.discard();
  }
}

async function readMembers(
  layers: LayerStore,
  archive: Readable,
  members: Map<string, Member>,
  { onProgress, signal, quiet = false }: LoadOptions,
): Promise<void> {
  const { bytes } = await decompress(archive as AsyncIterable<Buffer>);
  const present = new Set(layers.list().map(({ diffId }) => diffId));
  let documentsBytes = 0;
  let entries = 0;
  let namesBytes = 0;
  await readTar(bytes, async (entry, body) => {
    signal.throwIfAborted();
    entries += 1;
    if (entries > maxEntries) throw badImageArchive(`more than ${maxEntries} entries`);
    namesBytes += entry.path.length + (entry.linkPath?.length ?? 0);
    if (namesBytes > maxNamesBytes) throw badImageArchive('its names are too long');
    const path = normalPath(entry.path);
    if (entry.type === 'symlink' || entry.type === 'hardlink') {
      const target = entry.linkPath ?? '';
      const base = entry.type === 'symlink' ? path.split('/').slice(0, -1).join('/') : '';
      members.set(path, { kind: 'link', path: normalPath(`${base}/${target}`) });
      return;
    }
    if (entry.type !== 'file') return;
    const named = `sha256:${
      path
        .split('/')
        .at(-1)
        ?.replace(/\.tar$/, '') ?? ''
    }`;
    if (isDigest(named) && present.has(named)) {
      members.set(path, { kind: 'known', diffId: named });
      return;
    }
    const iterator = body[Symbol.asyncIterator]();
    const start = await peek(iterator);
    if (looksLikeLayer(start, path)) {
      const id = (isDigest(named) ? hexOf(named) : path).slice(0, 12);
      const report = (current: number) => {
        if (!quiet) onProgress({ status: 'Loading layer', id, progressDetail: { current, total: entry.sizeBytes } });
      };
      const tar = Readable.from(joined(start, iterator), { objectMode: false });
      members.set(path, { kind: 'layer', staged: await layers.stage({ tar, onProgress: report, signal }) });
      report(entry.sizeBytes);
      return;
    }
    if (entry.sizeBytes > maxDocumentBytes) return; // neither a layer nor a document: nothing we would look at
    documentsBytes += entry.sizeBytes;
    if (documentsBytes > maxDocumentsBytes) throw badImageArchive('too many documents');
    const chunks: Buffer[] = [];
    for await (const chunk of joined(start, iterator)) chunks.push(chunk);
    members.set(path, { kind: 'document', bytes: Buffer.concat(chunks) });
  });
}

async function peek(iterator: AsyncIterator<Buffer>): Promise<Buffer> {
  let start = Buffer.alloc(0);
  while (start.length < peekBytes) {
    const next = await iterator.next();
    if (next.done === true) break;
    start = Buffer.concat([start, next.value]);
  }
  return start;
}

async function* joined(start: Buffer, iterator: AsyncIterator<Buffer>): AsyncGenerator<Buffer, void, undefined> {
  if (start.length > 0) yield start;
  for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) yield next.value;
}

/** Compressed, or a tar by its magic, or the two zero blocks of an empty one; documents are JSON. */
function looksLikeLayer(start: Buffer, path: string): boolean {
  if (start.length === 0) return false;
  if (path.endsWith('layer.tar')) return true;
  const isCompressed = [
    [0x1f, 0x8b],
    [0x28, 0xb5, 0x2f, 0xfd],
    [0xfd, 0x37, 0x7a, 0x58],
    [0x42, 0x5a, 0x68],
  ].some((magic) => magic.every((byte, at) => start[at] === byte));
  const isTar = start.toString('latin1', 257, 262) === 'ustar';
  return (
    isCompressed || isTar || (start.length >= peekBytes && start.subarray(0, peekBytes).every((byte) => byte === 0))
  );
}

/** What an archive has under some names: an image, or several that an index brings together. */
interface ArchivedEntry {
  readonly tags: readonly string[];
  readonly images: readonly ArchivedImage[];
  /** Has an index of its own, which stays. */
  readonly isList: boolean;
}

/** Which images there are: by manifest.json where there is one, unless only index.json can say it all. */
function describeImages(members: ReadonlyMap<string, Member>): ArchivedEntry[] {
  const index = documentAt(members, 'index.json');
  const found = index === undefined ? [] : entriesOf(members, index);
  const manifest = documentAt(members, 'manifest.json');
  if (manifest !== undefined && !found.some(({ isList }) => isList)) {
    return parseDockerManifest(manifest).map((image) => ({ tags: image.tags, images: [image], isList: false }));
  }
  if (index === undefined) throw badImageArchive('it has neither manifest.json nor index.json');
  return found;
}

function entriesOf(members: ReadonlyMap<string, Member>, index: Buffer): ArchivedEntry[] {
  const descriptors = parseObject('index.json', index)['manifests'];
  if (!Array.isArray(descriptors)) throw badImageArchive('index.json has no manifests');
  const entries = new Map<Digest, ArchivedEntry>(); // one a digest: each name has a descriptor of its own
  for (const item of descriptors as readonly unknown[]) {
    const descriptor = parseDescriptor('index.json', item);
    const known = entries.get(descriptor.digest);
    const tags = [...(known?.tags ?? []), ...tagsOf(descriptor.annotations ?? {})];
    const images = known?.images ?? imagesOf(members, descriptor, 0);
    const isList = images.length > 1 || images.some(({ attestations = [] }) => attestations.length > 0);
    if (images.length > 0) entries.set(descriptor.digest, { tags, images, isList });
  }
  return [...entries.values()];
}

/** The images below a descriptor whose parts are all there: an index may name platforms that were not saved. */
function imagesOf(members: ReadonlyMap<string, Member>, descriptor: Descriptor, depth: number): ArchivedImage[] {
  const bytes = documentAt(members, blobPath(descriptor.digest));
  if (bytes === undefined || depth > 3) return [];
  const manifest = parseManifest(bytes, descriptor.mediaType);
  if (manifest.kind === 'image') {
    const configPath = blobPath(manifest.config.digest);
    const layerPaths = manifest.layers.map(({ digest }) => blobPath(digest));
    return [{ configPath, layerPaths, tags: [], digest: descriptor.digest }];
  }
  const isAttestation = ({ annotations }: Descriptor): boolean =>
    annotations?.[attestationAnnotations.type] === 'attestation-manifest';
  const isSaved = ({ configPath, layerPaths }: ArchivedImage): boolean =>
    [configPath, ...layerPaths].every((path) => memberAt(members, path) !== undefined);
  const images = manifest.manifests
    .filter((one) => !isAttestation(one))
    .flatMap((one) => imagesOf(members, one, depth + 1));
  const whole = images.filter(isSaved);
  const about = manifest.manifests.filter(isAttestation);
  return (whole.length > 0 ? whole : images.slice(0, 1)).map((image) => ({
    ...image,
    attestations: about
      .filter(({ annotations }) => annotations?.[attestationAnnotations.digest] === image.digest)
      .flatMap(({ digest }) => statementsIn(members, digest)),
  }));
}

/** What an attestation manifest says; nothing where it is not whole. */
function statementsIn(members: ReadonlyMap<string, Member>, digest: Digest): Statement[] {
  const bytes = documentAt(members, blobPath(digest));
  const manifest = bytes === undefined ? undefined : parseManifest(bytes);
  if (manifest?.kind !== 'image') return [];
  return manifest.layers.flatMap((layer) => {
    const text = layer.mediaType === mediaTypes.inToto ? documentAt(members, blobPath(layer.digest)) : undefined;
    if (text === undefined) return [];
    const { predicateType, predicate } = parseObject('in-toto statement', text);
    return typeof predicateType === 'string' && predicate !== undefined ? [{ predicateType, predicate }] : [];
  });
}

function tagsOf(annotations: Readonly<Record<string, string>>): string[] {
  const name = annotations['io.containerd.image.name'] ?? annotations['org.opencontainers.image.ref.name'];
  // A bare tag names no repository: such an image gets no name, as with docker load.
  return name !== undefined && /[/:]/.test(name) ? [name] : [];
}

async function loadEntry(
  parts: Parts,
  members: ReadonlyMap<string, Member>,
  { tags: names, images: archived, isList }: ArchivedEntry,
  { onProgress }: LoadOptions,
): Promise<Image[]> {
  const tags = names.map((tag) => withDefaultTag(parseReference(tag)));
  const references = tags.map(canonicalText);
  const releases: (() => void)[] = [];
  try {
    const images: Image[] = [];
    for (const one of archived) images.push(await loadImage(parts, members, one, isList ? [] : references, releases));
    if (isList) {
      const list = images.map((image, at) => ({ image, attestations: archived[at]?.attestations ?? [] }));
      await createList(parts, { members: list, references });
    }
    for (const tag of tags) onProgress({ stream: `Loaded image: ${tag.familiar}\n` });
    if (tags.length === 0) for (const { id } of images) onProgress({ stream: `Loaded image ID: ${id}\n` });
    return images;
  } finally {
    for (const release of releases) release();
  }
}

async function loadImage(
  parts: Parts,
  members: ReadonlyMap<string, Member>,
  archived: ArchivedImage,
  references: readonly string[],
  releases: (() => void)[],
): Promise<Image> {
  const configBytes = documentAt(members, archived.configPath);
  if (configBytes === undefined) throw badImageArchive(`it has no ${archived.configPath}`);
  const { diff_ids: diffIds } = parseImageConfig(configBytes).rootfs;
  if (diffIds.length !== archived.layerPaths.length) {
    throw badImageArchive(`the config names ${diffIds.length} layers, the manifest ${archived.layerPaths.length}`);
  }
  let parent: ChainId | undefined;
  for (const [index, diffId] of diffIds.entries()) {
    const path = archived.layerPaths[index] ?? '';
    parent = await sealLayer(parts.layers, memberAt(members, path), { path, diffId, parent });
    releases.push(parts.layers.retain(parent));
  }
  return await addImage(parts, configBytes, { references });
}

/** Puts a layer on `parent`: the one just unpacked, or another copy of the same diff that is here. */
async function sealLayer(
  layers: LayerStore,
  member: Member | undefined,
  { path, diffId, parent }: { readonly path: string; readonly diffId: Digest; readonly parent: ChainId | undefined },
): Promise<ChainId> {
  const chainId = extendChain(parent, diffId);
  if (layers.get(chainId) !== undefined) return chainId;
  if (member?.kind === 'layer' && member.staged.diffId !== diffId) {
    throw badImageArchive(`${path} has the digest ${member.staged.diffId}, not ${diffId}`);
  }
  const twin = layers.list().find((layer) => layer.diffId === diffId);
  if (member?.kind === 'layer' && twin === undefined) return (await member.staged.seal(parent)).chainId;
  if (twin === undefined) throw badImageArchive(`it has no layer ${path}`);
  const { signal } = new AbortController();
  const tar = layers.exportLayer(twin.chainId, signal);
  return (await layers.apply({ parent, tar, expectedDiffId: diffId, signal })).chainId;
}

function documentAt(members: ReadonlyMap<string, Member>, path: string): Buffer | undefined {
  const member = memberAt(members, path);
  return member?.kind === 'document' ? member.bytes : undefined;
}

function memberAt(members: ReadonlyMap<string, Member>, path: string): Member | undefined {
  let member = members.get(normalPath(path));
  for (let followed = 0; member?.kind === 'link' && followed < 10; followed += 1) member = members.get(member.path);
  return member;
}

function blobPath(digest: Digest): string {
  return `blobs/sha256/${hexOf(digest)}`;
}

/** Without `.`, `..` and doubled slashes. */
function normalPath(path: string): string {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return parts.join('/');
}
