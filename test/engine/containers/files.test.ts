import { execFileSync } from 'node:child_process';
import { lstatSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { mount, unmount } from '../../../src/engine/sys/index.js';
import { eventually } from '../../support/engine-sandbox.js';
import { type Engine, engineForTests, missing, soon } from './support.js';

const put = { noOverwriteDirNonDir: false, copyUidGid: false };

describe.skipIf(missing !== undefined)(`a container's files (needs ${missing ?? 'nothing more'})`, () => {
  let engine: Engine;
  engineForTests((opened) => (engine = opened));

  const names = async (tar: Readable) => {
    const bytes = Buffer.concat(await tar.toArray());
    return execFileSync('tar', ['-tf', '-'], { input: bytes }).toString().trim().split('\n');
  };
  const content = async (tar: Readable, name: string) => {
    const bytes = Buffer.concat(await tar.toArray());
    return execFileSync('tar', ['-xOf', '-', name], { input: bytes }).toString();
  };
  const tarOf = (files: Record<string, string>): Readable => {
    const folder = join(engine.folder, `tar${Math.random()}`);
    mkdirSync(folder);
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(join(folder, name, '..'), { recursive: true });
      writeFileSync(join(folder, name), text);
    }
    return Readable.from([execFileSync('tar', ['-c', '-C', folder, '--owner=1000', '--group=1000', '.'])]);
  };

  test.each(['running', 'stopped'])('go out of and into one that is %s', async (state) => {
    const hosts = join(engine.folder, 'of-the-host');
    writeFileSync(hosts, 'bound');
    const Binds = ['vol:/vol', `${hosts}:/not/in/the/image`];
    const id = await engine.create({ Cmd: ['sleep', '60'], HostConfig: { Binds } });
    if (state === 'running') await engine.containers.start(id, soon());
    await engine.containers.archivePut(id, '/tmp', tarOf({ 'a.txt': 'A', 'deep/er/b.txt': 'B' }), put, soon());
    await engine.containers.archivePut(id, '/vol', tarOf({ 'in-volume': state }), put, soon());
    const stat = await engine.containers.archiveStat(id, '/tmp/a.txt');
    expect(stat).toMatchObject({ name: 'a.txt', size: 1, mode: 0o644, linkTarget: '' });
    const { tar } = await engine.containers.archiveGet(id, '/tmp', soon());
    expect((await names(tar)).sort()).toEqual(['tmp/', 'tmp/a.txt', 'tmp/deep/', 'tmp/deep/er/', 'tmp/deep/er/b.txt']);
    const inside = await engine.containers.archiveGet(id, '/tmp/deep/.', soon());
    expect((await names(inside.tar)).sort()).toEqual(['./', './er/', './er/b.txt']);
    const file = await engine.containers.archiveGet(id, '/vol/in-volume', soon());
    expect(await content(file.tar, 'in-volume')).toBe(state);
    expect(await engine.containers.archiveStat(id, '/not/in/the/image')).toMatchObject({ name: 'image', size: 5 });
    if (state === 'running')
      expect((await engine.exec(id, ['stat', '-c', '%u:%g', '/tmp/a.txt'])).output).toBe('1000:1000\n');
    await engine.containers.remove(id, { force: true, volumes: true }, soon());
  });

  test('are never looked for outside of it', async () => {
    const id = await engine.start({
      Cmd: ['sh', '-c', 'ln -s /etc /tmp/abs; ln -s ../../../../etc /tmp/rel; sleep 60'],
    });
    await engine.exec(id, ['true']);
    writeFileSync(join(engine.folder, 'host-secret'), 'secret');
    const up = `/tmp/rel/../../../../../../..${engine.folder}/host-secret`;
    await expect(engine.containers.archiveStat(id, up)).rejects.toThrow('Could not find the file');
    await engine.containers.archivePut(id, '/tmp/abs', tarOf({ 'made-here': 'x' }), put, soon());
    expect((await engine.exec(id, ['cat', '/etc/made-here'])).output).toBe('x');
    expect((await engine.containers.archiveStat(id, '/tmp/abs')).linkTarget).toBe('/etc');
  });

  test('a link that the container puts in the place of a file that is still coming leads nowhere', async () => {
    const victim = join(engine.folder, 'victim');
    writeFileSync(victim, 'of the host', { mode: 0o600 });
    const swap = `until test -s /big; do sleep 0.01; done; cd /; busybox mv big moved; busybox ln -s ${victim} big; sleep 60`;
    const id = await engine.start({ Cmd: ['sh', '-c', swap] });
    const { Pid } = (await engine.containers.inspect(id, { size: false })).State;
    const tar = await buffer(tarOf({ big: 'x'.repeat(600_000) }));
    async function* untilSwapped(): AsyncGenerator<Buffer> {
      yield tar.subarray(0, 300_000);
      const name = `/proc/${Pid}/root/big`;
      await eventually('the swap', () => lstatSync(name, { throwIfNoEntry: false })?.isSymbolicLink() === true);
      yield tar.subarray(300_000);
    }
    await engine.containers.archivePut(id, '/', Readable.from(untilSwapped()), put, soon());
    expect(statSync(victim).mode & 0o777).toBe(0o600);
    await engine.containers.remove(id, { force: true, volumes: true }, soon());
  });

  test('are not put where there is no folder, nor over one another against the wish', async () => {
    const id = await engine.start({ Cmd: ['sh', '-c', 'mkdir /tmp/folder; echo f > /tmp/file; sleep 60'] });
    await engine.exec(id, ['true']);
    await expect(engine.containers.archivePut(id, '/nowhere', tarOf({ a: '' }), put, soon())).rejects.toMatchObject({
      code: 'container/path-not-found',
    });
    await expect(engine.containers.archivePut(id, '/tmp/file', tarOf({ a: '' }), put, soon())).rejects.toMatchObject({
      code: 'container/not-a-directory',
    });
    const strict = { ...put, noOverwriteDirNonDir: true };
    await expect(engine.containers.archivePut(id, '/tmp', tarOf({ folder: 'x' }), strict, soon())).rejects.toThrow(
      'cannot overwrite directory "/tmp/folder" with non-directory "./folder"',
    );
    await expect(engine.containers.archivePut(id, '/tmp', tarOf({ 'file/x': 'x' }), strict, soon())).rejects.toThrow(
      'cannot overwrite non-directory',
    );
  });

  test('what changed is listed, without the mount points that every container has', async () => {
    const { id } = await engine.sh('echo x > /new; rm /etc/group; echo y >> /etc/passwd');
    expect(await engine.containers.changes(id)).toEqual([
      { Path: '/etc', Kind: 0 },
      { Path: '/etc/group', Kind: 2 },
      { Path: '/etc/passwd', Kind: 0 },
      { Path: '/new', Kind: 1 },
    ]);
  });

  test('all of them can be exported, without what is mounted', async () => {
    const id = await engine.start({
      Cmd: ['sh', '-c', 'echo x > /mine; echo v > /vol/in; sleep 60'],
      HostConfig: { Binds: ['expvol:/vol'] },
    });
    await engine.exec(id, ['sh', '-c', 'while ! test -e /vol/in; do :; done']);
    const all = await names(await engine.containers.export(id, soon()));
    expect(all).toEqual(expect.arrayContaining(['mine', 'bin/busybox', 'vol/']));
    expect(all).not.toContain('vol/in');
    expect(all.filter((name) => name.startsWith('proc/'))).toEqual(['proc/']);
  });

  test.each(['running', 'running on from an engine before', 'stopped'])(
    'an export has what the layers have under a volume, of one that is %s',
    async (state) => {
      const Cmd = ['sh', '-c', 'echo v > /data/file; touch /own; sleep 60'];
      const id = await engine.start({ Cmd, Volumes: { '/data': {} } });
      await engine.exec(id, ['sh', '-c', 'while ! test -e /own; do :; done']);
      if (state === 'stopped') await engine.containers.stop(id, { timeoutS: 0 }, soon());
      const root = (await engine.containers.inspect(id, { size: false })).GraphDriver.Data?.['MergedDir'] ?? '';
      // A mount namespace of its own, in which an engine that has ended mounted it.
      if (state.includes('before')) unmount(root, { detach: true });
      const tar = Buffer.concat(await (await engine.containers.export(id, soon())).toArray());
      expect(await content(Readable.from([tar]), 'data/file')).toBe('seeded\n');
      expect(await names(Readable.from([tar]))).toEqual(expect.arrayContaining(['own', 'data/sub/', '.dockerenv']));
      await engine.containers.remove(id, { force: true, volumes: true }, soon());
    },
  );

  test('an empty volume gets what the image has there, with owner and mode, once', async () => {
    const { output } = await engine.sh('stat -c "%u:%g %a" /data; cat /data/file; echo changed > /data/file', {
      HostConfig: { Binds: ['seeded:/data'] },
    });
    expect(output).toBe('1000:1000 750\nseeded\n');
    expect((await engine.sh('cat /data/file', { HostConfig: { Binds: ['seeded:/data'] } })).output).toBe('changed\n');
    const empty = await engine.sh('ls /data', { HostConfig: { Binds: ['unseeded:/data:nocopy'] } });
    expect(empty.output).toBe('');
  });

  test('volumes of another container come along, read-only where asked', async () => {
    const donor = await engine.create({ Volumes: { '/data': {} } }, 'donor');
    const { output, exitCode } = await engine.sh('cat /data/file; echo x > /data/file', {
      HostConfig: { VolumesFrom: ['donor:ro'] },
    });
    expect(output).toContain('seeded\n');
    expect(output).toContain('Read-only file system');
    expect(exitCode).toBe(1);
    await engine.create({ HostConfig: { VolumesFrom: ['donor:ro'] } }, 'reader');
    const again = await engine.sh('echo x > /data/file', { HostConfig: { VolumesFrom: ['reader:rw'] } });
    expect(again.exitCode).toBe(1);
    const { Mounts } = await engine.containers.inspect(donor, { size: false });
    expect(Mounts).toMatchObject([{ Type: 'volume', Destination: '/data', RW: true, Driver: 'local' }]);
    await expect(engine.rooms.volumes.remove(Mounts[0]?.Name ?? '', { force: false })).rejects.toThrow(
      'volume is in use - [',
    );
  });

  test('a host folder is there, made when missing, and writable or not', async () => {
    const host = join(engine.folder, 'made/by/engine');
    const { exitCode } = await engine.sh('echo x > /h/file; echo y > /ro/file', {
      HostConfig: { Binds: [`${host}:/h`, `${host}:/ro:ro`] },
    });
    expect(exitCode).toBe(1);
    expect(readFileSync(join(host, 'file'), 'utf8')).toBe('x\n');
    const absent = { Type: 'bind' as const, Source: '/no/such/folder', Target: '/x' };
    await expect(engine.create({ HostConfig: { Mounts: [absent] } })).rejects.toThrow(
      'bind source path does not exist',
    );
  });

  test('read-only holds for what is mounted below, too, unless it is said otherwise', async () => {
    const outer = join(engine.folder, 'outer');
    mkdirSync(join(outer, 'inner'), { recursive: true });
    mount({ source: 'inner', target: join(outer, 'inner'), fstype: 'tmpfs' });
    try {
      const ro = await engine.sh('touch /m/inner/x', { HostConfig: { Binds: [`${outer}:/m:ro`] } });
      expect(ro.output).toContain('Read-only file system');
      const shallow = { Type: 'bind' as const, Source: outer, Target: '/m', ReadOnly: true };
      const Mounts = [{ ...shallow, BindOptions: { ReadOnlyNonRecursive: true } }];
      expect((await engine.sh('touch /m/inner/x', { HostConfig: { Mounts } })).exitCode).toBe(0);
    } finally {
      unmount(join(outer, 'inner'), { detach: true });
    }
  });

  test('a tmpfs is empty, small when asked, and gone with the run', async () => {
    const { output } = await engine.sh('mount | while read l; do case "$l" in *" /t "*) echo "$l";; esac; done', {
      HostConfig: { Tmpfs: { '/t': 'size=1m,mode=700' } },
    });
    expect(output).toMatch(/tmpfs on \/t type tmpfs \(rw,nosuid,nodev,noexec,.*size=1024k,mode=700/);
  });

  test('the root can be read-only', async () => {
    const { output, exitCode } = await engine.sh('echo x > /x', { HostConfig: { ReadonlyRootfs: true } });
    expect(output).toContain('Read-only file system');
    expect(exitCode).toBe(1);
  });

  test('an image can be mounted', async () => {
    const Mounts = [{ Type: 'image' as const, Source: 'busybox', Target: '/img' }];
    const { output } = await engine.sh('cat /img/data/file; echo x > /img/y || echo refused', {
      HostConfig: { Mounts },
    });
    expect(output).toContain('seeded\n');
    expect(output).toContain('refused\n');
  });

  test('anonymous volumes go with their container on request, named ones stay', async () => {
    const id = await engine.create({ Volumes: { '/anon': {} }, HostConfig: { Binds: ['named:/named'] } });
    const { Mounts } = await engine.containers.inspect(id, { size: false });
    const anonymous = Mounts.find(({ Destination }) => Destination === '/anon')?.Name ?? '';
    expect(anonymous).toMatch(/^[0-9a-f]{64}$/);
    await engine.containers.remove(id, { force: false, volumes: true }, soon());
    expect(engine.rooms.volumes.find(anonymous)).toBeUndefined();
    expect(engine.rooms.volumes.find('named')).toBeDefined();
  });

  test('a volume can be a device', async () => {
    const host = join(engine.folder, 'device');
    mkdirSync(host);
    writeFileSync(join(host, 'from-host'), 'yes\n');
    await engine.rooms.volumes.create({ Name: 'device', DriverOpts: { type: 'none', o: 'bind', device: host } });
    expect((await engine.sh('cat /d/from-host', { HostConfig: { Binds: ['device:/d'] } })).output).toBe('yes\n');
    const o = 'bind,ro,nosuid,noexec';
    await engine.rooms.volumes.create({ Name: 'sealed', DriverOpts: { type: 'none', o, device: host } });
    for (const mode of ['rw', 'ro']) {
      const sealed = await engine.sh('grep " /d " /proc/mounts', { HostConfig: { Binds: [`sealed:/d:${mode}`] } });
      expect(sealed.output).toMatch(/ ro,nosuid,(?:nodev,)?noexec,/);
    }
    await engine.rooms.volumes.create({ Name: 'ram', DriverOpts: { type: 'tmpfs', o: 'size=2m', device: 'tmpfs' } });
    const { output } = await engine.sh('mount', { HostConfig: { Binds: ['ram:/r'] } });
    expect(output).toMatch(/tmpfs on \/r type tmpfs \(rw.*size=2048k/);
  });

  test('a volume in memory is the same for all while any container has it, whatever becomes of the engine', async () => {
    await engine.rooms.volumes.create({ Name: 'kept', DriverOpts: { type: 'tmpfs', o: 'size=2m', device: 'tmpfs' } });
    expect((await engine.sh('true', { HostConfig: { Binds: ['kept:/k'] } })).exitCode).toBe(0);
    const writer = await engine.start({ Cmd: ['sleep', '60'], HostConfig: { Binds: ['kept:/k'] } });
    const reader = await engine.start({ Cmd: ['sleep', '60'], HostConfig: { Binds: ['kept:/k:ro'] } });
    await engine.exec(writer, ['sh', '-c', 'echo kept > /k/file']);
    await engine.close();
    unmount(join(engine.dirs.dataRoot, 'volumes/kept/_data'), { detach: true }); // went with the engine's namespace
    await engine.reopen();
    await engine.containers.remove(writer, { force: true, volumes: true }, soon()); // the other has it read-only
    const { output } = await engine.sh('cat /k/file; echo more > /k/file', { HostConfig: { Binds: ['kept:/k'] } });
    expect(output).toBe('kept\n');
    expect((await engine.exec(reader, ['cat', '/k/file'])).output).toBe('more\n');
    await engine.containers.remove(reader, { force: true, volumes: true }, soon());
  });
});
