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

test('one that a step comes for while it is being removed is a new one', async () => {
  const first = await mounts.take(mount, signal);
  const files = Array.from({ length: 1000 }, (_, number) => join(first.path, `f${number}`));
  for (const file of files) writeFileSync(file, '');
  first.release();
  const cleared = mounts.clear();
  while (files.every((file) => existsSync(file))) await new Promise(setImmediate);
  const second = await mounts.take(mount, signal);
  expect(readdirSync(second.path)).toEqual([]);
  writeFileSync(join(second.path, 'mine'), 'kept');
  await cleared;
  expect(readFileSync(join(second.path, 'mine'), 'utf8')).toBe('kept');
  expect(readdirSync(dir)).toHaveLength(1);
});

test('one that is being filled stays', async () => {
  const fill = async (staging: string): Promise<void> => {
    writeFileSync(join(staging, 'seed'), 'whole');
    await mounts.clear();
  };
  const { path } = await mounts.take(mount, signal, { key: 'k', fill });
  expect(readFileSync(join(path, 'seed'), 'utf8')).toBe('whole');
});
