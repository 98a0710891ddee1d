import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { engineMissing, EngineSandbox, eventually } from '../../support/engine-sandbox.js';

const sleeper = 'image: busybox, command: sleep 1000, stop_grace_period: 0s';
const compose = `
name: flags
services:
  web: {${sleeper}, depends_on: [db], volumes: [/anonymous]}
  db: {${sleeper}}
  aliased: {${sleeper}, profiles: [extra]}
  teller: {image: busybox, command: [sh, -c, 'until test -e /go; do echo waits; sleep 0.1; done; echo said; exit 4'], stop_grace_period: 0s, profiles: [extra]}
  talk: {image: busybox, command: [sh, -c, 'sleep 1; echo talk'], depends_on: [whisper], profiles: [extra]}
  whisper: {image: busybox, command: [sh, -c, 'echo whisper; sleep 30'], stop_grace_period: 0s, profiles: [extra]}
  built:
    profiles: [extra]
    image: localhost:1/flags/built:1
    build: {context: ., dockerfile_inline: "FROM localhost:1/base:1\\nARG WHO=nobody\\nRUN echo $$WHO > /who"}
`;

describe.skipIf(engineMissing() !== undefined)('what flags change', () => {
  let sandbox: EngineSandbox;
  let cwd: string;

  beforeAll(async () => {
    sandbox = await new EngineSandbox().withBusybox();
    cwd = sandbox.project('flags', {
      'compose.yaml': compose,
      'more.yaml': `services: {orphan: {${sleeper}}}\n`,
      'v.env': 'FROM_FILE=read\n',
    });
    await ok('up', '-d');
  });

  afterAll(async () => {
    await sandbox[Symbol.asyncDispose]();
  });

  const run = (...args: string[]) => sandbox.run(args, { cwd });
  const ok = (...args: string[]) => sandbox.ok(args, { cwd });
  const states = () => ok('ps', '-a', '--format', '{{.Name}} {{.State}}');
  const orphan = () => ok('-f', 'compose.yaml', '-f', 'more.yaml', 'up', '-d', '--no-deps', 'orphan');

  const inspectImage = async (name: string): Promise<unknown> => {
    const { socket } = await sandbox.status();
    const url = `http://engine/images/${name}/json`;
    return JSON.parse(execFileSync('curl', ['-sS', '--unix-socket', socket, url], { encoding: 'utf8' }));
  };

  test('attach takes one replica, and with --no-stdin and --sig-proxy=false nothing goes to it', async () => {
    await ok('up', '-d', 'teller');
    expect((await run('attach', '--index', '2', 'teller')).exitCode).toBe(1);
    const { child, ended } = sandbox.start(
      ['attach', '--index', '1', '--no-stdin', '--sig-proxy=false', '--detach-keys', 'ctrl-x', 'teller'],
      { cwd },
    );
    await new Promise((resolve) => child.stdout?.once('data', resolve));
    await ok('exec', '-T', 'teller', 'touch', '/go');
    expect(await ended).toMatchObject({ exitCode: 4, stdout: expect.stringMatching(/^(?:waits\n)+said\n$/) as string });
    const logged = await ok('logs', '--timestamps', '--no-log-prefix', '--tail', '1', 'teller');
    expect(logged).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z said\n$/);
    await ok('rm', '--all', '--force', 'teller');
    expect(await states()).not.toContain('teller');
  });

  test('commit notes who and why, and build takes its result', async () => {
    await ok(
      'commit',
      '--author',
      'ann',
      '--message',
      'why',
      '--index',
      '1',
      '--pause=false',
      'db',
      'localhost:1/base:1',
    );
    expect(await inspectImage('localhost:1/base:1')).toMatchObject({ Author: 'ann', Comment: 'why' });

    await ok('build', '--build-arg', 'WHO=me', '--quiet', 'built');
    expect(await ok('run', '--rm', '-T', '--tty=false', 'built', 'cat', '/who')).toBe('me\n');
    const again = await run('--progress', 'plain', 'build', '--build-arg', 'WHO=me', 'built');
    const anew = await run('--progress', 'plain', 'build', '--build-arg', 'WHO=me', '--no-cache', 'built');
    expect(again.stderr).toContain('Using cache');
    expect(anew.stderr).not.toContain('Using cache');
    expect((await run('build', '--pull', 'built')).stderr).toContain('localhost:1');
    const pushed = await run('build', '--push', '--quiet', 'built');
    expect([pushed.exitCode, pushed.stderr]).toEqual([1, expect.stringContaining('cannot push image')]);
  });

  test('run has capabilities, variables of a file and aliases', async () => {
    const script = 'echo $FROM_FILE; grep CapEff /proc/self/status';
    const said = await ok(
      ...['run', '--rm', '-T', '--no-deps', '--cap-add', 'SYS_TIME', '--cap-drop', 'CHOWN', '--env-from-file', 'v.env'],
      ...['web', 'sh', '-c', script],
    );
    const [, variable, caps = '0'] = /^(.*)\nCapEff:\s+([0-9a-f]+)\n$/.exec(said) ?? [];
    expect([variable, BigInt(`0x${caps}`) & ((1n << 25n) | 1n)]).toEqual(['read', 1n << 25n]);

    const built = await run('run', '--rm', '-T', '--build', '--quiet-build', '--quiet-pull', 'built', 'cat', '/who');
    expect(built.stdout).toBe('nobody\n');

    await ok('run', '-d', '--use-aliases', '--name', 'other-name', 'aliased');
    await ok('exec', '-T', '--tty', 'web', 'ping', '-c', '1', 'aliased');
    await ok('kill', 'aliased');
  });

  test('cp reaches what run made with --all', async () => {
    await ok(
      'run',
      '-d',
      '--no-deps',
      '--name',
      'waits',
      'db',
      'sh',
      '-c',
      'until [ -e /tmp/v.env ]; do sleep 0.1; done',
    );
    await ok('cp', 'v.env', 'db:/tmp');
    expect(await states()).toContain('waits running');
    await ok('cp', '--all', 'v.env', 'db:/tmp');
    await eventually('the file has come', async () => (await states()).includes('waits exited'));
  });

  test('containers of services that are no more: ps, kill, create, up and run leave or take them', async () => {
    await orphan();
    expect(await ok('ps', '--services', '--orphans')).toContain('orphan');
    expect(await ok('ps', '--services', '--orphans=false')).not.toContain('orphan');
    const config = sandbox.project('config', { 'config.json': '{"psFormat": "{{.Service}} as always"}' });
    const usual = { cwd, env: { DOCKER_CONFIG: config } };
    expect(await sandbox.ok(['ps', 'db'], usual)).toBe('db as always\n');
    expect(await sandbox.ok(['ps', '--format', '{{.Service}}', 'db'], usual)).toBe('db\n');
    expect((await run('plan', '--remove-orphans')).stdout).toMatch(/container\.remove +orphan-1/);
    await ok('kill', '--remove-orphans');
    expect(await states()).toContain('flags-orphan-1 exited');
    await ok('create', '--quiet-pull', '--yes', 'web');
    expect(await states()).toContain('flags-orphan-1');
    await ok('create', '--remove-orphans', 'web');
    expect(await states()).not.toContain('orphan');
    await orphan();
    await ok('up', '-d', '--remove-orphans');
    expect(await states()).not.toContain('orphan');
    await orphan();
    await ok('run', '--rm', '-T', '--no-deps', '--remove-orphans', 'db', 'true');
    expect(await states()).not.toContain('orphan');
  });

  test('start waits until all run, for as long as it may', async () => {
    await ok('stop', '-t', '0');
    await ok('start', '--wait', '--wait-timeout', '60', 'web');
    expect(await states()).toMatch(/flags-web-1 running/);
    expect((await run('start', '--wait', '--wait-timeout', '-1')).exitCode).toBe(1);
  });

  test('plan says what up with the same flags would do', async () => {
    const plan = async (...args: string[]): Promise<string> => (await run('plan', ...args)).stdout;
    expect(await plan()).toBe('nothing to do\n');
    expect(await plan('--no-recreate', '--no-build')).toBe('nothing to do\n');
    const one = await plan('--force-recreate', '--no-deps', '--timeout', '7', 'web');
    expect(one).toMatch(/container\.create +.*web-1/);
    expect(one).not.toContain('db-1');
    expect(await plan('--always-recreate-deps', 'web')).toMatch(/container\.create +.*db-1/);
    expect(await plan('--renew-anon-volumes', 'web')).toMatch(/container\.create +.*web-1/);
    const created = await plan('--no-start', '--scale', 'web=2');
    expect(created).toMatch(/container\.create +web-2/);
    expect(created).not.toContain('container.start');
    expect(await plan('--build', 'built')).toContain('image.build');
    expect(await plan('--pull', 'always', 'db')).toContain('image.pull');
    expect(await plan('--pull', 'never', 'db')).toBe('nothing to do\n');
  });

  test('up recreates dependencies when asked, pulling and building nothing', async () => {
    const before = await ok('ps', '-q', 'db');
    await ok(
      'up',
      '-d',
      '--always-recreate-deps',
      '--pull',
      'never',
      '--quiet-pull',
      '--quiet-build',
      '--timeout',
      '1',
      'web',
    );
    expect(await ok('ps', '-q', 'db')).not.toBe(before);
  });

  test('up shows dependencies with --attach-dependencies, times with --timestamps', async () => {
    const { stdout } = await run(
      ...[
        'up',
        '--attach-dependencies',
        '--no-color',
        '--timestamps',
        '--menu=false',
        '--abort-on-container-exit',
        'talk',
      ],
    );
    expect(stdout).toMatch(/^whisper-1 +\| \d{4}-\d\d-\d\d\S* whisper$/m);
    expect(stdout).toMatch(/^talk-1 +\| \d{4}-\d\d-\d\d\S* talk$/m);
  });

  test('pull takes the flags of docker-compose v1', async () => {
    await ok('pull', '--parallel', '--no-parallel', '--ignore-buildable', 'built');
  });

  test('wait takes the project down with --down-project', async () => {
    const gone = sandbox.project('gone', {
      'compose.yaml': "services: {ends: {image: busybox, command: [sh, -c, 'sleep 2; exit 3']}}\n",
    });
    await eventually('a wait that came before the end', async () => {
      await sandbox.ok(['up', '-d'], { cwd: gone });
      const { exitCode, stderr } = await sandbox.run(['wait', '--down-project', 'ends'], { cwd: gone });
      if (exitCode !== 3) expect(stderr).toContain('no containers for project'); // it came too late
      return exitCode === 3;
    });
    expect(await sandbox.ok(['ps', '-a', '-q'], { cwd: gone })).not.toMatch(/\w/);
  });

  test('build --check says what is seldom meant, builds nothing and exits with 1; a build says it in one line', async () => {
    const project = sandbox.project('lint', {
      'compose.yaml': 'name: lint\nservices: {web: {build: .}, good: {build: {dockerfile_inline: "FROM busybox"}}}\n',
      Dockerfile: 'FROM busybox\nMAINTAINER me\nCMD echo hi\n',
    });
    const inProject = (...args: string[]) => sandbox.run(args, { cwd: project });
    const checked = await inProject('build', '--check', 'web');
    expect(checked.exitCode).toBe(1);
    expect(checked.stdout).toMatchInlineSnapshot(`
      "Check complete, 2 warnings have been found!

      WARNING: MaintainerDeprecated - MAINTAINER has been replaced by a label
      MAINTAINER is deprecated: use a label

      Dockerfile:2
      --------------------
         1 |     FROM busybox
         2 | >>> MAINTAINER me
         3 |     CMD echo hi
      --------------------

      WARNING: JSONArgsRecommended - in shell form a shell stands between the program and its signals
      JSON arguments recommended for CMD to prevent unintended behavior related to OS signals

      Dockerfile:3
      --------------------
         1 |     FROM busybox
         2 |     MAINTAINER me
         3 | >>> CMD echo hi
      --------------------
      "
    `);
    const good = await inProject('build', '--check', 'good');
    expect([good.exitCode, good.stdout]).toEqual([0, 'Check complete, no warnings found.\n']);
    expect((await inProject('images', '--format', 'json')).stdout).not.toContain('lint-web');
    const built = await inProject('--progress', 'plain', 'build', 'web');
    expect(built.stderr).toContain('MaintainerDeprecated: MAINTAINER is deprecated: use a label (Dockerfile:2)');
    expect(built.exitCode).toBe(0);
    sandbox.project('lint', { Dockerfile: '# check=error=true\nFROM busybox\nMAINTAINER me\n' });
    const refused = await inProject('build', 'web');
    expect([refused.exitCode, refused.stderr]).toEqual([
      1,
      expect.stringMatching(/Dockerfile:3:1: .*lint violation found for rules: MaintainerDeprecated/),
    ]);
  });

  test('watch leaves the image of the build before with --prune=false', async () => {
    const built = sandbox.project('prune', {
      'compose.yaml': `services: {web: {build: ., ${sleeper.replace('image: busybox, ', '')}, develop: {watch: [{action: rebuild, path: ./word}]}}}\n`,
      Dockerfile: 'FROM busybox\nCOPY word /word\n',
      word: 'first\n',
    });
    await sandbox.ok(['up', '-d'], { cwd: built });
    const former = (await sandbox.ok(['images', '-q', 'web'], { cwd: built })).trim();
    const { child, ended } = sandbox.start(['watch', '--no-up', '--prune=false'], { cwd: built });
    let said = '';
    child.stdout?.on('data', (chunk: string) => (said += chunk));
    await eventually('it watches', () => said.includes('Watch enabled'));
    writeFileSync(join(built, 'word'), 'second\n');
    const word = ['exec', '-T', 'web', 'cat', '/word'];
    await eventually('it is rebuilt', async () => (await sandbox.run(word, { cwd: built })).stdout === 'second\n');
    child.kill('SIGINT');
    expect((await ended).exitCode).toBe(130);
    expect((await sandbox.ok(['images', '-q', 'web'], { cwd: built })).trim()).not.toBe(former);
    expect(await inspectImage(former)).toMatchObject({ Id: `sha256:${former}` });
  });

  test('engine run stays in the foreground until it is told to end', async () => {
    const other = new EngineSandbox();
    const { child, ended } = other.start(['engine', 'run']);
    await eventually('it runs', async () => (await other.status()).running);
    child.kill('SIGTERM');
    await ended;
    expect((await other.status()).running).toBe(false);
    await other[Symbol.asyncDispose]();
  });
});
