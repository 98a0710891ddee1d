export interface CacheUsage {
  readonly id: string;
  readonly description: string;
  readonly sizeBytes: number;
  readonly createdAt: string;
  readonly lastUsedAt: string;
  readonly useCount: number;
  /** An image has its layer as well. */
  readonly inUse: boolean;
}

/** Which steps a prune forgets; empty: all. */
export interface PruneChoice {
  readonly matches?: (entry: CacheUsage) => boolean;
  /** The most recently used stay, up to so many bytes. */
  readonly keepBytes?: number;
}

/** What a prune forgets, the most recently used first. */
export function chosen(
  usage: readonly CacheUsage[],
  { matches = () => true, keepBytes = 0 }: PruneChoice,
): CacheUsage[] {
  let left = keepBytes;
  return [...usage]
    .sort((a, b) => Date.parse(b.lastUsedAt) - Date.parse(a.lastUsedAt))
    .filter(({ sizeBytes }) => keepBytes === 0 || (left -= sizeBytes) < 0)
    .filter(matches);
}
