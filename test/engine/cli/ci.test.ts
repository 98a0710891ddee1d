import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { engineMissing, EngineSandbox, eventually } from '../../support/engine-sandbox.js';

describe.skipIf(engineMissing() !== undefined)('ci', () => {
  let sandbox: EngineSandbox;
  let cwd: string;

  beforeAll(async () => {
    sandbox = await new EngineSandbox().withBusybox();
    cwd = sandbox.project('shop', {
      'compose.yaml': `
name: shop
services:
  db:
    image: busybox
    command: sleep 1000
    stop_grace_period: 0s
    volumes: [data:/data]
    healthcheck: {test: "\${PROBE:-true}", interval: 200ms, retries: 2}
  tests:
    image: \${IMAGE:-busybox}
    command: sh -c 'echo "tests say <hello> & more"; exit \${CODE:-0}'
    depends_on: {db: {condition: service_healthy}}
volumes: {data: {}}
`,
    });
  });
  afterAll(() => sandbox[Symbol.asyncDispose]());

  const run = (args: string[], env: Record<string, string> = {}) => sandbox.run(args, { cwd, env });
  const artifact = (path: string) => readFileSync(join(cwd, 'out', path), 'utf8');
  const left = async () => {
    const volumes = await sandbox.ok(['volumes', '--quiet'], { cwd });
    return `${await sandbox.ok(['ps', '--all', '--quiet'], { cwd })}${volumes}`;
  };

  test('a service that passes: its output, reports, and nothing left', async () => {
    const { exitCode, stdout } = await run(['ci', '--test', 'tests', '--artifacts', 'out']);
    expect(stdout).toBe(
      '── images ──\n── start ──\n── tests ──\ntests say <hello> & more\n── reports ──\n── take down ──\n',
    );
    expect(exitCode).toBe(0);
    expect(artifact('junit.xml')).toMatch(/<testsuite name="shop" tests="3" failures="0"/);
    expect(artifact('logs/shop-tests-1.log')).toMatch(/^\d{4}-.*Z tests say <hello> & more\n$/);
    expect(artifact('timeline.txt')).toContain('* shop-db-1');
    expect(JSON.parse(artifact('post-mortem.json'))).toEqual([]);
    expect(await left()).toBe('');
  });

  test('the exit code of the tests is that of the command, and told with their place and last words', async () => {
    const env = { CODE: '3', GITHUB_ACTIONS: 'true', GITHUB_WORKSPACE: cwd };
    const { exitCode, stdout, stderr } = await run(['ci', '--test', 'tests', '--artifacts', 'out'], env);
    expect([exitCode, stderr]).toEqual([
      3,
      expect.stringContaining('compose.yaml:10:3: the tests ended with exit code 3\n'),
    ]);
    expect(stdout).toContain('::error file=compose.yaml,line=12,col=14,title=service "tests" exited with code 3::');
    const own = /message="the tests ended with exit code 3">service &quot;tests&quot; exited with code 3.*<hello&gt;/s;
    expect(artifact('junit.xml').replace('&lt;hello', '<hello')).toMatch(own);
    expect(JSON.parse(artifact('post-mortem.json'))).toMatchObject([{ facts: { service: 'tests' } }]);
    expect(await left()).toBe('');
  });

  test('compose.lock is frozen: what it has not is refused before anything is done', async () => {
    const lock = join(cwd, 'compose.lock');
    writeFileSync(lock, 'version: 1\nservices: {}\n');
    try {
      const { exitCode, stderr } = await run(['ci', '--test', 'tests'], { CI: '' });
      expect([exitCode, stderr]).toEqual([1, expect.stringContaining('compose.lock has no entry for busybox')]);
      expect(stderr).not.toContain('Creat');
    } finally {
      rmSync(lock);
    }
  });

  test('a command finds the engine and the project, and may leave it up', async () => {
    const command = ['sh', '-c', 'echo "$COMPOSE_PROJECT_NAME $DOCKER_HOST"; exit 4'];
    const { exitCode } = await run(['ci', '--keep', '--', ...command]);
    const { socket } = await sandbox.status();
    expect([exitCode, await sandbox.ok(['ps', '--services'], { cwd })]).toEqual([4, 'db\n']);
    expect((await run(['ci', '--', ...command])).stdout).toContain(`shop unix://${socket}\n`);
    expect(await left()).toBe('');
    expect(await run(['ci', 'no-such-program'])).toMatchObject({
      ...{ exitCode: 127, stderr: expect.stringContaining('cannot find the program no-such-program\n') as string },
    });
  });

  test('a service that does not become healthy is found in the report, and beside its line on GitHub', async () => {
    const env = { PROBE: 'false', GITHUB_ACTIONS: 'true', GITHUB_WORKSPACE: cwd };
    const { exitCode, stdout, stderr } = await run(['ci', '--artifacts', 'out'], env);
    expect(exitCode).toBe(71);
    expect(stdout).toMatch(
      /^::group::start\n::endgroup::\n::error file=compose\.yaml,line=9,col=18,title=service "db" is unhealthy::/m,
    );
    expect(stderr).toContain('service "db" is unhealthy, so service "tests" was not started');
    expect(artifact('junit.xml')).toMatch(
      /name="service db".*\n\s*<failure message="service &quot;db&quot; is unhealthy"/,
    );
    expect(artifact('post-mortem.json')).toContain('"diagnosis": "unhealthy"');
    expect(await left()).toBe('');
  });

  test('an image that cannot be had is tried again, and nothing is created', async () => {
    const { exitCode, stderr } = await run(['ci', '--pull-attempts', '2'], { IMAGE: '127.0.0.1:1/tests' });
    expect([exitCode, stderr.match(/trying again in 2 s/g)]).toEqual([70, ['trying again in 2 s']]);
    expect(stderr).not.toContain('Creating');
  });

  test('when the time is over the project goes, and the reports say so', async () => {
    const { exitCode, stderr } = await run(['ci', '--timeout', '2s', '--artifacts', 'out', '--', 'sleep', '60']);
    expect([exitCode, stderr]).toEqual([124, expect.stringContaining('not done within 2 s')]);
    expect(artifact('junit.xml')).toContain('message="the time is over: not done within 2 s"');
    expect(await left()).toBe('');
  });

  test('reports that cannot be written are told, and the project goes all the same', async () => {
    const { exitCode, stderr } = await run(['ci', '--artifacts', 'lost', '--', 'rm', '-r', 'lost/logs']);
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining('cannot write to the artifacts folder')]);
    expect(await left()).toBe('');
  });

  test('cancelled by SIGINT and then SIGTERM it still takes the project down', async () => {
    const begun = join(cwd, 'begun');
    const { child, ended } = sandbox.start(['ci', '--', 'sh', '-c', `touch ${begun}; sleep 60`], { cwd });
    await eventually('the tests run', () => existsSync(begun));
    child.kill('SIGINT');
    child.kill('SIGTERM');
    expect((await ended).exitCode).toBe(130);
    expect(await left()).toBe('');
  });

  test('what is asked wrongly is refused before anything is done', async () => {
    writeFileSync(join(cwd, 'file'), '');
    for (const args of [
      ['--test', 'nobody'],
      ['--test', 'tests', 'true'],
      ['--timeout', 'soon'],
      ['--pull-attempts', '0'],
      ['--artifacts', 'file'],
    ]) {
      expect((await run(['ci', ...args])).exitCode, args.join(' ')).toBe(1);
    }
    expect(await left()).toBe('');
  });
});
