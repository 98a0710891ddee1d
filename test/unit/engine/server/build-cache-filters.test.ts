import { expect, test } from 'vitest';
import type { CacheUsage } from '../../../../src/engine/builder/index.js';
import { chosen as chosenOf } from '../../../../src/engine/builder/prune-choice.js';
import { pruneChoiceOf } from '../../../../src/engine/buildkit/control/cache-filter.js';
import { pruneChoice, takesWhole } from '../../../../src/engine/server/build-cache-filters.js';
import { parseQuery } from '../../../../src/engine/server/query.js';

const nowMs = Date.parse('2026-01-10T00:00:00Z');
const step = (id: string, lastUsedAt: string, shared = false): CacheUsage => ({
  ...{ id, type: 'regular', description: `RUN ${id}`, sizeBytes: 10, createdAt: lastUsedAt, lastUsedAt, useCount: 1 },
  shared,
});
const steps = [step('old', '2026-01-01T00:00:00Z'), step('new', '2026-01-09T23:00:00Z', true)];

/** The least recently used first. */
function taken(search: string): string[] {
  return chosenOf(steps, pruneChoice(parseQuery(search), nowMs)).map(({ id }) => id);
}

function chosen(filters: Readonly<Record<string, readonly string[]>>): readonly string[] {
  const search = new URLSearchParams({ all: '1', filters: JSON.stringify(filters) }).toString();
  return taken(search);
}

test.each([
  [{}, ['old', 'new']],
  [{ until: ['24h'] }, ['old']],
  [{ 'unused-for': ['30m'] }, ['old', 'new']],
  [{ until: ['2025-01-01'] }, []],
  [{ id: ['^n'] }, ['new']],
  [{ description: ['RUN old'] }, ['old']],
  [{ type: ['regular'], shared: ['true'] }, ['new']],
  [{ type: ['exec.cachemount'] }, []],
  [{ inuse: [] }, []],
  [{ private: [] }, ['old']],
  [{ label: ['x'] }, []],
  [{ 'label!': ['x'] }, ['old', 'new']],
  [{ shared: [] }, ['new']],
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
  expect(taken('all=1&keep-storage=15')).toEqual(['old']);
  expect(taken('all=1&keep-storage=20')).toEqual([]);
  expect(taken('all=1&keep-storage=5')).toEqual(['old', 'new']);
  const onlyNew = encodeURIComponent(JSON.stringify({ id: ['new'] }));
  expect(taken(`all=1&keep-storage=15&filters=${onlyNew}`)).toEqual(['new']);
});

test('what an image has as well stays, and is not counted, unless all is meant', () => {
  expect(taken('')).toEqual(['old']);
  expect(taken('keep-storage=10')).toEqual([]);
  expect(taken('keep-storage=5')).toEqual(['old']);
});

test('without filters and a size it is everything', () => {
  expect(pruneChoice(parseQuery('all=1&keep-storage=0'), nowMs)).toEqual({});
  expect(pruneChoice(parseQuery('keep-storage=15'), nowMs)).toEqual({ keepBytes: 15, keepShared: true });
});

test.each([
  [{}, true],
  [{ type: ['exec.cachemount'] }, true],
  [{ type: ['regular'] }, false],
  [{ until: ['1s'] }, false],
  [{ shared: ['false'], inuse: ['false'] }, true],
])('with %j the cache mounts go: %j', (filters, expected) => {
  const search = new URLSearchParams({ filters: JSON.stringify(filters) }).toString();
  expect(takesWhole(pruneChoice(parseQuery(search), Date.now()), 'exec.cachemount')).toBe(expected);
});

const everything = { filter: [], all: true, keepDuration: 0, keepBytes: 0 };

test.each([
  [{}, ['old', 'new']],
  [{ all: false }, ['old']],
  [{ keepDuration: 24 * 3600 * 1e9 }, ['old']],
  [{ keepBytes: 15 }, ['old']],
  [{ filter: ['id~=^n'] }, ['new']],
  [{ filter: ['description=="RUN old",type==regular'] }, ['old']],
  [{ filter: ['private'] }, ['old']],
  [{ filter: ['id==old', 'shared'] }, ['old', 'new']],
  [{ filter: ['type!=regular'] }, []],
])('of buildx, %j takes %j', (request, expected) => {
  const choice = pruneChoiceOf({ ...everything, ...request }, nowMs);
  expect(chosenOf(steps, choice).map(({ id }) => id)).toEqual(expected);
});

test.each(['nope==x', 'id~=(', 'id=x', ''])('of buildx, the filter %j is refused', (filter) => {
  expect(() => pruneChoiceOf({ ...everything, filter: [filter] }, nowMs)).toThrow('failed to parse prune filters');
});
