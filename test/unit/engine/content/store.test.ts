import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { digestOf } from '../../../../src/base/digest.js';
import { type ContentStore, openContentStore } from '../../../../src/engine/content/index.js';

const signal = new AbortController().signal;
let dir: string;
let store: ContentStore;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'content-'));
  store = await openContentStore(dir);
});
afterEach(() => rm(dir, { recursive: true, force: true }));

test('bytes are found again under their digest', async () => {
  const { digest, sizeBytes } = await store.write([Buffer.from('he'), Buffer.from('llo')], { signal });
  expect(digest).toBe(digestOf('hello'));
  expect(sizeBytes).toBe(5);
  expect((await store.readVerified(digest)).toString()).toBe('hello');
  expect(await store.list()).toEqual([{ digest, sizeBytes: 5 }]);
});

test('bytes with another digest than the expected one leave nothing behind', async () => {
  const expected = digestOf('hello');
  await expect(store.write([Buffer.from('jello')], { expected, signal })).rejects.toMatchObject({
    code: 'content/digest-mismatch',
  });
  expect(await store.has(expected)).toBe(false);
  expect(await readdir(join(dir, 'ingest'))).toEqual([]);
});

test('an endless body is cut off at the expected length', async () => {
  let produced = 0;
  function* endless(): Generator<Uint8Array> {
    for (;;) {
      produced += 10;
      yield Buffer.alloc(10);
    }
  }
  await expect(store.write(endless(), { expectedBytes: 25, signal })).rejects.toMatchObject({
    code: 'content/size-mismatch',
  });
  expect(produced).toBe(30);
});

test('a body that ends early is refused', async () => {
  await expect(store.write([Buffer.from('abc')], { expectedBytes: 4, signal })).rejects.toMatchObject({
    facts: { expectedBytes: 4, actualBytes: 3 },
  });
});

test('an aborted write rejects with the reason and leaves nothing', async () => {
  const abort = new AbortController();
  async function* slow(): AsyncGenerator<Uint8Array> {
    yield await Promise.resolve(Buffer.from('a'));
    abort.abort(new Error('changed my mind'));
    yield Buffer.from('b');
  }
  await expect(store.write(slow(), { signal: abort.signal })).rejects.toThrow('changed my mind');
  expect(await readdir(join(dir, 'ingest'))).toEqual([]);
});

test('a blob changed on disk is not read', async () => {
  const { digest } = await store.writeBytes('hello');
  await writeFile(store.pathOf(digest), 'hellO');
  await expect(store.readVerified(digest)).rejects.toMatchObject({ code: 'content/digest-mismatch' });
  await expect((await store.open(digest)).toArray()).rejects.toMatchObject({ code: 'content/digest-mismatch' });
  await store.writeBytes('hello');
  expect((await store.readVerified(digest)).toString()).toBe('hello');
});

test('a blob that is not there says so', async () => {
  const digest = digestOf('nowhere');
  await expect(store.readVerified(digest)).rejects.toMatchObject({ code: 'content/not-found' });
  await expect(store.open(digest)).rejects.toMatchObject({ code: 'content/not-found' });
  await store.remove(digest);
});

test('a document larger than the limit is not read into memory', async () => {
  const { digest } = await store.writeBytes('hello');
  await expect(store.readVerified(digest, { maxBytes: 4 })).rejects.toMatchObject({ code: 'content/size-mismatch' });
});

test('opening the store sweeps what an interrupted write left', async () => {
  const { digest } = await store.writeBytes('hello');
  await writeFile(join(dir, 'ingest', 'half'), 'he');
  const again = await openContentStore(dir);
  expect(await readdir(join(dir, 'ingest'))).toEqual([]);
  expect(await again.has(digest)).toBe(true);
});

test('collecting keeps what is named or leased', async () => {
  const named = await store.writeBytes('a');
  const leased = await store.writeBytes('b');
  const loose = await store.writeBytes('c');
  const lease = store.lease();
  lease.add(leased.digest);
  expect(await store.collect(new Set([named.digest]))).toEqual([loose]);
  lease.release();
  expect(await store.collect(new Set([named.digest]))).toEqual([leased]);
});

test('the same blob may be written many times at once', async () => {
  const blobs = await Promise.all(
    Array.from({ length: 20 }, () => store.write([Buffer.from('same')], { expected: digestOf('same'), signal })),
  );
  expect(new Set(blobs.map(({ digest }) => digest))).toEqual(new Set([digestOf('same')]));
  expect(await store.list()).toHaveLength(1);
});

test('what is leased is not removed, and what is written with a lease has it from the start', async () => {
  const [first, second] = [store.lease(), store.lease()];
  const { digest } = await store.write([Buffer.from('shared')], { lease: first, signal });
  await store.write([Buffer.from('shared')], { lease: second, signal });
  first.release();
  expect(await store.remove(digest)).toBe(false);
  expect(await store.has(digest)).toBe(true);
  second.release();
  expect(await store.remove(digest)).toBe(true);
  expect(await store.list()).toEqual([]);
  expect(await readdir(join(dir, 'ingest'))).toEqual([]);
});
