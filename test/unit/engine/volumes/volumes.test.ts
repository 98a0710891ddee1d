import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { silentLog } from '../../../../src/base/log.js';
import { createEventHub } from '../../../../src/engine/events/index.js';
import { openVolumeStore, type VolumeStore } from '../../../../src/engine/volumes/index.js';
import { checkOptions, mountsOf } from '../../../../src/engine/volumes/options.js';
import { folderPerTest } from '../../../support/test-folder.js';

let dir: string;
let users: Record<string, string[]>;
let store: VolumeStore;
const open = (): Promise<VolumeStore> =>
  openVolumeStore({
    dir: join(dir, 'volumes'),
    events: createEventHub(() => BigInt(Date.now()) * 1_000_000n),
    log: silentLog,
    usedBy: (name) => users[name] ?? [],
    mountedBy: () => [],
  });
folderPerTest((path) => (dir = path));
beforeEach(async () => {
  users = {};
  store = await open();
});
const names = (filters: Record<string, string[]>) => store.list(filters).Volumes.map(({ Name }) => Name);

describe('a volume', () => {
  test('is made once by its name and found again by a new engine', async () => {
    const first = await store.create({ Name: 'data', Labels: { a: 'b' } });
    expect(await store.create({ Name: 'data' })).toEqual(first);
    store = await open();
    expect(store.inspect('data')).toMatchObject({
      Name: 'data',
      Driver: 'local',
      Labels: { a: 'b' },
      Scope: 'local',
      Options: null,
    });
  });

  test('without a name gets 64 hex digits and the label of such volumes', async () => {
    const { name, anonymous, labels } = await store.create({});
    expect(name).toMatch(/^[0-9a-f]{64}$/);
    expect({ anonymous, labels }).toEqual({ anonymous: true, labels: { 'com.docker.volume.anonymous': '' } });
  });

  test('cannot be called by one letter', async () => {
    await expect(store.create({ Name: 'a' })).rejects.toThrow('volume name is too short');
  });

  test.each(['-x', 'a/b', 'ü', '..'])('cannot be called %j', async (Name) => {
    await expect(store.create({ Name })).rejects.toThrow('includes invalid characters for a local volume name');
  });

  test('of another driver or with options nobody knows is refused', async () => {
    await expect(store.create({ Name: 'nfs', Driver: 'rexray' })).rejects.toThrow('plugin "rexray" not found');
    await expect(store.create({ Name: 'odd', DriverOpts: { speed: '9' } })).rejects.toThrow('invalid option: "speed"');
  });

  test('asked for again is given as it is, whatever the options', async () => {
    const first = await store.create({ Name: 'own', DriverOpts: { type: 'tmpfs', device: 'tmpfs' } });
    expect(await store.create({ Name: 'own', DriverOpts: { type: 'ext4' }, Labels: { a: 'b' } })).toEqual(first);
  });

  test('in use stays, and says who uses it', async () => {
    await store.create({ Name: 'busy' });
    users = { busy: ['c1', 'c2'] };
    await expect(store.remove('busy', { force: true })).rejects.toThrow('remove busy: volume is in use - [c1, c2]');
    users = {};
    await store.remove('busy', { force: false });
    expect(store.find('busy')).toBeUndefined();
    await expect(store.remove('busy', { force: false })).rejects.toThrow('get busy: no such volume');
    await store.remove('busy', { force: true });
  });

  test('made for a container that did not come to be goes, a named one stays', async () => {
    const { name } = await store.create({}, { madeFor: 'c' });
    await store.create({ Name: 'kept' }, { madeFor: 'c' });
    await store.discardMadeFor('c');
    expect([store.find(name), store.find('kept')?.name]).toEqual([undefined, 'kept']);
  });

  test('is filled once, and again when that was cut short', async () => {
    const source = join(dir, 'source');
    mkdirSync(source, { mode: 0o750 });
    writeFileSync(join(source, 'file'), 'from image');
    await store.create({ Name: 'fill' });
    const inside = join(store.mountpoint('fill'), 'file');
    expect(await store.isEmpty('fill')).toBe(true);
    await store.populate('fill', source, AbortSignal.timeout(10_000));
    expect(readFileSync(inside, 'utf8')).toBe('from image');
    writeFileSync(inside, 'changed');
    await store.populate('fill', source, AbortSignal.timeout(10_000));
    expect(readFileSync(inside, 'utf8')).toBe('changed');

    const record = join(dir, 'volumes/fill/volume.json');
    writeFileSync(record, readFileSync(record, 'utf8').replace('"settled"', '"copying"'));
    store = await open();
    writeFileSync(join(source, 'more'), 'from image');
    expect(await store.isEmpty('fill')).toBe(true);
    await store.populate('fill', source, AbortSignal.timeout(10_000));
    expect(readFileSync(join(store.mountpoint('fill'), 'more'), 'utf8')).toBe('from image');
    expect(readFileSync(inside, 'utf8')).toBe('changed');
    expect(await store.isEmpty('fill')).toBe(false);
  });

  test('whose filling fails is as empty as before, and never loses what is put in afterwards', async () => {
    const source = join(dir, 'source');
    mkdirSync(source);
    writeFileSync(join(source, 'file'), 'from image');
    await store.create({ Name: 'fill' });
    // The copying fails, as it does on a full disk.
    const cut = store.populate('fill', join(source, 'file'), AbortSignal.timeout(10_000));
    await expect(cut).rejects.toThrow('cp');
    const aborted = store.populate('fill', source, AbortSignal.abort(new Error('enough')));
    await expect(aborted).rejects.toThrow('enough');
    expect(readdirSync(join(dir, 'volumes/fill')).sort()).toEqual(['_data', 'volume.json']);
    store = await open();
    expect(await store.isEmpty('fill')).toBe(true);
    writeFileSync(join(store.mountpoint('fill'), 'backup'), 'restored');
    expect(await store.isEmpty('fill')).toBe(false);
    await store.populate('fill', source, AbortSignal.timeout(10_000));
    expect(readdirSync(store.mountpoint('fill'))).toEqual(['backup']);
  });

  test('gets names that are not UTF-8, and the mode and time of the folder', async () => {
    const source = join(dir, 'source');
    mkdirSync(source);
    const odd = Buffer.concat([Buffer.from('odd-'), Buffer.of(0xff)]);
    writeFileSync(Buffer.concat([Buffer.from(`${source}/`), odd]), 'x');
    chmodSync(source, 0o1750);
    utimesSync(source, 1_000_000, 1_000_000);
    await store.create({ Name: 'fill' });
    await store.populate('fill', source, AbortSignal.timeout(10_000));
    const { mode, mtimeMs } = statSync(store.mountpoint('fill'));
    expect([(mode & 0o7777).toString(8), mtimeMs]).toEqual(['1750', 1_000_000_000]);
    expect(readdirSync(store.mountpoint('fill'), { encoding: 'buffer' })).toEqual([odd]);
  });

  test('without a record is what a crash left, and goes', async () => {
    mkdirSync(join(dir, 'volumes/ghost/_data'), { recursive: true });
    store = await open();
    await store.create({ Name: 'ghost' });
    expect(await store.isEmpty('ghost')).toBe(true);
  });

  test('without a record, but with content, is one that somebody put there', async () => {
    mkdirSync(join(dir, 'volumes/backup/_data'), { recursive: true });
    writeFileSync(join(dir, 'volumes/backup/_data/rows'), 'restored');
    for (const folder of ['lost+found', '.snapshots', 'notes']) {
      mkdirSync(join(dir, 'volumes', folder));
      writeFileSync(join(dir, 'volumes', folder, 'file'), 'of somebody');
    }
    store = await open();
    expect(names({})).toEqual(['backup']);
    expect(readFileSync(join(store.mountpoint('backup'), 'rows'), 'utf8')).toBe('restored');
    store = await open();
    expect(names({})).toEqual(['backup']);
    expect(readdirSync(join(dir, 'volumes')).sort()).toEqual(['.snapshots', 'backup', 'lost+found', 'notes']);
  });

  test('whose removal was cut short does not come back', async () => {
    await store.create({ Name: 'gone' });
    writeFileSync(join(store.mountpoint('gone'), 'rest'), '');
    renameSync(join(dir, 'volumes/gone'), join(dir, 'volumes/.removed-1'));
    store = await open();
    expect(names({})).toEqual([]);
    expect(readdirSync(join(dir, 'volumes'))).toEqual([]);
  });

  test('of a container that is being made is in use', async () => {
    await store.create({ Name: 'old' });
    await store.reserve('old', 'c');
    await store.create({ Name: 'new' }, { madeFor: 'c' });
    const { name } = await store.create({}, { madeFor: 'c' });
    await expect(store.remove('old', { force: false })).rejects.toThrow('remove old: volume is in use - [c]');
    expect((await store.prune({ all: ['true'] })).VolumesDeleted).toEqual([]);
    store.endReservations('c');
    expect((await store.prune({ all: ['true'] })).VolumesDeleted?.sort()).toEqual([name, 'new', 'old'].sort());
  });

  test('is reserved only after a removal that has begun', async () => {
    await store.create({ Name: 'going' });
    const removed = store.remove('going', { force: false });
    await Promise.resolve(); // its turn has begun
    expect(await store.reserve('going', 'c')).toBeUndefined();
    await removed;
  });
});

describe('volumes', () => {
  test('are listed by name, label and whether they are used', async () => {
    await store.create({ Name: 'app-data', Labels: { env: 'x' } });
    await store.create({ Name: 'other' });
    users = { other: ['c'] };
    expect(names({})).toEqual(['app-data', 'other']);
    expect(names({ name: ['app'] })).toEqual(['app-data']);
    expect(names({ name: ['^app-.*a$', '['] })).toEqual(['app-data']);
    expect(names({ name: ['^data$'] })).toEqual([]);
    expect(names({ label: ['env=x'] })).toEqual(['app-data']);
    expect(names({ label: ['env=y'] })).toEqual([]);
    expect(names({ dangling: ['true'] })).toEqual(['app-data']);
    expect(() => store.list({ speed: ['9'] })).toThrow("invalid filter 'speed'");
    expect(() => store.list({ dangling: ['maybe'] })).toThrow('invalid filter');
  });

  test('are pruned when anonymous and unused, or all unused ones on request', async () => {
    const { name } = await store.create({});
    await store.create({ Name: 'named' });
    await store.create({ Name: 'used' });
    users = { used: ['c'] };
    expect((await store.prune({})).VolumesDeleted).toEqual([name]);
    expect((await store.prune({ all: ['true'] })).VolumesDeleted).toEqual(['named']);
  });
});

describe('the size of a volume', () => {
  const du = (script: string) => {
    writeFileSync(join(dir, 'du'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    vi.stubEnv('PATH', `${dir}:${process.env['PATH'] ?? ''}`);
  };
  const size = async () => (await store.usage(new AbortController().signal))[0]?.UsageData?.Size;
  beforeEach(async () => {
    await store.create({ Name: 'data' });
  });
  afterEach(() => vi.unstubAllEnvs());

  test('is told also when a file went while it was looked at', async () => {
    du('echo "du: cannot access x: No such file or directory" >&2; printf "8192\\t%s\\n" x; exit 1');
    expect(await size()).toBe(8192);
  });

  test('that cannot be told is -1, and no prune stops for it', async () => {
    du('exit 2');
    expect(await size()).toBe(-1);
    expect(await store.prune({ all: ['true'] })).toEqual({ VolumesDeleted: ['data'], SpaceReclaimed: 0 });
  });
});

describe('driver options', () => {
  test('a device wants a type, and both ways round', () => {
    expect(() => checkOptions('v', { type: 'nfs' })).toThrow('missing required option: "device"');
    expect(() => checkOptions('v', { device: '/x' })).toThrow('missing type');
    checkOptions('v', { device: '/x', o: 'bind' });
    checkOptions('v', {});
  });

  test('a read-only bind takes two mounts', async () => {
    expect(await mountsOf({ type: 'none', o: 'bind,ro', device: '/x' }, '/t')).toEqual([
      { source: '/x', target: '/t', flags: ['bind'] },
      { target: '/t', flags: ['bind', 'remount', 'ro'] },
    ]);
  });

  test('what the kernel takes as a flag is not given to the file system, and what it spreads to comes last', async () => {
    const o = 'nodiratime,rslave,size=1m,sync,async';
    expect(await mountsOf({ type: 'tmpfs', o, device: 'tmpfs' }, '/t')).toEqual([
      { source: 'tmpfs', target: '/t', fstype: 'tmpfs', flags: ['nodiratime', 'sync'], data: 'size=1m' },
      { target: '/t', flags: ['slave', 'rec'] },
    ]);
  });

  test('that fail are told without their password', async () => {
    const o = 'username=me,password=secret,pass=secret,vers=3.0';
    await store.create({ Name: 'share', DriverOpts: { type: 'nosuchfs', device: '//srv/share', o } });
    const acquired = store.acquire('share', 'c');
    await expect(acquired).rejects.toThrow('username=me,password=********,pass=********,vers=3.0');
    await expect(acquired).rejects.not.toThrow('secret');
  });

  test('what is no flag goes to the file system', async () => {
    expect(await mountsOf({ type: 'nfs', o: 'addr=10.0.0.1,rw,nolock,nosuid', device: ':/x' }, '/t')).toEqual([
      { source: ':/x', target: '/t', fstype: 'nfs', flags: ['nosuid'], data: 'addr=10.0.0.1,nolock' },
    ]);
  });
});
