import { expect, test } from 'vitest';
import type { TimedLine } from '../../../src/execute/log-lines.js';
import { LogMerge } from '../../../src/execute/log-merge.js';

function line(count: number): TimedLine {
  return { stream: 1, text: String(count), time: `2026-01-01T00:00:00.${String(count).padStart(9, '0')}Z` };
}

test('a long log that waits for another one takes no time beyond its length', async () => {
  const out: string[] = [];
  const merge = new LogMerge<string>((_, { text }) => out.push(text));
  const [long, short] = [merge.open('long', 'history'), merge.open('short', 'history')];
  const many = 150_000;
  for (let count = 1; count <= many; count++) long.push(line(count));
  expect(out).toEqual([]);
  const begin = performance.now();
  await Promise.all([short.close(), long.close()]);
  expect(out.length).toBe(many);
  expect(performance.now() - begin).toBeLessThan(5_000); // squared it is far more
});

test('a log that is far ahead has no room for more until the others have caught up', async () => {
  const out: string[] = [];
  const merge = new LogMerge<string>((source, { text }) => out.push(`${source} ${text}`));
  const [ahead, behind] = [merge.open('ahead', 'history'), merge.open('behind', 'history')];
  let given = 0;
  const tooMany = 10_000;
  const isFull = async () => (await Promise.race([ahead.room(), Promise.resolve('full')])) === 'full';
  while (given < tooMany && !(await isFull())) ahead.push(line(++given + 1));
  expect(given).toBeLessThan(tooMany);
  behind.push(line(1));
  await behind.close();
  await ahead.room();
  expect(out.slice(0, 2)).toEqual(['behind 1', 'ahead 2']);
});

test('what is full does not wait for those that may be silent for long', () => {
  let out = 0;
  const merge = new LogMerge<string>(() => out++);
  const [loud] = [merge.open('loud', 'live'), merge.open('silent', 'live')];
  for (let count = 1; count <= 5_000; count++) loud.push(line(count));
  expect(out).toBeGreaterThanOrEqual(4_000);
});
