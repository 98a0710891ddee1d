import { type Digest, hexOf, isDigest } from '../../base/digest.js';
import { TscomposeError } from '../../base/errors.js';
import { canonicalText, parseReference, type Platform, type Reference, withDefaultTag } from '../../registry/index.js';
import { type ChainId, chainIdOf, type LayerStore } from '../snapshots/index.js';
import { bestOf } from './best-of.js';
import type { OciImageConfig } from './config.js';
import type { ImageIndex, ImageRecord, Origin } from './image-index.js';
import type { Image, ImageList } from './types.js';

const idPattern = /^(?:sha256:)?([0-9a-f]{1,64})$/;

/**
 * An immutable view of all images and names, with the lookups over it. A change makes a new one from the index, so that
 * nobody ever sees half of it.
 */
export class Catalog {
  readonly index: ImageIndex;
  readonly #configs: ReadonlyMap<Digest, OciImageConfig>;
  readonly #images = new Map<Digest, Image>();
  readonly #children = new Map<Digest, Image[]>();
  readonly #lists = new Map<Digest, ImageList>();
  /** Image → lists it is in. */
  readonly #listsOf = new Map<Digest, Digest[]>();

  constructor(index: ImageIndex, configs: ReadonlyMap<Digest, OciImageConfig>, layers: LayerStore) {
    this.index = index;
    this.#configs = configs;
    const names = new Map<Digest, Reference[]>();
    for (const [text, id] of Object.entries(index.references)) {
      for (const image of index.lists?.[id]?.members.map((member) => member.image) ?? [id]) {
        names.set(image, [...(names.get(image) ?? []), parseReference(text)]);
      }
    }
    for (const [id, record] of Object.entries(index.images)) {
      const config = configs.get(id as Digest); // keys were checked when the index was read
      if (config === undefined) continue;
      const image = describe(id as Digest, record, config, names.get(id as Digest) ?? [], layers);
      this.#images.set(image.id, image);
    }
    for (const [id, record] of Object.entries(index.lists ?? {})) {
      const members = record.members.flatMap(({ image, attestations }) => {
        const found = this.#images.get(image);
        return found === undefined ? [] : [{ image: found, attestations }];
      });
      this.#lists.set(id as Digest, { id: id as Digest, members });
      for (const { image } of members) {
        this.#listsOf.set(image.id, [...(this.#listsOf.get(image.id) ?? []), id as Digest]);
      }
    }
    for (const image of this.#images.values()) {
      if (image.parent === undefined) continue;
      this.#children.set(image.parent, [...(this.#children.get(image.parent) ?? []), image]);
    }
  }

  get configs(): ReadonlyMap<Digest, OciImageConfig> {
    return this.#configs;
  }

  images(): readonly Image[] {
    return [...this.#images.values()];
  }

  get(id: Digest): Image | undefined {
    return this.#images.get(id);
  }

  children(id: Digest): readonly Image[] {
    return this.#children.get(id) ?? [];
  }

  /** Every name of an image, or of a list it is in, sorted. */
  references(id: Digest): readonly Reference[] {
    const targets = new Set<Digest | undefined>([id, ...(this.#listsOf.get(id) ?? [])]);
    return Object.keys(this.index.references)
      .filter((text) => targets.has(this.index.references[text]))
      .sort()
      .map(parseReference);
  }

  /** @param repository - `docker.io/library/busybox` */
  tagsOf(repository: string): readonly Reference[] {
    return Object.keys(this.index.references)
      .sort()
      .map(parseReference)
      .filter((known) => known.repository === repository && known.digest === undefined);
  }

  /** The list that a name or a list's own digest stands for. @throws `image/invalid-reference` */
  listOf(nameOrId: string): ImageList | undefined {
    if (isDigest(nameOrId)) return this.#lists.get(nameOrId);
    if (nameOrId.startsWith('sha256:')) return undefined;
    const id = this.index.references[textOf(withDefaultTag(parseReference(nameOrId)))];
    return id === undefined ? undefined : this.#lists.get(id);
  }

  /** Whether an image is in lists only, and each of them has one that serves this machine better. */
  isOnlyVariant({ id }: Image): boolean {
    const lists = this.#listsOf.get(id) ?? [];
    if (lists.length === 0 || Object.values(this.index.references).includes(id)) return false;
    return lists.every((list) => this.#bestOf(list)?.id !== id);
  }

  /** Every blob that is not to be collected. */
  blobs(): Set<Digest> {
    const attestations = [...this.#lists.values()].flatMap(({ members }) => members.flatMap((one) => one.attestations));
    return new Set([...this.#configs.keys(), ...attestations.map(({ digest }) => digest)]);
  }

  /** How `nameOrId` names an image: a name wins over an id that looks alike. @throws `image/ambiguous`, `image/invalid-reference` */
  find(nameOrId: string, platform?: Platform): { readonly image: Image; readonly by: 'name' | 'id' } | undefined {
    if (isDigest(nameOrId)) return this.#byId(nameOrId, platform);
    const hex = idPattern.exec(nameOrId)?.[1];
    if (hex?.length === 64) return this.#byId(`sha256:${hex}` as Digest, platform); // the pattern is a digest's
    if (nameOrId.startsWith('sha256:')) return hex === undefined ? undefined : this.#byPrefix(hex, nameOrId);
    const reference = withDefaultTag(parseReference(nameOrId));
    const named = this.#byName(reference, platform);
    if (named !== undefined) return { image: named, by: 'name' };
    return hex === undefined ? undefined : this.#byPrefix(hex, nameOrId);
  }

  /** @throws `image/not-found`, `image/ambiguous`, `image/invalid-reference` */
  resolve(nameOrId: string, platform?: Platform): { readonly image: Image; readonly by: 'name' | 'id' } {
    const found = this.find(nameOrId, platform);
    if (found === undefined) throw imageNotFound(nameOrId);
    return found;
  }

  #byName(reference: Reference, platform: Platform | undefined): Image | undefined {
    const { repository, digest } = reference;
    const id = this.index.references[textOf(reference)];
    if (id !== undefined) return this.#images.get(id) ?? this.#bestOf(id, platform);
    // `name@id`: an image made here has no digest of a registry, but its own.
    const own = digest === undefined ? undefined : this.#images.get(digest);
    return own?.tags.some((tag) => parseReference(tag).repository === repository) === true ? own : undefined;
  }

  #bestOf(list: Digest, platform?: Platform): Image | undefined {
    return bestOf(this.#lists.get(list)?.members.map(({ image }) => image) ?? [], platform);
  }

  #byId(id: Digest, platform: Platform | undefined): { image: Image; by: 'id' } | undefined {
    const image = this.#images.get(id) ?? this.#bestOf(id, platform);
    return image === undefined ? undefined : { image, by: 'id' };
  }

  #byPrefix(prefix: string, asked: string): { image: Image; by: 'id' } | undefined {
    const matches = this.images().filter(({ id }) => hexOf(id).startsWith(prefix));
    if (matches.length > 1) {
      throw new TscomposeError({
        code: 'image/ambiguous',
        message: `several images have an id that begins with ${asked}`,
        facts: { reference: asked, matches: matches.map(({ id }) => id) },
        hint: 'write more digits of it',
      });
    }
    const [image] = matches;
    return image === undefined ? undefined : { image, by: 'id' };
  }
}

/** As the index has names; with a digest the tag does not count. */
function textOf(reference: Reference): string {
  const { repository, digest } = reference;
  return digest === undefined ? canonicalText(reference) : `${repository}@${digest}`;
}

export function imageNotFound(nameOrId: string): TscomposeError<'image/not-found'> {
  const reference = nameOrId.startsWith('sha256:') ? nameOrId : withDefaultTag(parseReference(nameOrId)).familiar;
  return new TscomposeError({
    code: 'image/not-found',
    message: `No such image: ${reference}`,
    facts: { reference },
  });
}

function describe(
  id: Digest,
  record: ImageRecord,
  config: OciImageConfig,
  names: readonly Reference[],
  layers: LayerStore,
): Image {
  const chainId = chainIdOf(config.rootfs.diff_ids);
  return {
    id,
    config,
    ...(chainId === undefined ? {} : { chainId }),
    ...(record.parent === undefined ? {} : { parent: record.parent }),
    origins: record.origins ?? names.flatMap(originOf),
    tags: names
      .filter(({ digest }) => digest === undefined)
      .map(({ familiar }) => familiar)
      .sort(),
    repoDigests: names
      .filter(({ digest }) => digest !== undefined)
      .map(({ familiar }) => familiar)
      .sort(),
    sizeBytes: chainSize(chainId, layers),
    created: config.created ?? '0001-01-01T00:00:00Z',
    ...(record.lastTagTime === undefined ? {} : { lastTagTime: record.lastTagTime }),
  };
}

/** What earlier versions, which kept no origins, have left of one. */
function originOf({ repository, digest }: Reference): Origin[] {
  return digest === undefined ? [] : [{ repository, digests: [digest] }];
}

function chainSize(chainId: ChainId | undefined, layers: LayerStore): number {
  if (chainId === undefined) return 0;
  return layers.chain(chainId).reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}
