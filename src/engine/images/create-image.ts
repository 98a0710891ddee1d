import { type Digest, digestOf } from '../../base/digest.js';
import { canonicalText, parseReference, withDefaultTag } from '../../registry/index.js';
import type { ContentLease, ContentStore } from '../content/index.js';
import { type ChainId, chainIdOf, type LayerStore } from '../snapshots/index.js';
import { type OciImageConfig, parseImageConfig } from './config.js';
import { stableJson } from './json.js';
import type { StoreState } from './store-state.js';
import type { CreateImageOptions, Image } from './types.js';

/** What the functions of this room work on. */
export interface Parts {
  readonly content: ContentStore;
  readonly layers: LayerStore;
  readonly state: StoreState;
}

export async function createImage(parts: Parts, options: CreateImageOptions): Promise<Image> {
  const { chainId, config, parent, tags = [] } = options;
  const chain = chainId === undefined ? [] : [...parts.layers.chain(chainId)].reverse();
  const whole: OciImageConfig = { ...config, rootfs: { type: 'layers', diff_ids: chain.map(({ diffId }) => diffId) } };
  const references = tags.map((tag) => canonicalText(withDefaultTag(parseReference(tag))));
  return addImage(parts, Buffer.from(stableJson(whole)), { parent, references });
}

export interface AddOptions {
  readonly parent?: Digest | undefined;
  /** Whole references, with tag or digest, that will name the image. */
  readonly references?: readonly string[];
}

/**
 * Makes an image of a config whose layers are all here. Its layers are on the disk itself within seconds; a power cut
 * before takes the image as a whole, and its names mean again what they meant before.
 */
export async function addImage(
  parts: Parts,
  configBytes: Buffer,
  { parent, references = [] }: AddOptions,
): Promise<Image> {
  const { content, layers, state } = parts;
  const config = parseImageConfig(configBytes);
  const chainId = chainIdOf(config.rootfs.diff_ids);
  await using holds = hold(content.lease(), layers, chainId);
  const id = digestOf(configBytes);
  holds.lease.add(id); // before it is written: collecting may be under way
  await content.writeBytes(configBytes);
  await state.change(() => ({
    change: {
      addImages: [{ id, config, parent }],
      setReferences: Object.fromEntries(references.map((text) => [text, id])),
    },
    result: undefined,
  }));
  return state.image(id);
}

/** Keeps a config and a chain until the index names them. */
function hold(
  lease: ContentLease,
  layers: LayerStore,
  chainId: ChainId | undefined,
): AsyncDisposable & { readonly lease: ContentLease } {
  const release = chainId === undefined ? undefined : layers.retain(chainId);
  return {
    lease,
    [Symbol.asyncDispose]: () => {
      lease.release();
      release?.();
      return Promise.resolve();
    },
  };
}
