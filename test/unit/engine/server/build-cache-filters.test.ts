import { expect, test } from 'vitest';
import type { CacheUsage } from '../../../../src/engine/builder/index.js';
import { chosen as chosenOf } from '../../../../src/engine/builder/prune-choice.js';
import { pruneChoice } from '../../../../src/engine/server/build-cache-filters.js';
import { parseQuery } from '../../../../src/engine/server/query.js';

const nowMs = Date.parse('2026-01-10T00:00:00Z');
const step = (id: string, lastUsedAt: string, inUse = false): CacheUsage => ({
  ...{ id, description: `RUN ${id}`, sizeBytes: 10, createdAt: lastUsedAt, lastUsedAt, useCount: 1, inUse },
});
const steps = [step('old', '2026-01-01T00:00:00Z'), step('new', '2026-01-09T23:00:00Z', true)];

/** The most recently used first. */
function taken(search: string): string[] {
  return chosenOf(steps, pruneChoice(parseQuery(search), nowMs)).map(({ id }) => id);
}

function chosen(filters: Readonly<Record<string, readonly string[]>>): readonly string[] {
  const search = new URLSearchParams({ filters: JSON.stringify(filters) }).toString();
  return taken(search).reverse();
}

test.each([
  [{}, ['old', 'new']],
  [{ until: ['24h'] }, ['old']],
  [{ 'unused-for': ['30m'] }, ['old', 'new']],
  [{ until: ['2025-01-01'] }, []],
  [{ id: ['^n'] }, ['new']],
  [{ description: ['RUN old'] }, ['old']],
  [{ type: ['regular'], inuse: ['true'] }, ['new']],
  [{ type: ['exec.cachemount'] }, []],
  [{ private: [] }, ['old', 'new']],
  [{ label: ['x'] }, []],
  [{ 'label!': ['x'] }, ['old', 'new']],
  [{ shared: [] }, []],
])('%j takes %j', (filters, expected) => {
  expect(chosen(filters)).toEqual(expected);
});

test.each([
  [{ nope: ['x'] }, "invalid filter 'nope'"],
  [{ until: ['soon'] }, 'neither a time nor a duration'],
  [{ until: ['1h', '2h'] }, 'filters expect only one value'],
  [{ id: ['('] }, 'no regular expression'],
])('%j is refused, and nothing is taken', (filters, message) => {
  expect(() => chosen(filters)).toThrow(message);
});

test('the most recently used stay, as far as they are small enough together', () => {
  expect(taken('keep-storage=15')).toEqual(['old']);
  expect(taken('keep-storage=20')).toEqual([]);
  expect(taken('keep-storage=5')).toEqual(['new', 'old']);
});

test('without filters and a size it is everything', () => {
  expect(pruneChoice(parseQuery('all=1&keep-storage=0'), nowMs)).toEqual({});
  expect(pruneChoice(parseQuery('keep-storage=15'), nowMs)).toEqual({ keepBytes: 15 });
});
