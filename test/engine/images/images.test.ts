import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ProgressMessage } from '../../../src/api/image.js';
import { digestOf } from '../../../src/base/digest.js';
import type { Image, ImageUser } from '../../../src/engine/images/index.js';
import { tarOf } from '../snapshots/archives.js';
import { imported, openStores, type Stores } from './stores.js';

const signal = new AbortController().signal;
const nobody = { usedBy: (): readonly ImageUser[] => [] };
let stores: Stores;

beforeEach(async () => {
  stores = await openStores();
});
afterEach(() => stores.dispose());

function user({ id, chainId }: Image, running: boolean): { usedBy: () => readonly ImageUser[] } {
  return { usedBy: () => [{ containerId: 'c0ffee'.repeat(10), imageId: id, chainId, running }] };
}

/** An image of one more layer on `parent`. */
async function derived(parent: Image, path: string, tags: readonly string[] = []): Promise<Image> {
  const { layers, images } = stores;
  const layer = await layers.apply({
    parent: parent.chainId,
    tar: Readable.from([tarOf({ path, content: path })]),
    signal,
  });
  const history = [
    ...(parent.config.history ?? []),
    { created: '2024-01-02T03:04:05Z', created_by: `RUN touch ${path}` },
  ];
  const created = `2024-01-02T03:04:0${images.list().length}.000000001Z`;
  const config = { ...parent.config, history, created };
  return images.create({ config, chainId: layer.chainId, parent: parent.id, tags });
}

describe('names and ids', () => {
  test('an image is found by name, tag, id, prefix of the id and name@id', async () => {
    const { images } = stores;
    const { id } = await imported(stores, 'busybox', { path: 'bin/', mode: 0o755 });
    const hex = id.slice('sha256:'.length);
    for (const name of [
      'busybox',
      'busybox:latest',
      'docker.io/library/busybox',
      id,
      hex,
      hex.slice(0, 12),
      id.slice(0, 20),
      `busybox@${id}`,
    ]) {
      expect(images.resolve(name).id).toBe(id);
    }
    for (const name of [
      'busybox:other',
      'elsewhere/busybox',
      '0'.repeat(12),
      `other@${id}`,
      `sha256:${'0'.repeat(64)}`,
    ]) {
      expect(images.find(name)).toBeUndefined();
    }
    expect(() => images.resolve('nosuch')).toThrow('No such image: nosuch:latest');
    expect(() => images.resolve('sha256:aaaa')).toThrow('No such image: sha256:aaaa');
    expect(() => images.resolve('BAD')).toThrow('repository name (library/BAD) must be lowercase');
  });

  test('a tag moves to another image, which leaves the first without a name', async () => {
    const { images } = stores;
    const first = await imported(stores, 'app', { path: 'a', content: '1' });
    const second = await imported(stores, 'app', { path: 'a', content: '2' });
    expect(images.resolve('app').id).toBe(second.id);
    expect(images.resolve(first.id).tags).toEqual([]);
    await images.tag(first.id, 'old:1');
    expect(images.resolve('old:1').id).toBe(first.id);
    expect(images.resolve('old:1').lastTagTime).toMatch(/^20/);
    await expect(images.tag('nosuch', 'x')).rejects.toMatchObject({ code: 'image/not-found' });
    for (const name of ['x:', 'sha256:abc', `x@${first.id}`]) {
      await expect(images.tag('app', name)).rejects.toMatchObject({ code: 'image/invalid-reference' });
    }
  });

  test('everything is still there after a restart, and what lost its layers is not', async () => {
    const kept = await imported(stores, 'kept', { path: 'a', content: '1' });
    const lost = await imported(stores, 'lost', { path: 'a', content: '2' });
    const dir = join(stores.layers.lowerDirs(lost.chainId)[0] ?? '', '..');
    stores = await stores.reopen();
    expect(
      stores.images
        .list()
        .map(({ id }) => id)
        .sort(),
    ).toEqual([kept.id, lost.id].sort());
    await stores.layers.close();
    execFileSync('rm', ['-r', dir]);
    stores = await openStores(stores.dir);
    expect(stores.images.list().map(({ tags }) => tags)).toEqual([['kept:latest']]);
    expect(stores.images.find('lost')).toBeUndefined();
  });

  test('an image that a power cut took gives its name back to the one before', async () => {
    const before = await imported(stores, 'app', { path: 'a', content: '1' });
    await stores.layers.sync();
    const after = await imported(stores, 'app', { path: 'a', content: '2' });
    const record = join(stores.layers.lowerDirs(after.chainId)[0] ?? '', '..', 'layer.json');
    const unsynced = readFileSync(record, 'utf8');
    expect(unsynced).toContain('unsyncedBoot');
    await stores.layers.close();
    writeFileSync(record, JSON.stringify({ ...(JSON.parse(unsynced) as object), unsyncedBoot: 'another boot' }));
    stores = await openStores(stores.dir);
    expect(stores.images.list().map(({ id }) => id)).toEqual([before.id]);
    expect(stores.images.resolve('app').id).toBe(before.id);
  });

  test('once the layers are on the disk nothing is kept of what names meant before', async () => {
    await imported(stores, 'app', { path: 'a', content: '1' });
    await imported(stores, 'app', { path: 'a', content: '2' });
    const index = join(stores.dir, 'images', 'index.json');
    expect(readFileSync(index, 'utf8')).toContain('replaced');
    await stores.layers.sync();
    await stores.images.tag('app', 'other');
    expect(readFileSync(index, 'utf8')).not.toContain('replaced');
  });

  test('an index that cannot be read is put aside', async () => {
    await imported(stores, 'kept', { path: 'a', content: '1' });
    await stores.layers.close();
    const dir = join(stores.dir, 'images');
    writeFileSync(join(dir, 'index.json'), '{"schema":1,"ima');
    stores = await openStores(stores.dir);
    expect(stores.images.list()).toEqual([]);
    expect(readdirSync(dir).filter((name) => name.includes('damaged'))).toHaveLength(1);
  });

  test('an index that a later version wrote is left as it is', async () => {
    await imported(stores, 'kept', { path: 'a', content: '1' });
    await stores.layers.close();
    const path = join(stores.dir, 'images', 'index.json');
    const text = readFileSync(path, 'utf8');
    writeFileSync(path, text.replace('"schema":1', '"schema":2'));
    await expect(openStores(stores.dir)).rejects.toMatchObject({ code: 'data/newer' });
    writeFileSync(path, text);
    stores = await openStores(stores.dir);
    expect(stores.images.list()).toHaveLength(1);
  });
});

describe('importing', () => {
  test('makes an image of one layer with the changes applied', async () => {
    const { images, events } = stores;
    const image = await images.importTar(Readable.from([gzipSync(tarOf({ path: 'bin/sh', content: 'x' }))]), {
      repo: 'base',
      tag: '3',
      changes: ['CMD ["sh"]', 'ENV A=b'],
      message: 'hello',
      signal,
    });
    expect(image.tags).toEqual(['base:3']);
    expect(images.inspectJson(image)).toMatchObject({
      Id: image.id,
      RepoTags: ['base:3'],
      RepoDigests: [],
      Parent: '',
      Comment: 'hello',
      Config: { Cmd: ['sh'], Env: ['A=b'], Labels: null, Volumes: null, WorkingDir: '' },
      Os: 'linux',
      Size: 1,
      RootFS: { Type: 'layers', Layers: image.config.rootfs.diff_ids },
    });
    expect(images.history(image)).toEqual([
      {
        Id: image.id,
        Created: expect.any(Number) as number,
        CreatedBy: '',
        Tags: ['base:3'],
        Size: 1,
        Comment: 'hello',
      },
    ]);
    expect(events.map(({ Action, Actor }) => [Action, Actor.ID, Actor.Attributes['name']])).toEqual([
      ['import', image.id, image.id],
    ]);
  });

  test('checks names and changes before it reads the archive', async () => {
    const options = { signal };
    const tar = () => Readable.from([tarOf({ path: 'a' })]);
    for (const repo of ['BAD', `app@${digestOf(Buffer.from(''))}`]) {
      await expect(stores.images.importTar(tar(), { ...options, repo })).rejects.toMatchObject({
        code: 'image/invalid-reference',
      });
    }
    await expect(stores.images.importTar(tar(), { ...options, changes: ['RUN x'] })).rejects.toMatchObject({
      code: 'image/invalid-change',
    });
    expect(stores.layers.list()).toEqual([]);
  });
});

describe('removing', () => {
  test('a name among several is only taken away; the last one takes the image and its layers', async () => {
    const { images, layers, events } = stores;
    const image = await imported(stores, 'app', { path: 'a', content: '1' });
    await images.tag('app', 'app:2');
    expect(await images.remove('app', nobody)).toEqual([{ Untagged: 'app:latest' }]);
    expect(await images.remove('app:2', nobody)).toEqual([
      { Untagged: 'app:2' },
      { Deleted: image.id },
      { Deleted: image.chainId },
    ]);
    expect(layers.list()).toEqual([]);
    expect(await stores.content.list()).toEqual([]);
    expect(events.map(({ Action }) => Action)).toEqual(['import', 'tag', 'untag', 'untag', 'delete']);
    expect(new Set(events.map(({ Actor }) => Actor.ID))).toEqual(new Set([image.id]));
    await expect(images.remove('app:2', nobody)).rejects.toThrow('No such image: app:2');
  });

  test('an id takes all names when they are of one repository', async () => {
    const { images } = stores;
    const image = await imported(stores, 'app', { path: 'a', content: '1' });
    await images.tag('app', 'other/app');
    await expect(images.remove(image.id, nobody)).rejects.toThrow(
      `conflict: unable to delete ${image.id.slice(7, 19)} (must be forced) - image is referenced in multiple repositories`,
    );
    expect(await images.remove(image.id, { ...nobody, force: true })).toEqual([
      { Untagged: 'app:latest' },
      { Untagged: 'other/app:latest' },
      { Deleted: image.id },
      { Deleted: image.chainId },
    ]);
  });

  test("a container's image stays, in Docker's words", async () => {
    const { images } = stores;
    const image = await imported(stores, 'app', { path: 'a', content: '1' });
    const short = image.id.slice(7, 19);
    await expect(images.remove('app', user(image, false))).rejects.toThrow(
      `conflict: unable to remove repository reference "app" (must force) - container c0ffeec0ffee is using its referenced image ${short}`,
    );
    await expect(images.remove(short, user(image, false))).rejects.toThrow(
      `conflict: unable to delete ${short} (must be forced) - image is being used by stopped container c0ffeec0ffee`,
    );
    await expect(images.remove(short, { ...user(image, true), force: true })).rejects.toThrow(
      `conflict: unable to delete ${short} (cannot be forced) - image is being used by running container c0ffeec0ffee`,
    );
    await images.tag('app', 'app:2');
    expect(await images.remove('app:2', user(image, true))).toEqual([{ Untagged: 'app:2' }]);
    expect(await images.remove('app', { ...user(image, true), force: true })).toEqual([{ Untagged: 'app:latest' }]);
    expect(images.find(image.id)).toBeDefined();
  });

  test('forced away under a stopped container, the image goes and its layers stay until the container has gone', async () => {
    const { images, layers } = stores;
    const image = await imported(stores, 'app', { path: 'a', content: '1' });
    const items = await images.remove('app', { ...user(image, false), force: true });
    expect(items).toEqual([{ Untagged: 'app:latest' }, { Deleted: image.id }]);
    expect(layers.list()).toHaveLength(1);
    await images.collect(user(image, false));
    expect(layers.list()).toHaveLength(1);
    expect((await images.collect(nobody)).spaceReclaimed).toBe(1);
    expect(layers.list()).toEqual([]);
  });

  test('a parent stays while it has children, and nameless parents go with the last child', async () => {
    const { images } = stores;
    const base = await imported(stores, undefined, { path: 'a', content: '1' });
    const middle = await derived(base, 'b');
    const top = await derived(middle, 'c', ['top']);
    await expect(images.remove(middle.id, { ...nobody, force: true })).rejects.toThrow(
      `conflict: unable to delete ${middle.id.slice(7, 19)} (cannot be forced) - image has dependent child images`,
    );
    expect(images.summaries().map(({ Id }) => Id)).toEqual([top.id]);
    expect(images.summaries({ all: true })).toHaveLength(3);
    expect(images.history(top).map(({ Id }) => Id)).toEqual(
      [top.id, middle.id, base.id].slice(0, images.history(top).length),
    );
    expect(await images.remove('top', nobody)).toEqual([
      { Untagged: 'top:latest' },
      { Deleted: top.id },
      { Deleted: top.chainId },
      { Deleted: middle.id },
      { Deleted: middle.chainId },
      { Deleted: base.id },
      { Deleted: base.chainId },
    ]);
  });

  test('without pruning the parents stay', async () => {
    const { images } = stores;
    const base = await imported(stores, undefined, { path: 'a', content: '1' });
    await derived(base, 'b', ['top']);
    await images.remove('top', { ...nobody, prune: false });
    expect(images.list().map(({ id }) => id)).toEqual([base.id]);
  });

  test('layers that another image shares stay', async () => {
    const { images, layers } = stores;
    const base = await imported(stores, 'base', { path: 'a', content: '1' });
    await derived(base, 'b', ['one']);
    await derived(base, 'c', ['two']);
    const removed = await images.remove('one', nobody);
    expect(removed.filter(({ Deleted }) => Deleted !== undefined)).toHaveLength(2);
    expect(layers.list()).toHaveLength(2);
  });
});

describe('listing and pruning', () => {
  test('filters choose by name, label, age and neighbours', async () => {
    const { images } = stores;
    const base = await imported(stores, 'busybox:1', { path: 'a', content: '1' });
    const labelled = await images.create({
      config: {
        architecture: 'amd64',
        os: 'linux',
        created: '2001-01-01T00:00:00Z',
        config: { Labels: { a: 'b', c: '' } },
      },
      chainId: base.chainId,
      tags: ['me/app:1', 'me/app:2'],
    });
    const loose = await derived(base, 'x');
    const ids = (filters: Record<string, string[]>) =>
      images
        .summaries({ filters })
        .map(({ Id }) => Id)
        .sort();
    expect(ids({})).toEqual([base.id, labelled.id, loose.id].sort());
    expect(ids({ dangling: ['true'] })).toEqual([loose.id]);
    expect(ids({ dangling: ['false'] })).toEqual([base.id, labelled.id].sort());
    expect(ids({ reference: ['busybox'] })).toEqual([base.id]);
    expect(ids({ reference: ['*/*'] })).toEqual([labelled.id]);
    expect(ids({ reference: ['busy*:?'] })).toEqual([base.id]);
    expect(images.summaries({ filters: { reference: ['me/app:2'] } }).map(({ RepoTags }) => RepoTags)).toEqual([
      ['me/app:2'],
    ]);
    expect(ids({ label: ['a=b'] })).toEqual([labelled.id]);
    expect(ids({ label: ['a=c'] })).toEqual([]);
    expect(ids({ 'label!': ['c'] })).toEqual([base.id, loose.id].sort());
    expect(ids({ before: ['busybox:1'] })).toContain(labelled.id);
    expect(ids({ since: ['me/app:1'] })).toEqual([base.id, loose.id].sort());
    expect(ids({ until: ['2002-01-01'] })).toEqual([labelled.id]);
    expect(ids({ until: ['1h'] })).toContain(labelled.id);
    expect(() => ids({ nonsense: ['x'] })).toThrow("invalid filter 'nonsense'");
    expect(() => ids({ dangling: ['maybe'] })).toThrow("invalid filter 'dangling=[maybe]'");
  });

  test('sizes shared with other images are told apart when asked', async () => {
    const { images } = stores;
    const base = await imported(stores, 'base', { path: 'a', content: '12345' });
    await derived(base, 'xyz', ['top']);
    const sizes = images
      .summaries({ sharedSize: true })
      .map(({ RepoTags, Size, SharedSize }) => [RepoTags?.[0], Size, SharedSize]);
    expect(sizes.sort()).toEqual([
      ['base:latest', 5, 5],
      ['top:latest', 8, 5],
    ]);
    expect(images.summaries()[0]?.SharedSize).toBe(-1);
    expect(images.layersSize()).toBe(8);
  });

  test('pruning takes nameless images, or all without containers, and brings the store back to its size', async () => {
    const { images, layers, content } = stores;
    const kept = await imported(stores, 'kept', { path: 'a', content: '1' });
    await imported(stores, undefined, { path: 'a', content: '22' });
    const held = await imported(stores, 'held', { path: 'a', content: '333' });
    const first = await images.prune(nobody);
    expect(first).toMatchObject({ spaceReclaimed: 2 });
    expect(images.list()).toHaveLength(2);
    const second = await images.prune({ filters: { dangling: ['false'] }, usedBy: user(held, false).usedBy });
    expect(second.deleted).toEqual([{ Untagged: 'kept:latest' }, { Deleted: kept.id }, { Deleted: kept.chainId }]);
    await images.prune({ filters: { dangling: ['false'] }, ...nobody });
    expect([images.list(), layers.list(), await content.list()]).toEqual([[], [], []]);
  });
});

describe('verifying', () => {
  test('a whole store has no problems; what was changed, cut off or lost is named', async () => {
    const changed = await imported(stores, 'changed', { path: 'a', content: 'before' });
    const lost = await imported(stores, 'lost', { path: 'b', content: '2' });
    const cut = await imported(stores, 'cut', { path: 'c', content: '3' });
    expect(await stores.images.verify(signal)).toMatchObject({ blobs: 3, layers: 3, images: 3, problems: [] });
    const dirOf = (image: Image) => stores.layers.lowerDirs(image.chainId)[0] ?? '';
    writeFileSync(join(dirOf(changed), 'a'), 'after!');
    execFileSync('rm', [join(dirOf(lost), 'b')]);
    writeFileSync(stores.content.pathOf(cut.id), '{}');
    const { layers, blobs, problems } = await stores.images.verify(signal);
    expect({ layers, blobs }).toEqual({ layers: 1, blobs: 2 });
    expect(problems.map(({ what, id }) => ({ what, id }))).toEqual(
      expect.arrayContaining([
        { what: 'layer', id: changed.chainId },
        { what: 'layer', id: lost.chainId },
        { what: 'blob', id: cut.id },
      ]),
    );
    expect(problems).toHaveLength(3);
  });
});

describe('saving and loading', () => {
  async function archiveOf(...names: readonly string[]): Promise<Buffer> {
    return Buffer.concat((await stores.images.save(names, { signal }).toArray()) as Buffer[]);
  }

  async function loadInto(target: Stores, archive: Buffer): Promise<string[]> {
    const messages: ProgressMessage[] = [];
    await target.images.load(Readable.from([archive]), {
      onProgress: (message) => void messages.push(message),
      signal,
    });
    return messages.flatMap(({ stream }) => (stream === undefined ? [] : [stream]));
  }

  test.each(['none', 'gzip', 'zstd'] as const)(
    'images come back with the same ids and names (%s)',
    async (compression) => {
      const base = await imported(stores, 'base', { path: 'a', content: '1' }, { path: 'b', linkPath: 'a' });
      const top = await derived(base, 'c', ['top:1', 'top:2']);
      const plain = await archiveOf('base', 'top:1', 'top:2');
      const archive = compression === 'none' ? plain : execFileSync(compression, ['-c'], { input: plain });
      const other = await openStores();
      try {
        expect(await loadInto(other, archive)).toEqual([
          'Loaded image: base:latest\n',
          'Loaded image: top:1\n',
          'Loaded image: top:2\n',
        ]);
        expect(other.images.resolve('base').id).toBe(base.id);
        expect(other.images.resolve('top:2').id).toBe(top.id);
        expect(readFileSync(join(other.layers.lowerDirs(top.chainId)[0] ?? '', 'c'), 'utf8')).toBe('c');
        expect(readdirSync(join(other.dir, 'layers', 'staging'))).toEqual([]);
        const again = Buffer.concat(
          (await other.images.save(['base', 'top:1', 'top:2'], { signal }).toArray()) as Buffer[],
        );
        expect(again.equals(plain)).toBe(true);
      } finally {
        await other.dispose();
      }
    },
  );

  test('loading what is here already only gives the names', async () => {
    await imported(stores, 'app', { path: 'a', content: '1' });
    const archive = await archiveOf('app');
    await stores.images.tag('app', 'other');
    await stores.images.remove('app', nobody);
    expect(await loadInto(stores, archive)).toEqual(['Loaded image: app:latest\n']);
    expect(stores.images.list().map(({ tags }) => tags)).toEqual([['app:latest', 'other:latest']]);
    expect(stores.layers.list()).toHaveLength(1);
  });

  test('a repository without tag stands for all its tags', async () => {
    const { images } = stores;
    await imported(stores, 'app:1', { path: 'a', content: '1' });
    await imported(stores, 'app:2', { path: 'a', content: '2' });
    const archive = await archiveOf('app');
    for (const name of ['app:1', 'app:2']) await images.remove(name, nobody);
    expect(await loadInto(stores, archive)).toEqual(['Loaded image: app:1\n', 'Loaded image: app:2\n']);
  });

  test('an image saved by its id has no name where it is loaded', async () => {
    const { id } = await imported(stores, 'app', { path: 'a', content: '1' });
    const archive = await archiveOf(id);
    await stores.images.remove('app', nobody);
    expect(await loadInto(stores, archive)).toEqual([`Loaded image ID: ${id}\n`]);
  });

  /** The layout of docker before version 25, where every layer is a folder and equal ones are links. */
  test('archives of older engines are read', async () => {
    const layer = tarOf({ path: 'a', content: '1' });
    const config = JSON.stringify({
      architecture: 'amd64',
      os: 'linux',
      rootfs: { type: 'layers', diff_ids: [digestOf(layer), digestOf(layer)] },
    });
    const archive = tarOf(
      { path: 'aaa/' },
      { path: 'aaa/layer.tar', content: layer },
      { path: 'bbb/layer.tar', linkPath: '../aaa/layer.tar' },
      { path: 'config.json', content: config },
      {
        path: 'manifest.json',
        content: JSON.stringify([
          { Config: 'config.json', RepoTags: ['old:1'], Layers: ['aaa/layer.tar', 'bbb/layer.tar'] },
        ]),
      },
    );
    expect(await loadInto(stores, archive)).toEqual(['Loaded image: old:1\n']);
    expect(stores.images.resolve('old:1').id).toBe(digestOf(config));
    expect(stores.layers.list()).toHaveLength(2);
  });

  test('an OCI layout is read by its index, compressed layers and platforms included', async () => {
    const layer = tarOf({ path: 'a', content: '1' });
    const packed = gzipSync(layer);
    const config = Buffer.from(
      JSON.stringify({ architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids: [digestOf(layer)] } }),
    );
    const blob = (bytes: Buffer) => ({ path: `blobs/sha256/${digestOf(bytes).slice(7)}`, content: bytes });
    const descriptor = (bytes: Buffer, mediaType: string) => ({
      mediaType,
      digest: digestOf(bytes),
      size: bytes.length,
    });
    const manifest = Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        config: descriptor(config, 'application/vnd.oci.image.config.v1+json'),
        layers: [descriptor(packed, 'application/vnd.oci.image.layer.v1.tar+gzip')],
      }),
    );
    const ours = {
      ...descriptor(manifest, 'application/vnd.oci.image.manifest.v1+json'),
      platform: { os: 'linux', architecture: process.arch === 'x64' ? 'amd64' : process.arch },
    };
    const other = { ...ours, digest: digestOf('not saved'), platform: { os: 'linux', architecture: 's390x' } };
    const nested = Buffer.from(JSON.stringify({ schemaVersion: 2, manifests: [other, ours] }));
    const index = {
      schemaVersion: 2,
      manifests: [
        {
          ...descriptor(nested, 'application/vnd.oci.image.index.v1+json'),
          annotations: { 'io.containerd.image.name': 'docker.io/library/oci:1' },
        },
      ],
    };
    const archive = tarOf(
      { path: 'index.json', content: JSON.stringify(index) },
      { path: 'oci-layout', content: '{"imageLayoutVersion":"1.0.0"}' },
      ...[nested, manifest, config, packed].map(blob),
    );
    expect(await loadInto(stores, archive)).toEqual(['Loaded image: oci:1\n']);
    expect(stores.images.resolve('oci:1').id).toBe(digestOf(config));
  });

  test.each<[string, Buffer, string]>([
    ['is no archive', Buffer.from('garbage'), 'tar/invalid'],
    ['has no manifest', tarOf({ path: 'x', content: 'y' }), 'image/bad-archive'],
    [
      'lacks its config',
      tarOf({ path: 'manifest.json', content: '[{"Config":"nope.json","Layers":[]}]' }),
      'image/bad-archive',
    ],
    ['has a manifest of nonsense', tarOf({ path: 'manifest.json', content: '{"Config":1}' }), 'image/bad-archive'],
    [
      'lies about a layer',
      tarOf(
        { path: 'l/layer.tar', content: tarOf({ path: 'a' }) },
        { path: 'c.json', content: JSON.stringify({ os: 'linux', rootfs: { diff_ids: [digestOf('other')] } }) },
        { path: 'manifest.json', content: '[{"Config":"c.json","Layers":["l/layer.tar"]}]' },
      ),
      'image/bad-archive',
    ],
    [
      'has an endless document',
      tarOf({ path: 'manifest.json', content: Buffer.alloc(9 << 20, ' ') }),
      'image/bad-archive',
    ],
  ])('one that %s is refused and leaves nothing', async (_, archive, code) => {
    await expect(loadInto(stores, archive)).rejects.toMatchObject({ code });
    expect(stores.images.list()).toEqual([]);
    expect(stores.layers.list()).toEqual([]);
    expect(readdirSync(join(stores.dir, 'layers', 'staging'))).toEqual([]);
  });

  test('saving what is not there fails before the first byte', () => {
    expect(() => stores.images.save(['nosuch'], { signal })).toThrow('No such image: nosuch:latest');
  });
});

test('an image that is held cannot lose its layers', async () => {
  const { images, layers } = stores;
  const image = await imported(stores, 'app', { path: 'a', content: '1' });
  const release = images.retain(image.id);
  await images.remove('app', nobody);
  expect(existsSync(layers.lowerDirs(image.chainId)[0] ?? '')).toBe(true);
  release();
  await images.collect(nobody);
  expect(layers.list()).toEqual([]);
});
