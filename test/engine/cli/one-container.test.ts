import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { engineMissing, EngineSandbox, eventually } from '../../support/engine-sandbox.js';

const missing = engineMissing();

describe.skipIf(missing !== undefined)('commands on one container', () => {
  let sandbox: EngineSandbox;
  let cwd: string;
  const compose = `
name: one
services:
  web:
    image: busybox
    command: sleep 1000
    stop_grace_period: 0s
    scale: 2
    volumes: [data:/data]
  reader:
    image: busybox
    command: [sh, -c, 'read -r line; echo "got $$line"; exit 7']
    stdin_open: true
    user: '5:6'
    stop_grace_period: 0s
volumes:
  data: {}
  idle: {}
`;

  beforeAll(async () => {
    sandbox = await new EngineSandbox().withBusybox();
    cwd = sandbox.project('one', { 'compose.yaml': compose, 'f.txt': 'file\n', 'folder/inner.txt': 'inner\n' });
    await sandbox.ok(['up', '-d', 'web'], { cwd });
    await sandbox.ok(['create', 'reader'], { cwd });
  });

  afterAll(async () => {
    await sandbox[Symbol.asyncDispose]();
  });

  const inside = (script: string, index = 1): Promise<string> =>
    sandbox.ok(['exec', '-T', '--index', String(index), 'web', 'sh', '-c', script], { cwd });
  const cp = (...args: string[]): Promise<string> => sandbox.ok(['cp', ...args], { cwd });

  describe('cp', () => {
    test('into a folder of every replica, under its name', async () => {
      await cp('f.txt', 'web:/tmp');
      expect(await inside('cat /tmp/f.txt')).toBe('file\n');
      expect(await inside('cat /tmp/f.txt', 2)).toBe('file\n');
    });

    test('with --index into one replica only', async () => {
      await cp('--index', '2', 'f.txt', 'web:/only');
      expect(await inside('ls /only 2>/dev/null; true')).toBe('');
      expect(await inside('ls /only', 2)).toBe('/only\n');
    });

    test('under a new name where the target is not there', async () => {
      await cp('f.txt', 'web:/tmp/renamed');
      await cp('folder', 'web:/tmp/fresh');
      expect(await inside('cat /tmp/renamed /tmp/fresh/inner.txt')).toBe('file\ninner\n');
    });

    test('a folder into a folder, and only its content with a last /.', async () => {
      await inside('mkdir -p /tmp/there /tmp/content');
      await cp('folder', 'web:/tmp/there');
      await cp('folder/.', 'web:/tmp/content');
      expect(await inside('cat /tmp/there/folder/inner.txt; ls /tmp/content')).toBe('inner\ninner.txt\n');
    });

    test('files keep their ids, or get the container’s user with -a', async () => {
      const path = join(cwd, 'owned');
      writeFileSync(path, '');
      execFileSync('chown', ['7:8', path]);
      await cp('owned', 'web:/tmp/kept');
      await cp('-a', 'owned', 'web:/tmp/no-user');
      await cp('owned', 'reader:/tmp/kept');
      await cp('-a', 'owned', 'reader:/tmp/given');
      expect(await inside('stat -c %u:%g /tmp/kept /tmp/no-user')).toBe('7:8\n7:8\n');
      const tars = await Promise.all(['kept', 'given'].map((name) => cp(`reader:/tmp/${name}`, '-')));
      const listed = tars.map((tar) =>
        execFileSync('tar', ['-t', '-v', '--numeric-owner'], { input: tar, encoding: 'utf8' }),
      );
      expect(listed.map((line) => line.split(' ')[1])).toEqual(['7/8', '5/6']);
    });

    test('a link stays one, and is followed with -L', async () => {
      symlinkSync('f.txt', join(cwd, 'link'));
      await cp('link', 'web:/tmp/as-link');
      await cp('-L', 'link', 'web:/tmp/followed');
      expect(await inside('readlink /tmp/as-link; cat /tmp/followed')).toBe('f.txt\nfile\n');
    });

    test('out of the container: a file, a folder, the content of a folder', async () => {
      await inside('mkdir -p /out/sub; echo one > /out/one; ln -s one /out/sub/link; chmod 640 /out/one');
      await cp('web:/out/one', 'got-one');
      await cp('web:/out', 'got-folder');
      mkdirSync(join(cwd, 'into'));
      await cp('web:/out', 'into');
      await cp('web:/out/.', 'got-content');
      const read = (path: string): string => readFileSync(join(cwd, path), 'utf8');
      expect([read('got-one'), read('got-folder/one'), read('into/out/one'), read('got-content/one')]).toEqual(
        Array.from({ length: 4 }, () => 'one\n'),
      );
      expect(readlinkSync(join(cwd, 'got-folder/sub/link'))).toBe('one');
    });

    test('- is a tar, either way', async () => {
      const tar = execFileSync('tar', ['-C', cwd, '-c', 'f.txt']);
      const early = await sandbox.run(['cp', '-', 'web:/srv'], { cwd, input: tar.toString('latin1') });
      expect(early.exitCode).toBe(1);
      await inside('mkdir -p /srv');
      await inside('mkdir -p /srv', 2);
      await sandbox.ok(['cp', '-', 'web:/srv'], { cwd, input: tar.toString('latin1') });
      expect(await inside('cat /srv/f.txt')).toBe('file\n');
      const back = await cp('web:/srv/f.txt', '-');
      expect(execFileSync('tar', ['-x', '-O'], { input: back, encoding: 'utf8' })).toBe('file\n');
    });

    test.each([
      ['a folder over a file', ['folder', 'web:/etc/passwd'], 'cannot copy directory'],
      ['a file into a folder that is not there', ['f.txt', 'web:/absent/'], 'no such directory'],
      ['below a folder that is not there', ['web:/etc/passwd', 'absent/x'], 'invalid output path'],
      ['what is not there', ['absent', 'web:/tmp'], 'no such file or directory'],
      ['between services', ['web:/tmp', 'reader:/tmp'], 'copying between services is not supported'],
      ['here to here', ['a', 'b'], 'unknown copy direction'],
      ['of a service without containers', ['nobody:/x', 'y'], 'no container found for service "nobody"'],
    ])('refuses %s', async (_, args, message) => {
      const result = await sandbox.run(['cp', ...args], { cwd });
      expect(result).toMatchObject({ exitCode: 1, stderr: expect.stringContaining(message) as string });
    });

    test('--dry-run runs nothing', async () => {
      const result = await sandbox.run(['exec', '--dry-run', 'web', 'touch', '/tmp/dry'], { cwd });
      expect(result).toMatchObject({ exitCode: 1, stdout: '' });
      expect((await sandbox.run(['exec', 'web', 'ls', '/tmp/dry'], { cwd })).exitCode).toBe(1);
    });

    test('--dry-run copies nothing', async () => {
      await sandbox.ok(['cp', '--dry-run', 'web:/etc/passwd', 'dry'], { cwd });
      expect(existsSync(join(cwd, 'dry'))).toBe(false);
    });

    test('never writes through a link that leads out of the target', async () => {
      mkdirSync(join(cwd, 'safe'));
      mkdirSync(join(cwd, 'outside'));
      symlinkSync('../outside', join(cwd, 'safe/out'));
      const result = await sandbox.run(['cp', 'web:/out/.', 'safe'], { cwd });
      await inside('mkdir -p /out/out; echo bad > /out/out/bad');
      const again = await sandbox.run(['cp', 'web:/out/.', 'safe'], { cwd });
      expect([result.exitCode, again.exitCode]).toEqual([0, 1]);
      expect(existsSync(join(cwd, 'outside/bad'))).toBe(false);
    });
  });

  test('export writes the file system as a tar, to a file or to standard output', async () => {
    await inside('echo exported > /mark');
    await sandbox.ok(['export', '-o', 'fs.tar', 'web'], { cwd });
    const read = (tar: string): string =>
      execFileSync('tar', ['-x', '-O', '-f', tar, 'mark'], { cwd, encoding: 'utf8' });
    expect(read('fs.tar')).toBe('exported\n');
    expect((await sandbox.ok(['export', '--index', '2', 'web'], { cwd })).length).toBeGreaterThan(1_000);
    expect((await sandbox.run(['export', '--index', '9', 'web'], { cwd })).exitCode).toBe(1);
  });

  test('commit makes an image, with changes, author and message', async () => {
    const args = ['-a', 'me', '-m', 'why', '-c', 'ENV COMMITTED=yes', '--pause=false', 'web', 'kept:1'];
    await sandbox.ok(['commit', '--dry-run', ...args], { cwd });
    await sandbox.ok(['commit', ...args], { cwd });
    const other = sandbox.project('kept', {
      'compose.yaml': 'services: {k: {image: "kept:1", command: ["sh", "-c", "cat /tmp/f.txt; echo $$COMMITTED"]}}\n',
    });
    expect(await sandbox.ok(['run', '--rm', 'k'], { cwd: other })).toBe('file\nyes\n');
  });

  test('attach joins standard streams, and its exit code is the container’s', async () => {
    await sandbox.ok(['up', '-d', 'reader'], { cwd });
    const result = await sandbox.run(['attach', 'reader'], { cwd, input: 'hello\n' });
    expect(result).toMatchObject({ exitCode: 7, stdout: 'got hello\n' });
    expect(await sandbox.run(['attach', 'reader'], { cwd })).toMatchObject({ exitCode: 1 });
  });

  test('wait prints how containers ended; the last one’s code is its own', async () => {
    const waitFor = () => sandbox.run(['wait', 'reader'], { cwd });
    const none = { exitCode: 1, stderr: expect.stringContaining('no containers for project') as string };
    await eventually('a wait that came before the end', async () => {
      await sandbox.ok(['up', '-d', 'reader'], { cwd });
      const waiting = waitFor();
      await new Promise((resolve) => setTimeout(resolve, 300));
      await sandbox.run(['attach', 'reader'], { cwd, input: 'x\n' });
      const { exitCode, stdout, stderr } = await waiting;
      if (exitCode === 7) expect(stdout).toMatch(/^container "[0-9a-f]{64}" exited with status code 7\n$/);
      else expect({ exitCode, stderr }).toEqual(none); // it came too late
      return exitCode === 7;
    });
    expect(await waitFor()).toMatchObject(none);
  });

  test('stats shows a sample of each running container, as table, JSON and template', async () => {
    const table = await sandbox.ok(['stats', '--no-stream'], { cwd });
    expect(table).toMatch(/^CONTAINER ID {3}NAME +CPU % +MEM USAGE \/ LIMIT +MEM % +NET I\/O +BLOCK I\/O +PIDS\n/);
    const rows = (await sandbox.ok(['stats', '--no-stream', '--format', 'json', 'web'], { cwd })).trim().split('\n');
    expect(rows.map((row) => JSON.parse(row) as Record<string, string>)).toEqual(
      [1, 2].map((number) => ({
        BlockIO: expect.stringMatching(/^[\d.]+k?M?B \/ [\d.]+k?M?B$/) as string,
        CPUPerc: expect.stringMatching(/^\d+\.\d\d%$/) as string,
        Container: expect.stringMatching(/^[0-9a-f]{12}$/) as string,
        ID: expect.stringMatching(/^[0-9a-f]{12}$/) as string,
        MemPerc: expect.stringMatching(/^\d+\.\d\d%$/) as string,
        MemUsage: expect.stringMatching(/^[\d.]+(Ki|Mi)B \/ [\d.]+GiB$/) as string,
        Name: `one-web-${number}`,
        NetIO: expect.stringMatching(/^[\d.]+k?B \/ [\d.]+k?B$/) as string,
        PIDs: '1',
      })),
    );
    const template = [
      'stats',
      '--no-stream',
      '--all',
      '--no-trunc',
      '--format',
      '{{.Name}} {{.PIDs}} {{.ID}}',
      'reader',
    ];
    expect(await sandbox.ok(template, { cwd })).toMatch(/^one-reader-1 -- [0-9a-f]{64}\n$/);
  });

  test('stats goes on until it is interrupted', async () => {
    const { child, ended } = sandbox.start(['stats', '--format', '{{.Name}}', 'web'], { cwd });
    let seen = '';
    child.stdout?.on('data', (chunk: string) => (seen += chunk));
    await eventually('two rounds are drawn', () => seen.split('one-web-1').length > 2);
    child.kill('SIGINT');
    expect((await ended).exitCode).toBe(130);
  });

  test('volumes lists those of the project, or those that services mount', async () => {
    expect(await sandbox.ok(['volumes', '-q'], { cwd })).toBe('one_data\n');
    expect(await sandbox.ok(['volumes', '-q', 'reader'], { cwd })).toBe('');
    expect(await sandbox.ok(['volumes', 'web'], { cwd })).toBe('DRIVER    VOLUME NAME\nlocal     one_data\n');
    const row = JSON.parse(await sandbox.ok(['volumes', '--format', 'json'], { cwd })) as Record<string, string>;
    expect(Object.keys(row)).toEqual([
      'Availability',
      'Driver',
      'Group',
      'Labels',
      'Links',
      'Mountpoint',
      'Name',
      'Scope',
      'Size',
      'Status',
    ]);
    expect(row).toMatchObject({ Driver: 'local', Name: 'one_data', Scope: 'local', Size: 'N/A' });
    const template = '{{.Name}} {{.Label "com.docker.compose.volume"}}';
    expect(await sandbox.ok(['volumes', '--format', template], { cwd })).toBe('one_data data\n');
  });

  test('events tells what happens to containers, until a time when asked', async () => {
    const { child, ended } = sandbox.start(['events', '--json', 'web'], { cwd });
    let seen = '';
    child.stdout?.on('data', (chunk: string) => (seen += chunk));
    await eventually('an event is seen', async () => {
      await sandbox.ok(['kill', '-s', 'CONT', 'web'], { cwd });
      return seen.includes('"one-web-1"');
    });
    child.kill('SIGINT');
    expect((await ended).exitCode).toBe(130);
    const event = JSON.parse(seen.split('\n').find((line) => line.includes('"one-web-1"')) ?? '') as object;
    expect(Object.keys(event)).toEqual(['action', 'attributes', 'id', 'service', 'time', 'type']);
    expect(event).toMatchObject({
      action: 'kill',
      attributes: { image: 'busybox', name: 'one-web-1' },
      service: 'web',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/) as string,
      type: 'container',
    });
    const past = await sandbox.ok(['events', '--since', '1h', '--until', '0s'], { cwd });
    expect(past).toMatch(
      /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6} container create [0-9a-f]{64} \(.*name=one-web-\d.*\)\n\n/,
    );
    expect(past).not.toContain('com.docker.compose');
  });
});
