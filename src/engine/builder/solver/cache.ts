import { type Digest, hexOf } from '../../../base/digest.js';
import type { Log } from '../../../base/log.js';
import type { ChainId, LayerStore } from '../../snapshots/index.js';
import { openRecords } from '../../store/index.js';
import type { Outcome } from './operation.js';

export interface CacheRecord {
  readonly chainId: ChainId | null;
  readonly detail: string | null;
  readonly description: string;
  /** Of the layer this outcome added; 0 where it added none. */
  readonly sizeBytes: number;
  /** RFC 3339 */
  readonly createdAt: string;
  readonly lastUsedAt: string;
  readonly useCount: number;
}

export interface CacheEntry extends CacheRecord {
  readonly id: string;
}

/** Outcomes by key, on disk. The layers of what is in it are kept from collection. */
export interface BuildCache {
  /** Undefined also where the layer is gone. */
  get(key: Digest): CacheRecord | undefined;
  put(
    key: Digest,
    outcome: Outcome,
    facts: { readonly description: string; readonly createdAt: string },
  ): Promise<void>;
  entries(): readonly CacheEntry[];
  remove(id: string): Promise<void>;
}

/** A use is written down again only after this long, so that a build without work writes nothing. */
const useGranularityMs = 60 * 60 * 1000;

export async function openBuildCache(options: {
  readonly dir: string;
  readonly layers: LayerStore;
  readonly log: Log;
  readonly now: () => Date;
}): Promise<BuildCache> {
  const { dir, layers, log, now } = options;
  const records = await openRecords<CacheRecord>({ dir, schema: 1, parse: parseRecord, log });
  const releases = new Map<string, () => void>();
  const hold = (id: string, chainId: ChainId | null): void => {
    if (chainId === null || releases.has(id)) return;
    releases.set(id, layers.retain(chainId));
  };
  for (const [id, { chainId }] of records.entries()) {
    if (chainId !== null && layers.get(chainId) === undefined) await records.delete(id);
    else hold(id, chainId);
  }
  const drop = async (id: string): Promise<void> => {
    releases.get(id)?.();
    releases.delete(id);
    await records.delete(id);
  };

  return {
    get: (key) => {
      const id = hexOf(key);
      const record = records.get(id);
      if (record === undefined) return undefined;
      if (record.chainId !== null && layers.get(record.chainId) === undefined) return undefined;
      if (now().getTime() - Date.parse(record.lastUsedAt) > useGranularityMs) {
        const used = { ...record, lastUsedAt: now().toISOString(), useCount: record.useCount + 1 };
        records.put(id, used).catch((error: unknown) => {
          log.warn('cannot note the use of a cached build step', { id, error });
        });
      }
      return record;
    },
    put: async (key, { chainId, detail }, { description, createdAt }) => {
      const id = hexOf(key);
      if (records.get(id) !== undefined) await drop(id);
      await records.put(id, {
        chainId: chainId ?? null,
        detail: detail ?? null,
        description,
        sizeBytes: chainId === undefined ? 0 : (layers.get(chainId)?.sizeBytes ?? 0),
        createdAt,
        lastUsedAt: createdAt,
        useCount: 1,
      });
      hold(id, chainId ?? null);
    },
    entries: () => records.entries().map(([id, record]) => ({ id, ...record })),
    remove: drop,
  };
}

function parseRecord(value: unknown): CacheRecord {
  const record = value as Partial<Record<keyof CacheRecord, unknown>> | null;
  if (
    typeof record !== 'object' ||
    record === null ||
    (record.chainId !== null && typeof record.chainId !== 'string') ||
    (record.detail !== null && typeof record.detail !== 'string') ||
    typeof record.description !== 'string' ||
    typeof record.sizeBytes !== 'number' ||
    typeof record.createdAt !== 'string' ||
    typeof record.lastUsedAt !== 'string' ||
    typeof record.useCount !== 'number'
  ) {
    throw new Error('not a record of a build step');
  }
  return record as CacheRecord; // checked member by member above
}
