import type { Filters } from '../../api/common.js';
import { cacheFields, cacheTest, type CacheUsage, type PruneChoice } from '../builder/index.js';
export { takesWhole } from '../builder/index.js';
import { badParameter } from './errors.js';
import type { Query } from './query.js';
import { parseUntil } from './until.js';

/**
 * What `POST /build/prune` is to take: all `filters` must hold, of the least recently used first until `keep-storage`
 * bytes are left, and without `all` nothing that an image has, too. A step has no labels: what asks for one takes none, where dockerd takes everything.
 * @throws `request/bad-parameter`
 */
export function pruneChoice(query: Query, nowMs: number): PruneChoice {
  const filters = query.filters([...Object.keys(cacheFields), 'until', 'unused-for', 'label', 'label!']);
  const keepBytes = query.integer('keep-storage') ?? 0;
  const tests = Object.keys(filters).map((key) => testOf(filters, key, nowMs));
  return {
    ...(query.flag('all') ? {} : { keepShared: true }),
    ...(tests.length === 0 ? {} : { matches: (entry) => tests.every((holds) => holds(entry)) }),
    ...(keepBytes > 0 ? { keepBytes } : {}),
  };
}

function testOf(filters: Filters, key: string, nowMs: number): (entry: CacheUsage) => boolean {
  if (key === 'label' || key === 'label!') return () => key === 'label!';
  const [value, ...more] = filters[key] ?? [];
  if (more.length > 0) throw badParameter('filters', 'filters expect only one value');
  if (!(key in cacheFields)) {
    const beforeMs = parseUntil(value ?? '', nowMs);
    return ({ lastUsedAt }) => Date.parse(lastUsedAt) < beforeMs;
  }
  if (value === undefined) return cacheTest(key, '', '');
  try {
    return cacheTest(key, key === 'id' ? '~=' : '==', value);
  } catch {
    throw badParameter('filters', `invalid filter 'id=${value}': it is no regular expression`);
  }
}
