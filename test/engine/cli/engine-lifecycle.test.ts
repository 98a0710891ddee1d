import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { engineMissing, EngineSandbox, eventually } from '../../support/engine-sandbox.js';

const missing = engineMissing();

describe.skipIf(missing !== undefined)('the engine, started on demand', () => {
  test('status tells that it does not run, and does not start it', async () => {
    await using sandbox = new EngineSandbox();
    const status = JSON.parse(await sandbox.ok(['engine', 'status', '--format', 'json'])) as object;
    expect(status).toEqual({
      running: false,
      pid: null,
      socket: join(sandbox.folder, 'run/engine.sock'),
      dataRoot: join(sandbox.folder, 'data'),
      version: expect.stringMatching(/^\d+\.\d+\.\d+$/) as string,
      apiVersion: null,
    });
    expect(existsSync(join(sandbox.folder, 'run'))).toBe(false);
  });

  test('many commands at once start one engine, and each is served', async () => {
    await using sandbox = new EngineSandbox();
    const runs = await Promise.all(Array.from({ length: 6 }, () => sandbox.run(['ls', '--format', 'json'])));
    expect(runs).toEqual(runs.map(() => ({ exitCode: 0, stdout: '[]\n', stderr: '' })));
    const { pid } = await sandbox.status();
    const log = readFileSync(join(sandbox.folder, 'run/engine.log'), 'utf8').trim().split('\n');
    const served = log.map((line) => JSON.parse(line) as { message: string; pid?: number });
    expect(served.filter(({ message }) => message === 'engine serves').map((line) => line.pid)).toEqual([pid]);
  });

  test('start prints where it listens, twice the same', async () => {
    await using sandbox = new EngineSandbox();
    const address = `unix://${join(sandbox.folder, 'run/engine.sock')}\n`;
    expect(await sandbox.ok(['engine', 'start'])).toBe(address);
    const { pid } = await sandbox.status();
    expect(await sandbox.ok(['engine', 'start'])).toBe(address);
    expect((await sandbox.status()).pid).toBe(pid);
  });

  test('one that was started by name stays, also where another command had started it', async () => {
    await using sandbox = new EngineSandbox({ TSCOMPOSE_IDLE_TIMEOUT: '600' });
    await sandbox.ok(['engine', 'info']);
    const onDemand = await sandbox.status();
    expect(onDemand).toMatchObject({ idleTimeoutMs: 600_000 });
    await sandbox.ok(['engine', 'start']);
    expect(await sandbox.status()).toMatchObject({ pid: onDemand.pid, idleTimeoutMs: 0 });
  });

  test('it outlives the command and its terminal, in a session of its own', async () => {
    await using sandbox = new EngineSandbox();
    await sandbox.ok(['engine', 'start']);
    const { pid } = await sandbox.status();
    const [, , , , session] = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/\(.*\)/, 'name')
      .split(' ')
      .slice(1);
    expect(Number(session)).toBe(pid);
  });

  const isV2 = existsSync('/sys/fs/cgroup/cgroup.controllers');
  test.skipIf(!isV2)('no control group of a session has it, and its own goes with it (needs cgroup v2)', async () => {
    await using sandbox = new EngineSandbox();
    await sandbox.ok(['engine', 'start']);
    const { pid } = await sandbox.status();
    const [, group = ''] = /^0::(.*)$/m.exec(readFileSync(`/proc/${pid}/cgroup`, 'utf8')) ?? [];
    expect(group).toMatch(/^\/tscompose-[0-9a-f]{8}\/engine$/);
    await sandbox.ok(['engine', 'stop']);
    expect(existsSync(join('/sys/fs/cgroup', group, '..'))).toBe(false);
  });

  test('an engine that cannot start says why', async () => {
    await using sandbox = new EngineSandbox();
    const blocked = join(sandbox.folder, 'file');
    writeFileSync(blocked, '');
    const env = { TSCOMPOSE_DATA_ROOT: join(blocked, 'data') };
    const { exitCode, stdout, stderr } = await sandbox.run(['ps', '-p', 'x'], { env });
    expect({ exitCode, stdout }).toMatchObject({ exitCode: 1, stdout: '' });
    const started = await sandbox.run(['engine', 'start'], { env });
    expect(started.stderr).toContain('the embedded engine did not start: ');
    expect(started.stderr).toContain('[cli/engine-failed]');
    expect(stderr).not.toContain('    at '); // a stack trace
  });

  test('a DOCKER_HOST that nobody listens on is named, and nothing is started', async () => {
    await using sandbox = new EngineSandbox();
    const result = await sandbox.run(['ls'], { env: { DOCKER_HOST: 'unix:///nonexistent/docker.sock' } });
    expect(result).toEqual({
      exitCode: 1,
      stdout: '',
      stderr: expect.stringContaining('cannot reach the engine at unix:///nonexistent/docker.sock') as string,
    });
    expect(existsSync(join(sandbox.folder, 'run'))).toBe(false);
  });

  test('DOCKER_HOST may be our own engine', async () => {
    await using sandbox = new EngineSandbox();
    const host = (await sandbox.ok(['engine', 'start'])).trim();
    const elsewhere = { DOCKER_HOST: host, TSCOMPOSE_RUNTIME_DIR: join(sandbox.folder, 'other') };
    const info = JSON.parse((await sandbox.run(['engine', 'info'], { env: elsewhere })).stdout) as {
      DockerRootDir: string;
    };
    expect(info.DockerRootDir).toBe(join(sandbox.folder, 'data'));
    expect(existsSync(join(sandbox.folder, 'other'))).toBe(false);
  });
});

describe.skipIf(missing !== undefined)('engine stop', () => {
  const compose = { 'compose.yaml': 'services: {a: {image: busybox, command: sleep 1000, stop_grace_period: 0s}}\n' };

  test('without an engine there is nothing to do', async () => {
    await using sandbox = new EngineSandbox();
    expect(await sandbox.run(['engine', 'stop'])).toMatchObject({ exitCode: 0, stdout: '' });
  });

  test('refuses while containers run, by name, and rehearses what it would do', async () => {
    await using sandbox = await new EngineSandbox().withBusybox();
    const cwd = sandbox.project('demo', compose);
    await sandbox.ok(['up', '-d'], { cwd });
    const refused = await sandbox.run(['engine', 'stop']);
    expect(refused).toMatchObject({ exitCode: 1, stdout: '' });
    expect(refused.stderr).toContain('the engine has running containers: demo-a-1\n');
    const rehearsed = await sandbox.ok(['--dry-run', 'engine', 'stop', '--force']);
    expect(rehearsed).toBe('would stop container demo-a-1\nwould end the engine\n');
    expect((await sandbox.status()).running).toBe(true);
  });

  test('with --keep-containers they go on, and the next command takes them over', async () => {
    await using sandbox = await new EngineSandbox().withBusybox();
    const cwd = sandbox.project('demo', compose);
    await sandbox.ok(['up', '-d'], { cwd });
    const before = await sandbox.status();
    await sandbox.ok(['engine', 'stop', '--keep-containers']);
    expect((await sandbox.status()).running).toBe(false);
    await eventually('the old engine is gone', () => !existsSync(`/proc/${before.pid}`));
    expect(await sandbox.ok(['ps', '--format', '{{.Name}} {{.State}}'], { cwd })).toBe('demo-a-1 running\n');
    expect((await sandbox.status()).pid).not.toBe(before.pid);
  });

  test('with --force they are stopped first', async () => {
    await using sandbox = await new EngineSandbox().withBusybox();
    const cwd = sandbox.project('demo', compose);
    await sandbox.ok(['up', '-d'], { cwd });
    await sandbox.ok(['engine', 'stop', '--force']);
    expect(await sandbox.ok(['ps', '-a', '--format', '{{.State}}'], { cwd })).toBe('exited\n');
  });
});
