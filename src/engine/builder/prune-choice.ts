/** What is cached: a step, or as a whole the cache mounts or the folders that clients sent. */
export interface CacheUsage {
  readonly id: string;
  readonly type: 'regular' | 'exec.cachemount' | 'source.local';
  readonly description: string;
  readonly sizeBytes: number;
  readonly createdAt: string;
  readonly lastUsedAt: string;
  readonly useCount: number;
  /** An image has its layer as well. */
  readonly shared: boolean;
}

/** What a prune forgets; empty: all. */
export interface PruneChoice {
  /** What images have as well stays, as its layers would. */
  readonly keepShared?: boolean;
  readonly matches?: (entry: CacheUsage) => boolean;
  /** The most recently used stay, up to so many bytes. */
  readonly keepBytes?: number;
}

/** The steps that a prune forgets, the least recently used first. */
export function chosen(
  usage: readonly CacheUsage[],
  { keepShared = false, matches = () => true, keepBytes = 0 }: PruneChoice,
): CacheUsage[] {
  const bytesOf = ({ shared, sizeBytes }: CacheUsage) => (shared && keepShared ? 0 : sizeBytes);
  let left = usage.reduce((sum, entry) => sum + bytesOf(entry), 0);
  return usage
    .filter((entry) => !(keepShared && entry.shared) && matches(entry))
    .sort((a, b) => Date.parse(a.lastUsedAt) - Date.parse(b.lastUsedAt))
    .filter((entry) => {
      const isTooMuch = keepBytes === 0 || left > keepBytes;
      if (isTooMuch) left -= bytesOf(entry);
      return isTooMuch;
    });
}

/** Whether what has no records of its own goes, too. */
export function takesWhole({ matches = () => true, keepBytes }: PruneChoice, type: CacheUsage['type']): boolean {
  const now = new Date().toISOString();
  const times = { createdAt: now, lastUsedAt: now, useCount: 0 };
  return (
    keepBytes === undefined && matches({ id: type, type, description: type, sizeBytes: 0, shared: false, ...times })
  );
}

/** What filters know a record by. `parent` is none, and no build that runs counts as a user. */
export const cacheFields: Readonly<Record<string, (entry: CacheUsage) => string>> = {
  id: ({ id }) => id,
  parent: () => '',
  type: ({ type }) => type,
  description: ({ description }) => description,
  inuse: () => 'false',
  shared: ({ shared }) => String(shared),
  private: ({ shared }) => String(!shared),
};

/**
 * A test as clients write it: without an operator, whether the field is there and not false.
 * @throws SyntaxError for a pattern that is none
 */
export function cacheTest(
  field: string,
  operator: '' | '==' | '!=' | '~=',
  value: string,
): (entry: CacheUsage) => boolean {
  const valueOf = cacheFields[field] ?? (() => '');
  if (operator === '') return (entry) => !['', 'false'].includes(valueOf(entry));
  if (operator === '==') return (entry) => valueOf(entry) === value;
  if (operator === '!=') return (entry) => valueOf(entry) !== value;
  const pattern = new RegExp(value);
  return (entry) => pattern.test(valueOf(entry));
}
