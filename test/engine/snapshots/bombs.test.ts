import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type LayerStore, openLayerStore } from '../../../src/engine/snapshots/index.js';
import { tarOf } from './archives.js';

const signal = new AbortController().signal;
let dir: string;
let store: LayerStore;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'bombs-'));
  store = await openLayerStore({ dir });
});
afterEach(async () => {
  await store.close();
  await rm(dir, { recursive: true, force: true });
});

/** Gives `first`, then `more` until nobody wants more. */
function* endless(first: Buffer, more: Buffer): Generator<Buffer, void, undefined> {
  yield first;
  for (;;) yield more;
}

const megabyte = Buffer.alloc(1 << 20);

test.each<[string, () => Iterable<Buffer>, RegExp]>([
  ['zeros without end after its end', () => endless(tarOf({ path: 'f' }), megabyte), /bytes follow its end/],
  [
    'bytes without end after its compressed data',
    () => endless(gzipSync(tarOf({ path: 'f' })), Buffer.alloc(1 << 20, 'x')),
    /bytes follow the compressed data|damaged/,
  ],
  [
    'bytes without end after damaged compressed data',
    () => endless(Buffer.from('1f8bffffffffffffffff', 'hex'), Buffer.alloc(1 << 20, 'x')),
    /bytes follow the compressed data|damaged/,
  ],
])('an archive with %s is refused', async (_, bytes, message) => {
  const applying = store.apply({ tar: Readable.from(bytes()), signal });
  await expect(applying).rejects.toMatchObject({
    code: 'layer/bad-archive',
    message: expect.stringMatching(message) as string,
  });
  expect(await readdir(join(dir, 'staging'))).toEqual([]);
});
