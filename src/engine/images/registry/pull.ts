import { Readable } from 'node:stream';
import { type Digest, hexOf } from '../../../base/digest.js';
import { hasCode, TscomposeError } from '../../../base/errors.js';
import {
  badDocument,
  canonicalText,
  type Descriptor,
  type FetchedManifest,
  fromSources,
  hostPlatform,
  type Manifest,
  parseManifest,
  parseReference,
  type Platform,
  platformScore,
  platformText,
  type Reference,
  type Registries,
  type RegistrySession,
  withDefaultTag,
  withDigest,
} from '../../../registry/index.js';
import { type ChainId, extendChain, type StagedLayer } from '../../snapshots/index.js';
import { parseImageConfig } from '../config.js';
import { addImage, type Parts } from '../create-image.js';
import { createList, othersUnder } from '../image-lists.js';
import type { RemoteLayer } from '../image-index.js';
import type { IndexChange } from '../store-state.js';
import type { TrustGate } from '../trust/gate.js';
import type { Image, OnProgress, PullOptions } from '../types.js';

const maxParallel = 3;
const maxIndexDepth = 4;

export interface PulledImage {
  readonly image: Image;
  /** The name stood for another before, or for none. */
  readonly isNew: boolean;
}

/** @throws `registry/…`, `content/…`, `layer/…`, `image/bad-document`, `trust/…` */
export async function pullImage(
  parts: Parts,
  registries: Registries,
  gate: TrustGate,
  name: string,
  options: PullOptions,
): Promise<PulledImage> {
  const reference = withDefaultTag(parseReference(name));
  return await fromSources(registries, reference, options, (session) =>
    pullFrom(parts, session, gate, reference, options),
  );
}

async function pullFrom(
  parts: Parts,
  session: RegistrySession,
  gate: TrustGate,
  reference: Reference,
  options: PullOptions,
): Promise<PulledImage> {
  const which = reference.digest ?? reference.tag ?? 'latest';
  const top = await session.topManifest();
  options.onProgress({ status: `Pulling from ${shownPath(reference)}`, id: which });
  const { manifest, digest } = await imageManifest(session, top, reference, options.platform ?? hostPlatform());
  const digests = [...new Set([top.digest, digest])];
  const { auth, signal } = options;
  const key = await gate.admitPull({ reference, digests, session, auth, signal });
  if (key !== undefined) options.onProgress({ status: `Signed by ${key}` });
  const configBytes = await session.document(manifest.config);
  const config = parseImageConfig(configBytes);
  const { diff_ids: diffIds } = config.rootfs;
  if (diffIds.length !== manifest.layers.length) {
    throw badDocument('manifest', `it has ${manifest.layers.length} layers, its config ${diffIds.length}`);
  }
  checkPlatform(config, reference, options.platform);

  const before = parts.state.catalog.find(canonicalText(reference))?.image.id;
  const releases: (() => void)[] = [];
  try {
    await pullLayers(parts, session, manifest, diffIds, releases, options);
    const names =
      options.naming === 'none'
        ? []
        : [
            ...(reference.tag === undefined || reference.digest !== undefined ? [] : [canonicalText(reference)]),
            canonicalText(withDigest(reference, top.digest)),
          ];
    const besides =
      names.length === 0
        ? []
        : othersUnder(parts.state.catalog, canonicalText(withDigest(reference, top.digest)), config);
    const image = await addImage(parts, configBytes, { references: besides.length > 0 ? [] : names });
    if (besides.length > 0) {
      // Another platform of what the name stands for: they share it from now on.
      await createList(parts, { members: [...besides, { image, attestations: [] }], references: names });
    }
    const addOrigins = { [image.id]: { repository: reference.repository, digests } };
    await remember(parts, reference, manifest.layers, diffIds, addOrigins);
    options.onProgress({ status: `Digest: ${top.digest}` });
    return { image, isNew: before !== image.id };
  } finally {
    for (const release of releases) release();
  }
}

type ImageManifest = Extract<Manifest, { kind: 'image' }>;

/** Follows indexes to the manifest for the platform. */
async function imageManifest(
  session: RegistrySession,
  top: FetchedManifest,
  reference: Reference,
  platform: Platform,
): Promise<{ readonly manifest: ImageManifest; readonly digest: Digest }> {
  let manifest = parseManifest(top.bytes, top.mediaType);
  let { digest } = top;
  for (let depth = 0; manifest.kind === 'index'; depth += 1) {
    const best = manifest.manifests
      .map((descriptor) => ({ descriptor, score: platformScore(descriptor.platform ?? {}, platform) }))
      .filter(({ score }) => score > 0)
      .sort((a, b) => b.score - a.score)[0]?.descriptor;
    if (best === undefined || depth === maxIndexDepth) {
      throw new TscomposeError({
        code: 'registry/no-platform',
        message: `no matching manifest for ${platformText(platform)} in the manifest list entries`,
        facts: { reference: reference.familiar, platform: platformText(platform) },
      });
    }
    const fetched = await session.manifest(best.digest, best);
    manifest = parseManifest(fetched.bytes, fetched.mediaType);
    ({ digest } = fetched);
  }
  return { manifest, digest };
}

function checkPlatform(
  actual: { readonly os: string; readonly architecture: string; readonly variant?: string },
  reference: Reference,
  wanted: Platform | undefined,
): void {
  if (wanted === undefined || actual.architecture === '' || platformScore(actual, wanted) > 0) return;
  const platform = platformText(wanted);
  throw new TscomposeError({
    code: 'registry/no-platform',
    message: `image with reference ${reference.familiar} was found but does not match the specified platform: wanted ${platform}, actual: ${platformText(actual)}`,
    facts: { reference: reference.familiar, platform },
  });
}

/** Downloads and unpacks a few layers at a time, and seals them in order. */
async function pullLayers(
  { layers, state }: Parts,
  session: RegistrySession,
  { config, layers: descriptors }: ImageManifest,
  diffIds: readonly Digest[],
  releases: (() => void)[],
  { onProgress, signal }: PullOptions,
): Promise<void> {
  const isHere = state.catalog.find(config.digest) !== undefined;
  const work = new AbortController();
  const inside = AbortSignal.any([signal, work.signal]);
  const ids = descriptors.map(({ digest }) => hexOf(digest).slice(0, 12));
  let parent: ChainId | undefined;
  let first = 0; // layers below are here already
  for (const diffId of diffIds) {
    const chainId = extendChain(parent, diffId);
    if (layers.get(chainId) === undefined) break;
    releases.push(layers.retain(chainId));
    parent = chainId;
    first += 1;
  }
  if (isHere && first === diffIds.length) return; // Docker says nothing of the layers of an image that is here
  for (const id of ids.slice(0, first)) onProgress({ status: 'Already exists', progressDetail: {}, id });
  for (const id of ids.slice(first)) onProgress({ status: 'Pulling fs layer', progressDetail: {}, id });

  const staged: Promise<StagedLayer>[] = [];
  const begin = (index: number) => {
    const [descriptor, expectedDiffId, id] = [descriptors[index], diffIds[index], ids[index]];
    if (descriptor === undefined || expectedDiffId === undefined || id === undefined) return;
    const staging = stageLayer(layers, session, { descriptor, expectedDiffId, id, onProgress, signal: inside });
    staging.catch((failure: unknown) => work.abort(failure)); // told by whoever waits for it first
    staged[index] = staging;
  };
  try {
    for (let index = first; index < first + maxParallel; index += 1) begin(index);
    for (let index = first; index < descriptors.length; index += 1) {
      const layer = await staged[index];
      if (layer === undefined) throw new Error('bug: a layer that was not begun');
      begin(index + maxParallel);
      const sealed: { readonly chainId: ChainId } = await layer.seal(parent);
      parent = sealed.chainId;
      releases.push(layers.retain(parent));
      onProgress({ status: 'Pull complete', progressDetail: {}, id: ids[index] ?? '' });
    }
  } catch (error) {
    work.abort(error);
    const rest = await Promise.allSettled(staged);
    for (const outcome of rest) if (outcome.status === 'fulfilled') await outcome.value.discard();
    signal.throwIfAborted();
    throw work.signal.reason ?? error;
  }
}

interface LayerTask {
  readonly descriptor: Descriptor;
  readonly expectedDiffId: Digest;
  readonly id: string;
  readonly onProgress: OnProgress;
  readonly signal: AbortSignal;
}

/** One pass from the wire to the unpacked files. What it makes is used only if both digests are the promised ones. */
async function stageLayer(layers: Parts['layers'], session: RegistrySession, task: LayerTask): Promise<StagedLayer> {
  const { descriptor, expectedDiffId, id, onProgress, signal } = task;
  const total = descriptor.size;
  const tar = Readable.from(session.blob(descriptor), { objectMode: false, highWaterMark: 1 << 20 });
  const report = (current: number) => onProgress({ status: 'Downloading', progressDetail: { current, total }, id });
  const staged = await layers.stage({ tar, onProgress: report, signal }).catch((error: unknown) => {
    throw hasCode(error, 'layer/bad-archive') ? withLayer(error, descriptor.digest) : error;
  });
  try {
    onProgress({ status: 'Verifying Checksum', progressDetail: {}, id });
    const [expected, actual]: [Digest, Digest] =
      staged.digest === descriptor.digest ? [expectedDiffId, staged.diffId] : [descriptor.digest, staged.digest];
    if (expected !== actual) {
      throw new TscomposeError({
        code: 'content/digest-mismatch',
        message: `the registry sent bytes with the digest ${actual} for ${expected}`,
        facts: { expected, actual },
      });
    }
    onProgress({ status: 'Download complete', progressDetail: {}, id });
    onProgress({ status: 'Extracting', progressDetail: { current: total, total }, id });
    return staged;
  } catch (error) {
    await staged.discard();
    throw error;
  }
}

function withLayer(error: TscomposeError<'layer/bad-archive'>, digest: Digest): TscomposeError<'layer/bad-archive'> {
  return new TscomposeError({
    code: error.code,
    message: `failed to register layer ${digest}: ${error.message}`,
    facts: error.facts,
    cause: error,
  });
}

async function remember(
  { state }: Parts,
  { repository }: Reference,
  descriptors: readonly Descriptor[],
  diffIds: readonly Digest[],
  addOrigins: NonNullable<IndexChange['addOrigins']>,
): Promise<void> {
  const addRemoteLayers: Record<string, RemoteLayer> = {};
  for (const [index, { digest, size, mediaType }] of descriptors.entries()) {
    const diffId = diffIds[index];
    if (diffId !== undefined) addRemoteLayers[diffId] = { digest, sizeBytes: size, mediaType, repository };
  }
  await state.change(() => ({ change: { addRemoteLayers, addOrigins }, result: undefined }));
}

/** Docker names the repository on the hub with `library/`. */
function shownPath({ path }: Reference): string {
  return path;
}
