import { isDigest, type Digest } from '../../../base/digest.js';
import type { Image, OciImageConfig } from '../../images/index.js';
import type { ChainId, LayerStore } from '../../snapshots/index.js';
import type { BuildCache } from '../solver/cache.js';
import type { Solved } from '../solver/operation.js';

/**
 * Steps that an image carries with it, as a member of its config: the layers they came to are layers of the image.
 * BuildKit's inline cache has a member of its own, `moby.buildkit.cache.v0`, whose keys mean nothing here.
 */
export interface CacheDocument {
  readonly records: readonly PortableRecord[];
  /** Images with the steps of other stages. */
  readonly more?: readonly string[];
}

export interface PortableRecord {
  readonly key: Digest;
  /** How many of the image's layers, base first; null for a step without files. */
  readonly layers: number | null;
  readonly detail: string | null;
  readonly description: string;
  /** RFC 3339 */
  readonly createdAt: string;
}

const member = 'io.tscompose.buildcache.v1';

/** A step of this build and what it came to. */
export interface DoneStep {
  readonly description: string;
  readonly solved: Solved;
}

type NewConfig = Omit<OciImageConfig, 'rootfs'>;

export function withDocument(config: NewConfig, document: CacheDocument): NewConfig {
  return Object.assign({}, config, { [member]: document });
}

/** Undefined where the image carries none. What is in it came from outside: only what has the right shape is taken. */
export function documentOf(image: Image): CacheDocument | undefined {
  const found: unknown = Reflect.get(image.config, member);
  if (typeof found !== 'object' || found === null) return undefined;
  const { records, more } = found as { records?: unknown; more?: unknown };
  return {
    records: Array.isArray(records) ? records.filter(isRecord) : [],
    more: Array.isArray(more) ? more.filter((name) => typeof name === 'string') : [],
  };
}

function isRecord(value: unknown): value is PortableRecord {
  const { key, layers, detail, description, createdAt } = (value ?? {}) as Partial<
    Record<keyof PortableRecord, unknown>
  >;
  return (
    typeof key === 'string' &&
    isDigest(key) &&
    (layers === null || (Number.isSafeInteger(layers) && Number(layers) > 0)) &&
    (detail === null || typeof detail === 'string') &&
    typeof description === 'string' &&
    typeof createdAt === 'string' &&
    !Number.isNaN(Date.parse(createdAt))
  );
}

/** The chains from the base up to `chainId`. */
export function chainsUpTo(layers: LayerStore, chainId: ChainId | undefined): ChainId[] {
  return chainId === undefined
    ? []
    : layers
        .chain(chainId)
        .map((layer) => layer.chainId)
        .reverse();
}

/** The steps whose files are layers of an image with this chain. */
export function recordsWithin(
  layers: LayerStore,
  chainId: ChainId | undefined,
  steps: readonly DoneStep[],
): PortableRecord[] {
  const chains = chainsUpTo(layers, chainId);
  return steps.flatMap(({ description, solved: { key, chainId: own, detail, createdAt } }) => {
    const depth = own === undefined ? null : chains.indexOf(own) + 1;
    if (key === undefined || depth === 0) return [];
    return [{ key, layers: depth, detail: detail ?? null, description, createdAt }];
  });
}

/** Takes the records of an image over, those that are not known yet. */
export async function takeRecords(
  cache: BuildCache,
  layers: LayerStore,
  image: Image,
  document: CacheDocument,
): Promise<void> {
  const chains = chainsUpTo(layers, image.chainId);
  for (const { key, layers: depth, detail, description, createdAt } of document.records) {
    const chainId = depth === null ? undefined : chains[depth - 1];
    if ((depth !== null && chainId === undefined) || cache.get(key) !== undefined) continue;
    await cache.put(key, { chainId, detail: detail ?? undefined }, { description, createdAt });
  }
}
