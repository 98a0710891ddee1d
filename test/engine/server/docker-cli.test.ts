import { execFile, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EngineProcess } from './engine-process.js';

const docker = process.env['TSCOMPOSE_DOCKER_CLI'] ?? 'docker';
const hasDocker = spawnSync(docker, ['--version']).status === 0;

interface Outcome {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A tour of the docker CLI over our engine; order matters, each stop finds what the ones before left. */
describe.skipIf(!hasDocker)('the docker CLI (no docker on PATH, and TSCOMPOSE_DOCKER_CLI names none)', () => {
  const engine = new EngineProcess();
  const config = mkdtempSync(join(tmpdir(), 'docker-config-'));

  beforeAll(async () => {
    await engine.start();
    await engine.withBusybox();
  });
  afterAll(async () => {
    await engine[Symbol.asyncDispose]();
    rmSync(config, { recursive: true, force: true });
  });

  const run = (
    args: readonly string[],
    { input = '', env = {} }: { input?: string; env?: Record<string, string> } = {},
  ): Promise<Outcome> =>
    new Promise((resolve) => {
      const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('DOCKER_'));
      const environment = { ...Object.fromEntries(inherited), DOCKER_CONFIG: config, ...env };
      const child = execFile(docker, ['-H', engine.host, ...args], { env: environment }, (error, stdout, stderr) => {
        resolve({ exitCode: error === null ? 0 : Number(error.code ?? 128), stdout, stderr });
      });
      child.stdin?.end(input);
    });
  const ok = async (...args: string[]): Promise<string> => {
    const outcome = await run(args);
    expect(outcome, `docker ${args.join(' ')}`).toMatchObject({ exitCode: 0 });
    return outcome.stdout.trimEnd();
  };

  test('version and info tell of our engine', async () => {
    expect(await ok('version', '--format', '{{.Server.Os}} {{.Server.MinAPIVersion}}')).toBe('linux 1.24');
    expect(await ok('info', '--format', '{{.Driver}} {{.Swarm.LocalNodeState}} {{.DockerRootDir}}')).toBe(
      `overlay2 inactive ${engine.dataRoot}`,
    );
  });

  test('images lists what was imported', async () => {
    expect(await ok('images', '--format', '{{.Repository}}:{{.Tag}}')).toBe('busybox:latest');
  });

  test('run prints what the container prints, on the right streams, and leaves with its exit code', async () => {
    expect(await run(['run', '--rm', 'busybox', 'echo', 'hi'])).toEqual({ exitCode: 0, stdout: 'hi\n', stderr: '' });
    expect(await run(['run', '--rm', 'busybox', 'sh', '-c', 'echo no >&2; exit 7'])).toEqual({
      exitCode: 7,
      stdout: '',
      stderr: 'no\n',
    });
  });

  test('run -i gives the container its input', async () => {
    expect(await run(['run', '--rm', '-i', 'busybox', 'tr', 'a-z', 'A-Z'], { input: 'shout\n' })).toMatchObject({
      exitCode: 0,
      stdout: 'SHOUT\n',
    });
  });

  test('a command that does not exist is exit code 127, an unknown image 125', async () => {
    expect(await run(['run', '--rm', 'busybox', 'no-such-command'])).toMatchObject({ exitCode: 127 });
    expect(await run(['run', '--rm', '--pull', 'never', 'no-such-image'])).toMatchObject({ exitCode: 125 });
  });

  test('run -t has a terminal of the size asked for', async () => {
    const typed = `script -qec "stty rows 33 cols 77; ${docker} -H ${engine.host} run --rm -it busybox sh -c 'sleep 0.3; stty size'" /dev/null`;
    const outcome = await new Promise<string>((resolve) => {
      execFile('sh', ['-c', typed], { env: { ...process.env, DOCKER_CONFIG: config } }, (_error, stdout) =>
        resolve(stdout),
      );
    });
    expect(outcome).toContain('33 77');
  });

  test('a container runs behind our back, and ps, inspect, logs and top see it', async () => {
    const id = await ok(
      'run',
      '-d',
      '--name',
      'web',
      '--label',
      'tier=front',
      'busybox',
      'sh',
      '-c',
      'echo up; exec sleep 1000',
    );
    expect(id).toMatch(/^[0-9a-f]{64}$/);
    expect(await ok('ps', '--format', '{{.Names}} {{.Image}} {{.State}}')).toBe('web busybox running');
    expect(await ok('ps', '-q', '--no-trunc', '--filter', 'label=tier=front')).toBe(id);
    expect(await ok('inspect', '--format', '{{.State.Status}} {{.Name}}', 'web')).toBe('running /web');
    expect(await ok('logs', 'web')).toBe('up');
    expect(await ok('top', 'web')).toContain('sleep 1000');
  });

  test('exec runs beside it, with input, user, environment and exit code', async () => {
    expect(await ok('exec', '-e', 'A=b', '-w', '/tmp', 'web', 'sh', '-c', 'echo $A; pwd')).toBe('b\n/tmp');
    expect(await run(['exec', '-i', 'web', 'cat'], { input: 'typed' })).toMatchObject({ exitCode: 0, stdout: 'typed' });
    expect(await run(['exec', 'web', 'sh', '-c', 'exit 9'])).toMatchObject({ exitCode: 9 });
    expect(await run(['exec', 'web', 'no-such-command'])).toMatchObject({ exitCode: 127 });
  });

  test('cp goes both ways', async () => {
    const from = join(config, 'file');
    writeFileSync(from, 'carried\n');
    await ok('cp', from, 'web:/tmp/there');
    expect(await ok('exec', 'web', 'cat', '/tmp/there')).toBe('carried');
    await ok('cp', 'web:/tmp/there', `${from}.back`);
    expect(readFileSync(`${from}.back`, 'utf8')).toBe('carried\n');
    expect(await ok('diff', 'web')).toContain('A /tmp/there');
  });

  test('pause, unpause, rename, restart and stats', async () => {
    await ok('pause', 'web');
    expect(await ok('inspect', '--format', '{{.State.Paused}}', 'web')).toBe('true');
    await ok('unpause', 'web');
    await ok('rename', 'web', 'site');
    await ok('restart', '-t', '0', 'site');
    expect(await ok('logs', 'site')).toBe('up\nup');
    expect(await ok('stats', '--no-stream', '--format', '{{.Name}} {{.PIDs}}', 'site')).toBe('site 1');
  });

  test('a running container is not removed, a stopped one is', async () => {
    const refused = await run(['rm', 'site']);
    expect(refused.exitCode).toBe(1);
    expect(refused.stderr).toContain('stop the container before removing or force remove');
    await ok('stop', '-t', '0', 'site');
    expect(await ok('ps', '-a', '--format', '{{.Names}} {{.State}}')).toBe('site exited');
    await ok('rm', 'site');
    expect((await run(['inspect', 'site'])).exitCode).toBe(1);
  });

  test('volumes and networks are made, used and removed', async () => {
    await ok('volume', 'create', 'data');
    await ok('network', 'create', '--subnet', '10.213.7.0/24', 'lab');
    await ok('run', '--rm', '-v', 'data:/d', '--network', 'lab', 'busybox', 'sh', '-c', 'echo kept > /d/file');
    expect(await ok('run', '--rm', '-v', 'data:/d:ro', 'busybox', 'cat', '/d/file')).toBe('kept');
    expect(await ok('volume', 'ls', '-q')).toBe('data');
    expect(await ok('network', 'ls', '--format', '{{.Name}}', '--filter', 'type=custom')).toBe('lab');
    await ok('volume', 'rm', 'data');
    await ok('network', 'rm', 'lab');
    expect((await run(['network', 'rm', 'bridge'])).stderr).toContain('pre-defined');
  });

  test.each([
    ['the classic builder', { DOCKER_BUILDKIT: '0' }],
    ['what the CLI takes by itself: BuildKit where it has buildx', {}],
  ])('build with %s', async (_case, env) => {
    const context = join(config, 'context');
    mkdirSync(context, { recursive: true });
    writeFileSync(
      join(context, 'Dockerfile'),
      'FROM busybox\nARG WORD=none\nCOPY hello /hello\nRUN echo "$WORD" >> /hello\nCMD ["cat","/hello"]\n',
    );
    writeFileSync(join(context, 'hello'), 'hello\n');
    const built = await run(['build', '-t', 'greeter', '--build-arg', 'WORD=world', context], { env });
    expect(built).toMatchObject({ exitCode: 0 });
    if ('DOCKER_BUILDKIT' in env) expect(built.stdout).toContain('Successfully tagged greeter:latest');
    expect(await ok('run', '--rm', 'greeter')).toBe('hello\nworld');
  });

  test('commit, tag, history, save, load and rmi', async () => {
    await ok('run', '--name', 'draft', 'busybox', 'sh', '-c', 'echo new > /made');
    await ok('commit', '--change', 'CMD ["cat","/made"]', 'draft', 'final');
    await ok('rm', 'draft');
    await ok('tag', 'final', 'final:2');
    expect(await ok('run', '--rm', 'final:2')).toBe('new');
    expect((await ok('history', '-q', 'final')).split('\n')).toHaveLength(2);
    const archive = join(config, 'final.tar');
    await ok('save', '-o', archive, 'final:2');
    await ok('rmi', 'final', 'final:2');
    expect(await ok('load', '-i', archive)).toBe('Loaded image: final:2');
    expect(await ok('run', '--rm', 'final:2')).toBe('new');
  });

  test('events replay what happened', async () => {
    const since = String(Math.floor(Date.now() / 1000));
    await ok('run', '--rm', '--name', 'short', 'busybox', 'true');
    const until = String(Math.floor(Date.now() / 1000) + 1);
    const seen = await ok(
      'events',
      '--since',
      since,
      '--until',
      until,
      '--filter',
      'container=short',
      '--format',
      '{{.Action}}',
    );
    expect(seen.split('\n').filter((action) => /^(create|start|die|destroy)$/.test(action))).toEqual([
      'create',
      'start',
      'die',
      'destroy',
    ]);
  });

  test('system df and the prunes', async () => {
    await ok('run', '--name', 'ended', 'busybox', 'true');
    expect(await ok('system', 'df', '--format', '{{.Type}} {{.TotalCount}}')).toContain('Containers 1');
    expect(await ok('container', 'prune', '-f')).toContain('Deleted Containers');
    await ok('image', 'prune', '-f');
    await ok('volume', 'prune', '-f');
    await ok('network', 'prune', '-f');
    await ok('builder', 'prune', '-f');
  });
});
