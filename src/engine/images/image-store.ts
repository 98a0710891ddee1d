import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type {
  DistributionInspect,
  ImageDeleteItem,
  ImageHistoryItem,
  ImageInspect,
  ImageSummary,
  ProgressMessage,
  RegistryAuth,
  SearchResult,
} from '../../api/image.js';
import type { StoreReport } from '../../api/tscompose.js';
import type { Digest } from '../../base/digest.js';
import { hasCode } from '../../base/errors.js';
import { type Log, silentLog } from '../../base/log.js';
import {
  checkLogin,
  canonicalText,
  fromSources,
  nameToGive,
  openRegistries,
  parseReference,
  type Platform,
  type Reference,
  type Registries,
  type RegistryOptions,
  withDefaultTag,
  withTag,
  searchIndex,
} from '../../registry/index.js';
import type { ContentStore } from '../content/index.js';
import type { ChainId, Layer, LayerStore } from '../snapshots/index.js';
import { bestOf } from './best-of.js';
import type { Catalog } from './catalog.js';
import { createImage, type Parts } from './create-image.js';
import { createList, type NewMember, prepareList } from './image-lists.js';
import { booleanFilter, checkFilters, matchesLabels, untilFilter } from './filters.js';
import { historyOf, inspectJson } from './image-views.js';
import { importTar } from './import-tar.js';
import { loadArchive, type LoadOptions } from './load.js';
import { inspectDistribution } from './registry/distribution.js';
import { type PulledImage, pullImage } from './registry/pull.js';
import { pushImage } from './registry/push.js';
import { decideRemoval } from './remove-rules.js';
import { saveArchive, type SavedImage } from './save.js';
import { type IndexChange, StoreState } from './store-state.js';
import { summarize } from './summaries.js';
import { type TrustGate, trustGate } from './trust/gate.js';
import { type SignatureFiles, signatureFiles } from './trust/signature-files.js';
import { verifyStore } from './verify.js';
import type {
  AskOptions,
  CreateImageOptions,
  CreateListOptions,
  EventSink,
  Image,
  ImageList,
  ImageStore,
  ImageUser,
  ImportOptions,
  PruneOptions,
  PruneResult,
  PullOptions,
  PushOptions,
  RemoveOptions,
  SummaryOptions,
} from './types.js';

export interface ImageStoreOptions {
  /** For the index; blobs and layers live in their own stores. */
  readonly dir: string;
  readonly content: ContentStore;
  readonly layers: LayerStore;
  readonly events: EventSink;
  readonly log?: Log;
  readonly registries?: RegistryOptions;
  /** Files that say whom images must be signed by; `given`: they were asked for by name, so they have to exist. */
  readonly trust?: { readonly policyFiles: readonly string[]; readonly missing: 'fine' | 'given' };
  /** Awaited before everything without an owner is removed: whoever has layers of his own retains them now. */
  readonly beforeCollect?: () => Promise<void>;
}

/** Opens the store. Images that a crash or a power cut left without config or layers are dropped. */
export async function openImageStore(options: ImageStoreOptions): Promise<ImageStore> {
  const { dir, content, layers, log = silentLog } = options;
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const state = await StoreState.open(join(dir, 'index.json'), content, layers, log);
  const signatures = signatureFiles(join(dir, 'signatures'));
  await signatures.keepOnly(
    new Set(state.catalog.images().flatMap(({ origins }) => origins.flatMap((one) => one.digests))),
  );
  return new FileImageStore({ content, layers, state }, signatures, options);
}

const pruneFilters = ['dangling', 'label', 'label!', 'until'];

class FileImageStore implements ImageStore {
  readonly #parts: Parts;
  readonly #events: EventSink;
  readonly #registries: Registries;
  readonly #gate: TrustGate;
  readonly #beforeCollect: (() => Promise<void>) | undefined;
  /** Image id → how many hold it. */
  readonly #retained = new Map<Digest, number>();

  constructor(parts: Parts, signatures: SignatureFiles, options: ImageStoreOptions) {
    const {
      events,
      registries = { environment: {} },
      beforeCollect,
      trust = { policyFiles: [], missing: 'fine' },
    } = options;
    this.#beforeCollect = beforeCollect;
    this.#parts = parts;
    this.#events = events;
    this.#registries = openRegistries(registries);
    this.#gate = trustGate({ ...trust, signatures, registries: this.#registries });
  }

  resolve(nameOrId: string, platform?: Platform): Image {
    return this.#catalog.resolve(nameOrId, platform).image;
  }

  find(nameOrId: string, platform?: Platform): Image | undefined {
    return this.#catalog.find(nameOrId, platform)?.image;
  }

  listOf(nameOrId: string): ImageList | undefined {
    return this.#catalog.listOf(nameOrId);
  }

  list(): readonly Image[] {
    return this.#catalog.images();
  }

  summaries(options: SummaryOptions = {}): readonly ImageSummary[] {
    return summarize(this.#catalog, this.#parts.layers, options);
  }

  inspectJson(image: Image): ImageInspect {
    return inspectJson(image, this.#parts.layers);
  }

  history(image: Image): readonly ImageHistoryItem[] {
    return historyOf(image, this.#parts.layers, this.#catalog);
  }

  children(id: Digest): readonly Image[] {
    return this.#catalog.children(id);
  }

  async tag(nameOrId: string, reference: string | Reference): Promise<void> {
    const parsed = nameToGive(typeof reference === 'string' ? parseReference(reference) : reference);
    const { id } = await this.#parts.state.change((catalog) => {
      const { image } = catalog.resolve(nameOrId);
      const target = catalog.listOf(nameOrId)?.id ?? image.id;
      return { change: { setReferences: { [canonicalText(parsed)]: target } }, result: image };
    });
    this.#publish('tag', id, parsed.familiar);
  }

  async remove(nameOrId: string, options: RemoveOptions): Promise<readonly ImageDeleteItem[]> {
    const { force = false, prune = true, usedBy } = options;
    const { items } = await this.#remove(nameOrId, { force, prune, usedBy });
    return items;
  }

  async prune({ filters = {}, usedBy }: PruneOptions): Promise<PruneResult> {
    checkFilters(filters, pruneFilters);
    const danglingOnly = booleanFilter(filters, 'dangling') ?? true;
    const until = untilFilter(filters, Date.now());
    const candidates = this.list().filter((image) => {
      const isIntermediate = isNameless(image) && this.children(image.id).length > 0;
      const isKept = danglingOnly && image.tags.length > 0;
      if (this.#retained.has(image.id)) return false; // a build is about to name it
      const isTooNew = until !== undefined && Date.parse(image.created) > until;
      return !isIntermediate && !isKept && !isTooNew && matchesLabels(image, filters);
    });
    const deleted: ImageDeleteItem[] = [];
    let spaceReclaimed = 0;
    for (const image of candidates) {
      const names = isNameless(image) ? [image.id] : [...image.tags, ...image.repoDigests];
      for (const name of names) {
        if (this.find(name) === undefined) continue; // went along with a name before
        try {
          const { items, freedBytes } = await this.#remove(name, { force: false, prune: true, usedBy });
          deleted.push(...items);
          spaceReclaimed += freedBytes;
        } catch (error) {
          if (!hasCode(error, 'image/in-use')) throw error;
        }
      }
    }
    const orphans = await this.collect({ usedBy });
    return { deleted, spaceReclaimed: spaceReclaimed + orphans.spaceReclaimed };
  }

  create(options: CreateImageOptions): Promise<Image> {
    return createImage(this.#parts, options);
  }

  async createList({ members, tags }: CreateListOptions): Promise<Digest> {
    const names = tags.map((tag) => withDefaultTag(parseReference(tag)));
    const references = names.map(canonicalText);
    const id = await createList(this.#parts, { members: this.#newMembers(members), references });
    const shown = this.#catalog.find(id)?.image.id ?? id;
    for (const { familiar } of names) this.#publish('tag', shown, familiar);
    return id;
  }

  async importTar(tar: Readable, options: ImportOptions): Promise<Image> {
    const image = await importTar(this.#parts, tar, options);
    this.#publish('import', image.id, image.id);
    return image;
  }

  async load(archive: Readable, options: LoadOptions): Promise<readonly Image[]> {
    const images = await loadArchive(this.#parts, archive, options);
    for (const { id } of images) this.#publish('load', id, id);
    return images;
  }

  save(namesOrIds: readonly string[], { signal }: { readonly signal: AbortSignal }): Readable {
    const images = this.#namedImages(namesOrIds);
    const releases = images.flatMap(({ image, list }) =>
      (list?.members.map((member) => member.image) ?? [image]).map(({ id }) => this.retain(id)),
    );
    const archive = saveArchive(images, this.#parts.content, this.#parts.layers, signal);
    const stream = Readable.from(archive, { objectMode: false });
    stream.once('close', () => {
      for (const release of releases) release();
    });
    for (const { image } of images) this.#publish('save', image.id, image.id);
    return stream;
  }

  saveAs(
    names: readonly string[],
    members: CreateListOptions['members'],
    { signal }: { readonly signal: AbortSignal },
  ): Readable {
    const found = this.#newMembers(members);
    const references = names.map((name) => withDefaultTag(parseReference(name)));
    const releases = found.map(({ image }) => this.retain(image.id));
    const isList = found.length > 1 || found.some(({ attestations }) => attestations.length > 0);
    const archive = async function* (parts: Parts): AsyncGenerator<Uint8Array, void, undefined> {
      const prepared = isList ? await prepareList(parts, found) : undefined;
      try {
        const image = bestOf(found.map((member) => member.image));
        if (image === undefined) return;
        const saved = { image, list: prepared?.list, references };
        yield* saveArchive([saved], parts.content, parts.layers, signal);
      } finally {
        prepared?.release();
      }
    };
    const stream = Readable.from(archive(this.#parts), { objectMode: false });
    stream.once('close', () => {
      for (const release of releases) release();
    });
    return stream;
  }

  async pull(reference: string, options: PullOptions): Promise<Image> {
    const parsed = withDefaultTag(parseReference(reference));
    const { image, isNew } = await this.#pull(parsed, options);
    options.onProgress(statusOf(parsed.familiar, isNew));
    return image;
  }

  async pullAll(repository: string, options: PullOptions): Promise<void> {
    const reference = parseReference(repository);
    const tags = await fromSources(this.#registries, reference, options, (session) => session.tags());
    let isNew = false;
    for (const tag of tags) {
      const pulled = await this.#pull(withTag(reference, tag), options);
      isNew ||= pulled.isNew;
    }
    options.onProgress(statusOf(reference.familiarRepository, isNew));
  }

  async #pull(reference: Reference, options: PullOptions): Promise<PulledImage> {
    const { familiar, familiarRepository } = reference;
    const pulled = await pullImage(this.#parts, this.#registries, this.#gate, familiar, options);
    if (options.naming !== 'none') this.#publish('pull', familiar, familiarRepository, pulled.image);
    return pulled;
  }

  async push(reference: string, options: PushOptions): Promise<void> {
    const parsed = parseReference(reference);
    await pushImage(this.#parts, this.#registries, parsed, options);
    if (options.image === undefined) this.#publish('push', parsed.familiar, parsed.familiarRepository);
  }

  checkLogin(auth: RegistryAuth, signal: AbortSignal): Promise<void> {
    return checkLogin(this.#registries, auth, signal);
  }

  distribution(reference: string, options: AskOptions): Promise<DistributionInspect> {
    return inspectDistribution(this.#registries, reference, options);
  }

  search(term: string, options: AskOptions & { readonly limit: number }): Promise<readonly SearchResult[]> {
    return searchIndex(this.#registries, term, options);
  }

  admit(image: Image, nameOrId: string, signal: AbortSignal): Promise<void> {
    return this.#gate.admitUse(image, nameOrId, signal);
  }

  retain(id: Digest): () => void {
    const image = this.#parts.state.image(id);
    const lease = this.#parts.content.lease();
    lease.add(id);
    const releaseLayers = image.chainId === undefined ? undefined : this.#parts.layers.retain(image.chainId);
    this.#retained.set(id, (this.#retained.get(id) ?? 0) + 1);
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      lease.release();
      releaseLayers?.();
      const count = (this.#retained.get(id) ?? 1) - 1;
      if (count === 0) this.#retained.delete(id);
      else this.#retained.set(id, count);
    };
  }

  async collect({
    usedBy,
  }: {
    readonly usedBy: () => readonly ImageUser[];
  }): Promise<{ readonly spaceReclaimed: number }> {
    await this.#beforeCollect?.();
    const layers = await this.#collectLayers(usedBy);
    const blobs = await this.#parts.content.collect(this.#catalog.blobs());
    return {
      spaceReclaimed:
        layers.reduce((sum, layer) => sum + layer.sizeBytes, 0) + blobs.reduce((sum, blob) => sum + blob.sizeBytes, 0),
    };
  }

  verify(signal: AbortSignal): Promise<StoreReport> {
    return verifyStore(this.#parts, signal);
  }

  layersSize(): number {
    return this.#parts.layers.list().reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  }

  get #catalog(): Catalog {
    return this.#parts.state.catalog;
  }

  async #remove(
    nameOrId: string,
    {
      force,
      prune,
      usedBy,
    }: { readonly force: boolean; readonly prune: boolean; readonly usedBy: () => readonly ImageUser[] },
  ): Promise<{ readonly items: readonly ImageDeleteItem[]; readonly freedBytes: number }> {
    const { layers, state } = this.#parts;
    const { untag, images, chains, named } = await state.change((catalog) => {
      const removal = decideRemoval(catalog, { nameOrId, force, prune, users: usedBy() });
      const chainsOf = removal.images.map(({ chainId }) => (chainId === undefined ? [] : layers.chain(chainId)));
      return {
        change: {
          removeReferences: removal.untag.map(canonicalText),
          removeImages: removal.images.map(({ id }) => id),
        } satisfies IndexChange,
        result: { ...removal, chains: chainsOf, named: catalog.resolve(nameOrId).image },
      };
    });
    const items: ImageDeleteItem[] = untag.map(({ familiar }) => ({ Untagged: familiar }));
    let freedBytes = 0;
    if (images.length > 0) {
      const gone = new Map((await this.#collectLayers(usedBy, chains.flat())).map((layer) => [layer.chainId, layer]));
      for (const [index, image] of images.entries()) {
        items.push({ Deleted: image.id });
        const below = new Set(chains[index + 1]?.map(({ chainId }) => chainId)); // told with the parent
        for (const { chainId, sizeBytes } of chains[index] ?? []) {
          if (below.has(chainId) || !gone.has(chainId)) continue;
          items.push({ Deleted: chainId });
          freedBytes += sizeBytes;
        }
      }
      await this.#parts.content.collect(this.#catalog.blobs());
    }
    untag.forEach(() => this.#publish('untag', named.id, named.id, named));
    for (const { id } of images) this.#publish('delete', id, id);
    return { items, freedBytes };
  }

  async #collectLayers(usedBy: () => readonly ImageUser[], among?: readonly Layer[]): Promise<readonly Layer[]> {
    const keep: ChainId[] = [];
    for (const { chainId } of [...this.list(), ...usedBy()]) if (chainId !== undefined) keep.push(chainId);
    const candidates = among?.map(({ chainId }) => chainId);
    return this.#parts.layers.collect(keep, candidates);
  }

  #newMembers(members: CreateListOptions['members']): NewMember[] {
    return members.map(({ image, attestations = [] }) => ({
      image: this.#catalog.resolve(image).image,
      attestations,
    }));
  }

  /** Of a repository without tag all the tags it has here; anything else is what it is. */
  #eachTag(nameOrId: string): readonly string[] {
    if (/^(?:sha256:)?[0-9a-f]{64}$/.test(nameOrId)) return [nameOrId];
    const { repository, tag, digest } = parseReference(nameOrId);
    const tags = tag === undefined && digest === undefined ? this.#catalog.tagsOf(repository) : [];
    return tags.length === 0 ? [nameOrId] : tags.map(({ familiar }) => familiar);
  }

  /** One entry an image, with all the names that were asked for. */
  #namedImages(namesOrIds: readonly string[]): SavedImage[] {
    const found = new Map<Digest, { image: Image; list: ImageList | undefined; references: Reference[] }>();
    for (const nameOrId of namesOrIds.flatMap((one) => this.#eachTag(one))) {
      const { image, by } = this.#catalog.resolve(nameOrId);
      const list = this.#catalog.listOf(nameOrId);
      const entry = found.get(list?.id ?? image.id) ?? { image, list, references: [] };
      found.set(list?.id ?? image.id, entry);
      const reference = by === 'name' ? withDefaultTag(parseReference(nameOrId)) : undefined;
      if (reference?.tag === undefined || reference.digest !== undefined) continue;
      if (!entry.references.some(({ familiar }) => familiar === reference.familiar)) entry.references.push(reference);
    }
    return [...found.values()];
  }

  #publish(action: string, id: string, name: string, image?: Image): void {
    const labels = (image ?? this.#catalog.find(id)?.image)?.config.config?.Labels ?? {};
    this.#events.publish({ Type: 'image', Action: action, Actor: { ID: id, Attributes: { ...labels, name } } });
  }
}

function isNameless({ tags, repoDigests }: Image): boolean {
  return tags.length === 0 && repoDigests.length === 0;
}

function statusOf(familiar: string, isNew: boolean): ProgressMessage {
  return { status: `Status: ${isNew ? 'Downloaded newer image' : 'Image is up to date'} for ${familiar}` };
}
