import type { Log } from '../../base/log.js';
import { type Digest, isDigest } from '../../base/digest.js';
import { messageOf } from '../../base/errors.js';
import type { ContentStore } from '../content/index.js';
import { chainIdOf, type LayerStore } from '../snapshots/index.js';
import { Catalog } from './catalog.js';
import { type OciImageConfig, parseImageConfig } from './config.js';
import {
  type ImageIndex,
  type ImageRecord,
  type ListRecord,
  type Origin,
  readIndex,
  type RemoteLayer,
  writeIndex,
} from './image-index.js';
import type { Image } from './types.js';

/** A change of the index; only what it names. */
export interface IndexChange {
  readonly addImages?: readonly {
    readonly id: Digest;
    readonly config: OciImageConfig;
    readonly parent?: Digest | undefined;
  }[];
  readonly addLists?: Readonly<Record<string, ListRecord>>;
  readonly removeImages?: readonly Digest[];
  readonly setReferences?: Readonly<Record<string, Digest>>;
  readonly removeReferences?: readonly string[];
  readonly addRemoteLayers?: Readonly<Record<string, RemoteLayer>>;
  readonly addOrigins?: Readonly<Record<string, Origin>>;
  /** Images that are about to get a digest of a registry without coming from there. */
  readonly pushed?: readonly Digest[];
}

const maxRemotesPerLayer = 20;
const maxOrigins = 20;

/** The catalog and its file. Changes are made one after the other, each from what the one before left. */
export class StoreState {
  readonly #path: string;
  readonly #layers: LayerStore;
  #catalog: Catalog;
  #changing: Promise<unknown> = Promise.resolve();

  private constructor(path: string, layers: LayerStore, catalog: Catalog) {
    this.#path = path;
    this.#layers = layers;
    this.#catalog = catalog;
  }

  /**
   * Reads the index. Images whose config or layers did not survive are dropped, and their names go back to what they
   * meant before, if that is still there.
   */
  static async open(path: string, content: ContentStore, layers: LayerStore, log: Log): Promise<StoreState> {
    const index = await readIndex(path, log);
    const configs = new Map<Digest, OciImageConfig>();
    for (const id of Object.keys(index.images).filter(isDigest)) {
      try {
        const config = parseImageConfig(await content.readVerified(id));
        const chainId = chainIdOf(config.rootfs.diff_ids);
        if (chainId !== undefined) layers.chain(chainId); // throws when one is missing
        configs.set(id, config);
      } catch (error) {
        log.warn('dropping an image that is not whole', { id, reason: messageOf(error) });
      }
    }
    return new StoreState(path, layers, new Catalog(withoutMissing(index, configs), configs, layers));
  }

  get catalog(): Catalog {
    return this.#catalog;
  }

  /** @param decide - sees what all earlier changes left; undefined changes nothing */
  change<Result>(
    decide: (catalog: Catalog) => { readonly change?: IndexChange; readonly result: Result },
  ): Promise<Result> {
    const changing = this.#changing
      .catch(() => undefined)
      .then(async () => {
        const { change, result } = decide(this.#catalog);
        if (change === undefined) return result;
        const configs = new Map(this.#catalog.configs);
        for (const { id, config } of change.addImages ?? []) configs.set(id, config);
        for (const id of change.removeImages ?? []) configs.delete(id);
        const index = withReplaced(this.#catalog.index, applyChange(this.#catalog.index, change), this.#layers);
        await writeIndex(this.#path, index);
        this.#catalog = new Catalog(index, configs, this.#layers);
        return result;
      });
    this.#changing = changing;
    return changing;
  }

  image(id: Digest): Image {
    const image = this.#catalog.get(id);
    if (image === undefined) throw new Error(`bug: the image ${id} is not in the catalog`);
    return image;
  }
}

function applyChange(index: ImageIndex, change: IndexChange): ImageIndex {
  const images = { ...index.images };
  const references = { ...index.references };
  for (const { id, parent } of change.addImages ?? []) {
    const before = images[id] ?? {};
    images[id] = parent === undefined || parent === id ? before : { ...before, parent };
  }
  for (const text of change.removeReferences ?? []) Reflect.deleteProperty(references, text);
  for (const id of change.removeImages ?? []) {
    Reflect.deleteProperty(images, id);
    for (const [child, record] of Object.entries(images)) {
      if (record.parent !== id) continue;
      images[child] = withoutParent(record);
    }
  }
  for (const [id, origin] of Object.entries(change.addOrigins ?? {})) {
    const record = images[id];
    if (record === undefined) continue;
    const others = (record.origins ?? []).filter((other) => JSON.stringify(other) !== JSON.stringify(origin));
    images[id] = { ...record, origins: [origin, ...others].slice(0, maxOrigins) };
  }
  for (const pushed of change.pushed ?? []) {
    const record = images[pushed];
    if (record === undefined || record.origins !== undefined) continue;
    const hasDigest = Object.entries(references).some(([text, id]) => id === pushed && text.includes('@'));
    if (!hasDigest) images[pushed] = { ...record, origins: [] };
  }
  const lastTagTime = new Date().toISOString();
  const known = { ...index.lists, ...change.addLists };
  for (const [text, id] of Object.entries(change.setReferences ?? {})) {
    references[text] = id;
    if (text.includes('@')) continue;
    for (const tagged of known[id]?.members.map(({ image }) => image) ?? [id]) {
      const record = images[tagged];
      if (record !== undefined) images[tagged] = { ...record, lastTagTime };
    }
  }
  const remoteLayers = { ...index.remoteLayers };
  for (const [diffId, remote] of Object.entries(change.addRemoteLayers ?? {})) {
    const others = (remoteLayers[diffId] ?? []).filter(({ repository }) => repository !== remote.repository);
    remoteLayers[diffId] = [remote, ...others].slice(0, maxRemotesPerLayer);
  }
  const named = new Set<string>(Object.values(references));
  const lists = Object.fromEntries(Object.entries(known).filter(([id]) => named.has(id)));
  return { ...index, images, references, remoteLayers, lists };
}

/** Notes what the names of `next` meant before, as long as there are layers that a power cut would take. */
function withReplaced(before: ImageIndex, next: ImageIndex, layers: LayerStore): ImageIndex {
  const { replaced: noted = {}, ...settled } = next;
  if (layers.isSynced()) return settled;
  const replaced: Record<string, Digest> = {};
  for (const [text, id] of Object.entries(next.references)) {
    const old = noted[text] ?? before.references[text];
    if (old !== undefined && old !== id) replaced[text] = old;
  }
  return { ...settled, replaced };
}

function withoutParent({ origins, lastTagTime }: ImageRecord): ImageRecord {
  return { ...(origins === undefined ? {} : { origins }), ...(lastTagTime === undefined ? {} : { lastTagTime }) };
}

function withoutMissing(index: ImageIndex, configs: ReadonlyMap<Digest, OciImageConfig>): ImageIndex {
  const missing = Object.keys(index.images)
    .filter(isDigest)
    .filter((id) => !configs.has(id));
  const isWhole = (id: Digest): boolean =>
    configs.has(id) || index.lists?.[id]?.members.every(({ image }) => configs.has(image)) === true;
  const dangling = Object.entries(index.references).filter(([, id]) => !isWhole(id));
  const setReferences: Record<string, Digest> = {};
  for (const [text] of dangling) {
    const before = index.replaced?.[text];
    if (before !== undefined && isWhole(before)) setReferences[text] = before;
  }
  const removeReferences = dangling.map(([text]) => text);
  return applyChange(index, { removeImages: missing, removeReferences, setReferences });
}
