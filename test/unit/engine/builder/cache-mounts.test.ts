import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { type CacheMounts, openCacheMounts } from '../../../../src/engine/builder/steps/cache-mounts.js';
import { folderPerTest } from '../../../support/test-folder.js';

const signal = AbortSignal.timeout(20_000);
const facts = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0, mode: 0o755, readOnly: false, source: '/' };
const mount = { type: 'cache', target: '/c', id: 'c', sharing: 'shared', ...facts } as const;

let dir: string;
let mounts: CacheMounts;
folderPerTest((path) => (dir = path));
beforeEach(() => {
  mounts = openCacheMounts(dir);
});

test('one that is cleared is there whole or not at all, and who comes then gets a new one', async () => {
  const { path, release } = await mounts.take(mount, signal);
  for (let number = 0; number < 3000; number += 1) writeFileSync(join(path, `f${number}`), '');
  release();
  const cleared = mounts.clear();
  const seen = new Set<number>();
  while (existsSync(path)) {
    seen.add(readdirSync(path).length);
    await new Promise(setImmediate);
  }
  expect([...seen]).toEqual([3000]);
  const second = await mounts.take(mount, signal);
  writeFileSync(join(second.path, 'mine'), 'kept');
  await cleared;
  expect(readdirSync(dir)).toHaveLength(1);
  expect(readdirSync(second.path)).toEqual(['mine']);
});

test('one that is being filled stays', async () => {
  const fill = async (staging: string): Promise<void> => {
    writeFileSync(join(staging, 'seed'), 'whole');
    await mounts.clear();
  };
  const { path } = await mounts.take(mount, signal, { key: 'k', fill });
  expect(readFileSync(join(path, 'seed'), 'utf8')).toBe('whole');
});
