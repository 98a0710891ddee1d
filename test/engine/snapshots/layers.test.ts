import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, lstatSync, mkdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { digestOf } from '../../../src/base/digest.js';
import { type ChainId, type LayerStore, openLayerStore } from '../../../src/engine/snapshots/index.js';
import { lgetxattr, lsetxattr, mknod, mount, unmount } from '../../../src/engine/sys/index.js';
import { type Member, memberBytes, tarOf } from './archives.js';

const signal = new AbortController().signal;
let dir: string;
let store: LayerStore;
let bundles: string;
let workerPath: string;

beforeAll(async () => {
  // Beside node_modules, so that the bundle finds the native library.
  bundles = await mkdtemp(join(process.cwd(), 'node_modules', '.layer-worker-'));
  workerPath = join(bundles, 'layer-worker.cjs');
  await build({
    entryPoints: ['src/engine/snapshots/layer-worker.ts'],
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    external: ['koffi'],
    outfile: workerPath,
    logLevel: 'error',
  });
});
afterAll(() => rm(bundles, { recursive: true, force: true }));

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'layers-'));
  store = await openLayerStore({ dir, workerPath });
});
afterEach(async () => {
  await store.close();
  await rm(dir, { recursive: true, force: true });
});

async function apply(tar: Buffer, parent?: ChainId): Promise<ChainId> {
  const { chainId } = await store.apply({ parent, tar: Readable.from([tar]), signal });
  return chainId;
}

function diffOf(chainId: ChainId): string {
  return store.lowerDirs(chainId)[0] ?? '';
}

async function exported(chainId: ChainId): Promise<Buffer> {
  return Buffer.concat((await store.exportLayer(chainId, signal).toArray()) as Buffer[]);
}

/** Mounts a chain with an upper directory, runs `change` in it and gives the upper directory back unmounted. */
async function changedOver(chainId: ChainId | undefined, change: (merged: string) => void): Promise<string> {
  const base = await store.scratch();
  const [upper = '', work = '', merged = ''] = ['upper', 'work', 'merged'].map((name) => join(base, name));
  for (const path of [upper, work, merged]) mkdirSync(path);
  const data = await store.overlayData({ lower: store.lowerDirs(chainId), upper, work });
  mount({ source: 'overlay', target: merged, fstype: 'overlay', data });
  try {
    change(merged);
  } finally {
    unmount(merged);
  }
  return upper;
}

const sample: readonly Member[] = [
  { path: 'bin/', mode: 0o755 },
  { path: 'bin/tool', content: '#!/bin/sh\n', mode: 0o4755, uid: 12, gid: 34, mtimeNs: 1_234_567_890_123_456_789n },
  { path: 'bin/alias', linkPath: 'tool' },
  { path: 'bin/same', type: 'hardlink', linkPath: 'bin/tool' },
  { path: 'dev/null', type: 'character', major: 1, minor: 3, mode: 0o666 },
  { path: 'run/pipe', type: 'fifo', mode: 0o600 },
  { path: 'data/', mode: 0o1777, uid: 1000, gid: 1000, mtimeNs: 1_111_111_111_000_000_000n },
  { path: 'data/big', content: Buffer.alloc(700_001, 'x') },
  { path: 'data/empty' },
  { path: 'data/attr', content: 'a', xattrs: new Map([['user.note', Buffer.from('hi\0there')]]) },
  { path: `data/${'long'.repeat(40)}/${'name'.repeat(30)}`, content: 'deep' },
  { path: 'data/umläut-\udcff', content: 'not utf-8' },
];

describe('unpacking', () => {
  test('keeps type, owner, mode, times to the nanosecond, attributes, links and devices', async () => {
    const diff = diffOf(await apply(tarOf(...sample)));
    const tool = lstatSync(join(diff, 'bin/tool'), { bigint: true });
    expect(tool.mode & 0o7777n).toBe(0o4755n);
    expect([tool.uid, tool.gid, tool.nlink]).toEqual([12n, 34n, 2n]);
    expect(tool.mtimeNs).toBe(1_234_567_890_123_456_789n);
    expect(lstatSync(join(diff, 'bin/same'), { bigint: true }).ino).toBe(tool.ino);
    expect(readlinkSync(join(diff, 'bin/alias'))).toBe('tool');
    const device = lstatSync(join(diff, 'dev/null'));
    expect([device.isCharacterDevice(), device.rdev, device.mode & 0o777]).toEqual([true, 0x103, 0o666]);
    expect(lstatSync(join(diff, 'run/pipe')).isFIFO()).toBe(true);
    const data = lstatSync(join(diff, 'data'));
    expect([data.mode & 0o7777, data.uid, data.mtimeMs]).toEqual([0o1777, 1000, 1_111_111_111_000]);
    expect(readFileSync(join(diff, 'data/big'))).toEqual(Buffer.alloc(700_001, 'x'));
    expect(lgetxattr(join(diff, 'data/attr'), 'user.note')?.toString()).toBe('hi\0there');
    expect(readFileSync(join(diff, `data/${'long'.repeat(40)}/${'name'.repeat(30)}`), 'utf8')).toBe('deep');
    const odd = Buffer.concat([Buffer.from(join(diff, 'data/umläut-')), Buffer.of(0xff)]);
    expect(readFileSync(odd, 'utf8')).toBe('not utf-8');
  });

  test('gives the digests of the stored and of the plain bytes, and the same bytes again', async () => {
    const tar = tarOf(...sample);
    const packed = gzipSync(tar);
    const layer = await store.apply({ tar: Readable.from([packed.subarray(0, 100), packed.subarray(100)]), signal });
    expect(layer).toMatchObject({
      chainId: digestOf(tar),
      diffId: digestOf(tar),
      digest: digestOf(packed),
      digestBytes: packed.length,
      compression: 'gzip',
      tarBytes: tar.length,
    });
    expect(digestOf(await exported(layer.chainId))).toBe(layer.diffId);
  });

  test.each(['gzip', 'zstd', 'xz', 'bzip2'] as const)('reads a tar compressed by %s', async (tool) => {
    const tar = tarOf({ path: 'file', content: 'hello' });
    const packed = execFileSync(tool, ['-c'], { input: tar });
    const layer = await store.apply({ tar: Readable.from([packed]), signal });
    expect(layer).toMatchObject({ compression: tool, diffId: digestOf(tar), digest: digestOf(packed) });
    expect(readFileSync(join(diffOf(layer.chainId), 'file'), 'utf8')).toBe('hello');
  });

  test('reads a file as well as a stream', async () => {
    const path = join(dir, 'layer.tar');
    writeFileSync(path, tarOf({ path: 'file', content: 'hello' }));
    const layer = await store.apply({ tar: path, signal });
    expect(readFileSync(join(diffOf(layer.chainId), 'file'), 'utf8')).toBe('hello');
  });

  test('turns whiteouts into what overlayfs hides by', async () => {
    const base = await apply(
      tarOf({ path: 'a', content: '1' }, { path: 'd/x', content: '1' }, { path: 'd/y', content: '1' }),
    );
    const top = await apply(
      tarOf(
        { path: '.wh.a' },
        { path: 'd/' },
        { path: 'd/.wh..wh..opq' },
        { path: 'd/z', content: '2' },
        { path: 'n/.wh.q' },
      ),
      base,
    );
    const upper = await changedOver(top, (merged) => {
      expect(existsSync(join(merged, 'a'))).toBe(false);
      expect(execFileSync('ls', [join(merged, 'd')], { encoding: 'utf8' })).toBe('z\n');
      expect(execFileSync('ls', [join(merged, 'n')], { encoding: 'utf8' })).toBe('');
    });
    rmSync(upper, { recursive: true });
  });

  test('lets a whiteout hide only what lies below, wherever it stands in the archive', async () => {
    const base = await apply(tarOf({ path: 'd/old', content: '1' }, { path: 'f', content: 'old' }));
    for (const order of [
      [{ path: '.wh.d' }, { path: 'd/new', content: '2' }, { path: '.wh.f' }, { path: 'f', content: 'new' }],
      [{ path: 'd/new', content: '2' }, { path: '.wh.d' }, { path: 'f', content: 'new' }, { path: '.wh.f' }],
    ]) {
      await changedOver(await apply(tarOf(...order), base), (merged) => {
        expect(execFileSync('ls', [join(merged, 'd')], { encoding: 'utf8' })).toBe('new\n');
        expect(readFileSync(join(merged, 'f'), 'utf8')).toBe('new');
      });
    }
  });

  test('gives a directory that the archive only implies the looks it has below', async () => {
    const base = await apply(tarOf({ path: 'tmp/', mode: 0o1777, uid: 5, gid: 6 }));
    const top = await apply(tarOf({ path: 'tmp/file', content: '' }), base);
    const { mode, uid, gid } = lstatSync(join(diffOf(top), 'tmp'));
    expect([mode & 0o7777, uid, gid]).toEqual([0o1777, 5, 6]);
  });

  test('makes the same chain once, however many ask for it', async () => {
    const tar = tarOf({ path: 'file', content: 'hello' });
    const chains = await Promise.all([apply(tar), apply(tar), apply(tar)]);
    expect(new Set(chains).size).toBe(1);
    expect(store.list()).toHaveLength(1);
    expect(await readdir(join(dir, 'layers'))).toHaveLength(1);
  });

  test('refuses a layer that is not the one promised', async () => {
    const tar = tarOf({ path: 'file', content: 'hello' });
    const expectedDiffId = digestOf('something else');
    const applying = store.apply({ tar: Readable.from([tar]), expectedDiffId, signal });
    await expect(applying).rejects.toMatchObject({ code: 'layer/digest-mismatch' });
    expect(await readdir(join(dir, 'staging'))).toEqual([]);
  });

  test('stops when asked to, and leaves nothing', async () => {
    const abort = new AbortController();
    async function* slow(): AsyncGenerator<Buffer> {
      yield memberBytes({ path: 'file', content: 'hello' });
      setTimeout(() => abort.abort(new Error('enough')), 50);
      await new Promise(() => undefined);
    }
    const applying = store.apply({ tar: Readable.from(slow()), signal: abort.signal });
    await expect(applying).rejects.toThrow('enough');
    expect(await readdir(join(dir, 'staging'))).toEqual([]);
  });
});

describe('exporting', () => {
  test.each<[string, Buffer]>([
    ['a file that comes twice', tarOf({ path: 'f', content: 'one' }, { path: 'f', content: 'two' })],
    [
      'a directory replaced by a link',
      tarOf({ path: 'd/f', content: 'one' }, { path: 'd', linkPath: 'e' }, { path: 'e', content: '' }),
    ],
    [
      'a path through a link',
      tarOf({ path: 'usr/lib/' }, { path: 'lib', linkPath: 'usr/lib' }, { path: 'lib/x', content: 'x' }),
    ],
    ['a whiteout with content', tarOf({ path: '.wh.f', content: 'why not' })],
    ['bytes after the end', Buffer.concat([tarOf({ path: 'f', content: 'x' }), Buffer.alloc(9_000, 7)])],
    ['no end marker', memberBytes({ path: 'f', content: 'x' })],
    ['nothing at all', Buffer.alloc(0)],
    [
      'names with dots and slashes',
      tarOf({ path: './/a/./b', content: '1' }, { path: '/c', content: '2' }, { path: './' }),
    ],
  ])('writes %s again byte for byte', async (_, tar) => {
    const chainId = await apply(tar);
    expect((await exported(chainId)).equals(tar)).toBe(true);
  });

  test.each([['gnu'], ['posix'], ['ustar'], ['v7']])(
    'writes an archive of GNU tar (%s) again byte for byte',
    async (format) => {
      const tree = join(dir, 'tree');
      mkdirSync(join(tree, 'sub'), { recursive: true });
      writeFileSync(join(tree, 'sub', 'a'.repeat(90)), 'long');
      execFileSync('truncate', ['-s', '5M', join(tree, 'holes')]);
      writeFileSync(join(tree, 'holes'), 'data in a hole', { flag: 'r+' });
      execFileSync('ln', [join(tree, 'holes'), join(tree, 'again')]);
      const sparse = format === 'v7' || format === 'ustar' ? [] : ['--sparse'];
      const tar = execFileSync('tar', ['-C', tree, ...sparse, `--format=${format}`, '-cf', '-', '.'], {
        maxBuffer: 64 << 20,
      });
      const chainId = await apply(tar);
      expect((await exported(chainId)).equals(tar)).toBe(true);
      expect(lstatSync(join(diffOf(chainId), 'holes')).size).toBe(5 << 20);
      expect(readFileSync(join(diffOf(chainId), 'holes'), 'utf8').slice(0, 15)).toBe('data in a hole\0');
    },
  );

  test.each([['0.0'], ['0.1'], ['1.0']])('reads sparse files in pax format %s', async (version) => {
    const tree = join(dir, 'tree');
    mkdirSync(tree);
    execFileSync('truncate', ['-s', '3M', join(tree, 'holes')]);
    execFileSync('dd', [
      'if=/dev/zero',
      `of=${join(tree, 'holes')}`,
      'conv=notrunc',
      'bs=4096',
      'seek=100',
      'count=1',
      'status=none',
    ]);
    execFileSync('sh', [
      '-c',
      'printf end | dd of="$1" conv=notrunc bs=1 seek=3000000 status=none',
      'sh',
      join(tree, 'holes'),
    ]);
    const options = ['--sparse', `--sparse-version=${version}`, '--format=posix'];
    const tar = execFileSync('tar', ['-C', tree, ...options, '-cf', '-', 'holes']);
    const chainId = await apply(tar);
    expect(readFileSync(join(diffOf(chainId), 'holes')).equals(readFileSync(join(tree, 'holes')))).toBe(true);
    expect((await exported(chainId)).equals(tar)).toBe(true);
  });

  test('fails when a file was changed under us', async () => {
    const chainId = await apply(tarOf({ path: 'f', content: 'one' }));
    writeFileSync(join(diffOf(chainId), 'f'), 'two');
    await expect(exported(chainId)).rejects.toMatchObject({ code: 'layer/digest-mismatch' });
  });
});

describe('committing', () => {
  test.each(['take', 'copy'] as const)(
    'makes a layer of an upper directory (%s) that shows the same files',
    async (ownership) => {
      const base = await apply(tarOf(...sample, { path: 'gone', content: '1' }, { path: 'old/x', content: '1' }));
      const upper = await changedOver(base, (merged) => {
        rmSync(join(merged, 'gone'));
        rmSync(join(merged, 'old'), { recursive: true });
        mkdirSync(join(merged, 'old'));
        writeFileSync(join(merged, 'old/y'), 'new');
        writeFileSync(join(merged, 'data/attr'), 'changed');
        execFileSync('ln', [join(merged, 'old/y'), join(merged, 'old/z')]);
        execFileSync('chown', ['-h', '7:8', join(merged, 'bin/alias')]);
      });
      const { chainId, diffId } = await store.commitDirectory({ parent: base, upperDir: upper, ownership, signal });
      expect(existsSync(upper)).toBe(ownership === 'copy');

      // What another engine would unpack from our tar is what ours shows.
      const tar = await exported(chainId);
      expect(digestOf(tar)).toBe(diffId);
      const other = await openLayerStore({ dir: join(dir, 'other') });
      const otherBase = await other.apply({
        tar: Readable.from([tarOf(...sample, { path: 'gone', content: '1' }, { path: 'old/x', content: '1' })]),
        signal,
      });
      const again = await other.apply({ parent: otherBase.chainId, tar: Readable.from([tar]), signal });
      expect(again.chainId).toBe(chainId);
      const listings = [await listMerged(store.lowerDirs(chainId)), await listMerged(other.lowerDirs(chainId))];
      expect(listings[1]).toBe(listings[0]);
      expect(listings[0]).toContain('./old/z');
      expect(listings[0]).not.toContain('./old/x');
      expect(listings[0]).not.toContain('./gone');
      await other.close();
    },
  );

  async function listMerged(lower: readonly string[]): Promise<string> {
    const merged = join(dir, 'listing');
    mkdirSync(merged, { recursive: true });
    mount({ source: 'overlay', target: merged, fstype: 'overlay', data: await store.overlayData({ lower }) });
    try {
      const format = '%p %y %m %U %G %s %Ts %l\\n';
      const listing = execFileSync('find', ['.', '-mindepth', '1', '-not', '-type', 'd', '-printf', format], {
        cwd: merged,
      });
      return listing.toString('latin1').split('\n').sort().join('\n');
    } finally {
      unmount(merged);
    }
  }

  test('gives the same tree the same digest, and clamps times when asked', async () => {
    const digests = [];
    for (let round = 0; round < 2; round += 1) {
      const upperDir = await store.scratch();
      writeFileSync(join(upperDir, round === 0 ? 'a' : 'b'), 'x');
      writeFileSync(join(upperDir, round === 0 ? 'b' : 'a'), 'x');
      const layer = await store.commitDirectory({ upperDir, ownership: 'take', newestMtime: 1_000_000, signal });
      digests.push(layer.diffId);
      expect(lstatSync(join(diffOf(layer.chainId), 'a')).mtimeMs).toBe(1_000_000_000);
    }
    expect(digests[0]).toBe(digests[1]);
  });
});

describe('comparing', () => {
  test('lists what an upper directory adds, modifies and deletes, directories above included', async () => {
    const base = await apply(
      tarOf(
        { path: 'a/one', content: '1' },
        { path: 'a/two', content: '2' },
        { path: 'b/x', content: '' },
        { path: 'c/keep', content: '' },
        { path: 'same', content: 's' },
      ),
    );
    const upperDir = await changedOver(base, (merged) => {
      rmSync(join(merged, 'a/one'));
      writeFileSync(join(merged, 'a/two'), 'changed');
      mkdirSync(join(merged, 'new/deep'), { recursive: true });
      rmSync(join(merged, 'b'), { recursive: true });
      rmSync(join(merged, 'c'), { recursive: true });
      mkdirSync(join(merged, 'c'));
      writeFileSync(join(merged, 'c/other'), '');
      execFileSync('touch', ['-c', '-r', join(merged, 'same'), join(merged, 'same')]);
    });
    expect(await store.changes({ lower: base, upperDir, signal })).toEqual([
      { Path: '/a', Kind: 0 },
      { Path: '/a/one', Kind: 2 },
      { Path: '/a/two', Kind: 0 },
      { Path: '/b', Kind: 2 },
      { Path: '/c', Kind: 0 },
      { Path: '/c/keep', Kind: 2 },
      { Path: '/c/other', Kind: 1 },
      { Path: '/new', Kind: 1 },
      { Path: '/new/deep', Kind: 1 },
    ]);
  });
});

describe('the store', () => {
  test('mounts a chain of 110 layers', async () => {
    let parent: ChainId | undefined;
    for (let number = 0; number < 110; number += 1) {
      parent = await apply(
        tarOf({ path: `file-${number}`, content: String(number) }, { path: 'top', content: String(number) }),
        parent,
      );
    }
    await changedOver(parent, (merged) => {
      expect(readFileSync(join(merged, 'top'), 'utf8')).toBe('109');
      expect(readFileSync(join(merged, 'file-0'), 'utf8')).toBe('0');
    });
  });

  test('mounts below a path with commas, colons and backslashes', async () => {
    const odd = await openLayerStore({ dir: join(dir, 'a,b:c\\d') });
    const { chainId } = await odd.apply({ tar: Readable.from([tarOf({ path: 'f', content: 'x' })]), signal });
    const usual = store;
    store = odd;
    try {
      await changedOver(chainId, (merged) => expect(readFileSync(join(merged, 'f'), 'utf8')).toBe('x'));
    } finally {
      store = usual;
      await odd.close();
    }
  });

  test('finds its layers again, and drops what a crash left half made', async () => {
    const base = await apply(tarOf({ path: 'a', content: '1' }));
    const top = await apply(tarOf({ path: 'b', content: '2' }), base);
    mkdirSync(join(dir, 'layers', 'half', 'diff'), { recursive: true });
    mkdirSync(join(dir, 'staging', 'left', 'diff'), { recursive: true });
    const again = await openLayerStore({ dir });
    expect(again.chain(top).map(({ chainId }) => chainId)).toEqual([top, base]);
    expect(existsSync(join(dir, 'layers', 'half'))).toBe(false);
    expect(await readdir(join(dir, 'staging'))).toEqual([]);
    await again.close();
  });

  test('refuses what a later version wrote, and removes nothing', async () => {
    const base = await apply(tarOf({ path: 'a', content: '1' }));
    const path = join(diffOf(base), '..', 'layer.json');
    const text = readFileSync(path, 'utf8');
    writeFileSync(path, text.replace('"schema":1', '"schema":2'));
    await expect(openLayerStore({ dir })).rejects.toMatchObject({ code: 'data/newer' });
    writeFileSync(path, text);
    const again = await openLayerStore({ dir });
    expect(again.list().map(({ chainId }) => chainId)).toEqual([base]);
    await again.close();
  });

  test('drops layers that were not on the disk yet when the machine went down, and all above them', async () => {
    const base = await apply(tarOf({ path: 'a', content: '1' }));
    await store.sync();
    const middle = await apply(tarOf({ path: 'b', content: '2' }), base);
    await apply(tarOf({ path: 'c', content: '3' }), middle);
    const unsynced = readFileSync(join(diffOf(middle), '..', 'layer.json'), 'utf8');
    expect(unsynced).toContain('unsyncedBoot');
    await store.close();
    const short = store.lowerDirs(middle)[0]?.split('/').at(-2) ?? '';
    const path = join(dir, 'layers', short, 'layer.json');
    const record = JSON.parse(unsynced) as object;
    writeFileSync(path, JSON.stringify({ ...record, unsyncedBoot: 'another boot' }));
    const again = await openLayerStore({ dir });
    expect(again.list().map(({ chainId }) => chainId)).toEqual([base]);
    await again.close();
  });

  test('keeps what is below others, retained or named, and collects the rest', async () => {
    const base = await apply(tarOf({ path: 'a', content: '1' }));
    const named = await apply(tarOf({ path: 'b', content: '2' }), base);
    const held = await apply(tarOf({ path: 'c', content: '3' }));
    const loose = await apply(tarOf({ path: 'd', content: '4' }), named);
    await new Promise((resolve) => setImmediate(resolve));
    const release = store.retain(held);
    await expect(store.remove(base)).rejects.toMatchObject({ code: 'layer/in-use', facts: { by: 'child' } });
    await expect(store.remove(held)).rejects.toMatchObject({ code: 'layer/in-use', facts: { by: 'lease' } });
    expect((await store.collect([named])).map(({ chainId }) => chainId)).toEqual([loose]);
    expect(await store.collect([], [base])).toEqual([]);
    release();
    const order = (await store.collect([])).map(({ chainId }) => chainId);
    expect([...order].sort()).toEqual([base, named, held].sort());
    expect(order.indexOf(named)).toBeLessThan(order.indexOf(base));
    expect(await readdir(join(dir, 'layers'))).toEqual([]);
    expect(await readdir(join(dir, 'links'))).toEqual([]);
  });

  test('has an empty file system for an image without layers', async () => {
    await changedOver(undefined, (merged) => {
      writeFileSync(join(merged, 'f'), 'x');
      expect(readFileSync(join(merged, 'f'), 'utf8')).toBe('x');
    });
  });
});

describe('hostile archives', () => {
  const outside = () =>
    createHash('sha256')
      .update(readFileSync(join(dir, 'victim')))
      .digest('hex');
  beforeEach(() => writeFileSync(join(dir, 'victim'), 'untouched'));

  test.each<[string, string, (victim: string) => readonly Member[]]>([
    ['climbs out by its name', 'layer/escapes-root', () => [{ path: '../../victim', content: 'bad' }]],
    ['climbs out in the middle', 'layer/escapes-root', () => [{ path: 'a/../../../victim', content: 'bad' }]],
    ['whites out the parent', 'layer/escapes-root', () => [{ path: 'a/.wh...' }]],
    ['whites out the root', 'layer/escapes-root', () => [{ path: '.wh..' }]],
    ['hard-links a file outside', 'layer/bad-archive', (victim) => [{ path: 'x', type: 'hardlink', linkPath: victim }]],
    ['hard-links by climbing', 'layer/escapes-root', () => [{ path: 'x', type: 'hardlink', linkPath: '../../victim' }]],
    [
      'hard-links through a symbolic link',
      'layer/bad-archive',
      (victim) => [
        { path: 'out', linkPath: join(victim, '..') },
        { path: 'x', type: 'hardlink', linkPath: 'out/victim' },
      ],
    ],
    [
      'loops',
      'layer/bad-archive',
      () => [
        { path: 'a', linkPath: 'b' },
        { path: 'b', linkPath: 'a' },
        { path: 'a/x', content: '' },
      ],
    ],
    [
      'puts a file under a file',
      'layer/bad-archive',
      () => [
        { path: 'f', content: 'x' },
        { path: 'f/y', content: 'x' },
      ],
    ],
    ['has a name too long', 'layer/bad-archive', () => [{ path: 'n'.repeat(300), content: '' }]],
    [
      'has no root but a file',
      'layer/bad-archive',
      () => [
        { path: './', type: 'file', content: 'x' },
        { path: '..x/..', type: 'fifo' },
      ],
    ],
  ])('one that %s is refused', async (_, code, members) => {
    const applying = apply(tarOf(...members(join(dir, 'victim'))));
    await expect(applying).rejects.toMatchObject({ code });
    expect(readFileSync(join(dir, 'victim'), 'utf8')).toBe('untouched');
    expect(lstatSync(join(dir, 'victim')).nlink).toBe(1);
    expect(await readdir(join(dir, 'staging'))).toEqual([]);
  });

  test.each<[string, (victim: string) => readonly Member[]]>([
    [
      'an absolute link as parent',
      (victim) => [
        { path: 'out', linkPath: join(victim, '..') },
        { path: 'out/victim', content: 'bad' },
      ],
    ],
    [
      'a climbing link as parent',
      () => [
        { path: 'out', linkPath: '../../../../../../../../..' },
        { path: 'out/victim', content: 'bad' },
      ],
    ],
    [
      'a link where the file goes',
      (victim) => [
        { path: 'f', linkPath: victim },
        { path: 'f', content: 'bad' },
      ],
    ],
    [
      'a chain of links',
      (victim) => [
        { path: 'a', linkPath: '/b' },
        { path: 'b', linkPath: join(victim, '..') },
        { path: 'a/victim', content: 'bad' },
      ],
    ],
    [
      'a directory entry over a link',
      (victim) => [
        { path: 'out', linkPath: join(victim, '..') },
        { path: 'out/', mode: 0o777 },
        { path: 'out/victim', content: 'bad' },
      ],
    ],
    [
      'a directory swapped for a link',
      (victim) => [
        { path: 'd/' },
        { path: 'd/x', content: '' },
        { path: 'd', linkPath: join(victim, '..') },
        { path: 'd/victim', content: 'bad' },
      ],
    ],
    [
      'a whiteout through a link',
      (victim) => [{ path: 'out', linkPath: join(victim, '..') }, { path: 'out/.wh.victim' }],
    ],
    ['an absolute name', (victim) => [{ path: victim, content: 'bad' }]],
  ])('one with %s stays inside', async (_, members) => {
    const before = outside();
    const chainId = await apply(tarOf(...members(join(dir, 'victim'))));
    expect(outside()).toBe(before);
    expect(lstatSync(join(dir, 'victim')).isFile()).toBe(true);
    expect(digestOf(await exported(chainId))).toBe(store.get(chainId)?.diffId);
  });

  test('an archive cannot set attributes of overlayfs', async () => {
    const xattrs = new Map([
      ['trusted.overlay.opaque', Buffer.from('y')],
      ['trusted.overlay.redirect', Buffer.from('/')],
    ]);
    const diff = diffOf(await apply(tarOf({ path: 'd/', xattrs })));
    expect(lgetxattr(join(diff, 'd'), 'trusted.overlay.opaque')).toBeUndefined();
    expect(lgetxattr(join(diff, 'd'), 'trusted.overlay.redirect')).toBeUndefined();
  });

  test('an extended header without end is refused before it fills the memory', async () => {
    const header = encodeHuge();
    const applying = apply(Buffer.concat([header, Buffer.alloc(8 << 20, 'x')]));
    await expect(applying).rejects.toMatchObject({ code: 'layer/bad-archive' });
  });

  /** A pax header that says it is 1 GiB long. */
  function encodeHuge(): Buffer {
    const block = memberBytes({ path: 'x', content: '' }).subarray(0, 512);
    block.write('x', 156);
    block.write((1 << 30).toString(8).padStart(11, '0'), 124);
    block.write('        ', 148);
    const sum = block.reduce((total, byte) => total + byte, 0);
    block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
    return block;
  }

  test('random damage is refused or harmless, never a crash', async () => {
    const good = tarOf(...sample);
    let seed = 42;
    const random = (below: number) => (seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31) % below;
    for (let round = 0; round < 60; round += 1) {
      const bad = Buffer.from(good);
      for (let hits = 0; hits < 3; hits += 1) bad[random(6_000)] = random(256);
      try {
        await apply(bad.subarray(0, random(2) === 0 ? bad.length : random(bad.length)));
      } catch (error) {
        expect(error).toMatchObject({ code: expect.stringMatching(/^layer\//) as string });
      }
    }
    expect(outside()).toBe(createHash('sha256').update('untouched').digest('hex'));
    expect(await readdir(join(dir, 'staging'))).toEqual([]);
  });
});

test('device nodes and attributes set before are read back by the comparison of a copied file', async () => {
  const base = await apply(tarOf({ path: 'f', content: 'x' }));
  const upperDir = await changedOver(base, (merged) => {
    lsetxattr(join(merged, 'f'), 'security.capability', Buffer.from('0100000200040000000000000000000000000000', 'hex'));
    mknod(join(merged, 'null'), 0o020666, 1, 3);
  });
  expect(await store.changes({ lower: base, upperDir, signal })).toEqual([
    { Path: '/f', Kind: 0 },
    { Path: '/null', Kind: 1 },
  ]);
});
