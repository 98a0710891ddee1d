import { type Digest, hexOf, isDigest } from '../../base/digest.js';
import { TscomposeError } from '../../base/errors.js';
import { canonicalText, parseReference, type Reference, withDefaultTag } from '../../registry/index.js';
import { type ChainId, chainIdOf, type LayerStore } from '../snapshots/index.js';
import type { OciImageConfig } from './config.js';
import type { ImageIndex, ImageRecord, Origin } from './image-index.js';
import type { Image } from './types.js';

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

  constructor(index: ImageIndex, configs: ReadonlyMap<Digest, OciImageConfig>, layers: LayerStore) {
    this.index = index;
    this.#configs = configs;
    const names = new Map<Digest, Reference[]>();
    for (const [text, id] of Object.entries(index.references)) {
      const list = names.get(id) ?? [];
      list.push(parseReference(text));
      names.set(id, list);
    }
    for (const [id, record] of Object.entries(index.images)) {
      const config = configs.get(id as Digest); // keys were checked when the index was read
      if (config === undefined) continue;
      const image = describe(id as Digest, record, config, names.get(id as Digest) ?? [], layers);
      this.#images.set(image.id, image);
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

  /** Every name of an image, sorted. */
  references(id: Digest): readonly Reference[] {
    return Object.keys(this.index.references)
      .filter((text) => this.index.references[text] === id)
      .sort()
      .map(parseReference);
  }

  /** How `nameOrId` names an image: a name wins over an id that looks alike. @throws `image/ambiguous`, `image/invalid-reference` */
  find(nameOrId: string): { readonly image: Image; readonly by: 'name' | 'id' } | undefined {
    if (isDigest(nameOrId)) return this.#byId(nameOrId);
    const hex = idPattern.exec(nameOrId)?.[1];
    if (hex?.length === 64) return this.#byId(`sha256:${hex}` as Digest); // the pattern is a digest's
    if (nameOrId.startsWith('sha256:')) return hex === undefined ? undefined : this.#byPrefix(hex, nameOrId);
    const reference = withDefaultTag(parseReference(nameOrId));
    const named = this.#byName(reference);
    if (named !== undefined) return { image: named, by: 'name' };
    return hex === undefined ? undefined : this.#byPrefix(hex, nameOrId);
  }

  /** @throws `image/not-found`, `image/ambiguous`, `image/invalid-reference` */
  resolve(nameOrId: string): { readonly image: Image; readonly by: 'name' | 'id' } {
    const found = this.find(nameOrId);
    if (found === undefined) throw imageNotFound(nameOrId);
    return found;
  }

  #byName(reference: Reference): Image | undefined {
    const { repository, digest } = reference;
    const text = digest === undefined ? canonicalText(reference) : `${repository}@${digest}`;
    const id = this.index.references[text];
    if (id !== undefined) return this.#images.get(id);
    // `name@id`: an image made here has no digest of a registry, but its own.
    const own = digest === undefined ? undefined : this.#images.get(digest);
    return own?.tags.some((tag) => parseReference(tag).repository === repository) === true ? own : undefined;
  }

  #byId(id: Digest): { image: Image; by: 'id' } | undefined {
    const image = this.#images.get(id);
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
