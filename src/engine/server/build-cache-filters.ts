import type { Filters } from '../../api/common.js';
import type { CacheUsage, PruneChoice } from '../builder/index.js';
import { badParameter } from './errors.js';
import type { Query } from './query.js';
import { parseUntil } from './until.js';

/** A record as `system df -v` tells it, by the names that filters have. `parent` is none. */
const fields: Readonly<Record<string, (entry: CacheUsage) => string>> = {
  id: ({ id }) => id,
  parent: () => '',
  type: () => 'regular',
  description: ({ description }) => description,
  inuse: ({ inUse }) => String(inUse),
  shared: () => 'false',
  private: () => 'true',
};

/**
 * What `POST /build/prune` is to take: all `filters` must hold, of the least recently used first until `keep-storage`
 * bytes are left. A step has no labels: what asks for one takes none, where dockerd takes everything.
 * @throws `request/bad-parameter`
 */
export function pruneChoice(query: Query, nowMs: number): PruneChoice {
  const filters = query.filters([...Object.keys(fields), 'until', 'unused-for', 'label', 'label!']);
  const keepBytes = query.integer('keep-storage') ?? 0;
  const tests = Object.keys(filters).map((key) => testOf(filters, key, nowMs));
  return {
    ...(tests.length === 0 ? {} : { matches: (entry) => tests.every((holds) => holds(entry)) }),
    ...(keepBytes > 0 ? { keepBytes } : {}),
  };
}

function testOf(filters: Filters, key: string, nowMs: number): (entry: CacheUsage) => boolean {
  if (key === 'label' || key === 'label!') return () => key === 'label!';
  const [value, ...more] = filters[key] ?? [];
  if (more.length > 0) throw badParameter('filters', 'filters expect only one value');
  const field = fields[key];
  if (field === undefined) {
    const beforeMs = parseUntil(value ?? '', nowMs);
    return ({ lastUsedAt }) => Date.parse(lastUsedAt) < beforeMs;
  }
  if (value === undefined) return (entry) => !['', 'false'].includes(field(entry));
  if (key !== 'id') return (entry) => field(entry) === value;
  const pattern = patternOf(value);
  return ({ id }) => pattern.test(id);
}

function patternOf(text: string): RegExp {
  try {
    return new RegExp(text);
  } catch {
    throw badParameter('filters', `invalid filter 'id=${text}': it is no regular expression`);
  }
}
