import { connect } from 'node:net';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { engineMissing, EngineSandbox } from '../../support/engine-sandbox.js';

const missing = engineMissing();

describe.skipIf(missing !== undefined)('commands on the whole project', () => {
  let sandbox: EngineSandbox;
  let cwd: string;
  const compose = `
name: whole
services:
  web: {image: busybox, command: sleep 1000, stop_grace_period: 0s, depends_on: [db]}
  db: {image: busybox, command: sleep 1000, stop_grace_period: 0s}
  local: {build: ., image: "localhost:1/whole/local:1", profiles: [extra]}
`;

  beforeAll(async () => {
    sandbox = await new EngineSandbox().withBusybox();
    cwd = sandbox.project('whole', { 'compose.yaml': compose, Dockerfile: 'FROM busybox\n' });
  });

  afterAll(async () => {
    await sandbox[Symbol.asyncDispose]();
  });

  const ok = (...args: string[]): Promise<string> => sandbox.ok(args, { cwd });
  const states = (): Promise<string> => ok('ps', '-a', '--format', '{{.Name}} {{.State}}');

  test('create makes containers and starts none', async () => {
    await ok('create');
    expect(await states()).toBe('whole-db-1 created\nwhole-web-1 created\n');
    expect(await ok('create', '--dry-run')).toBe('nothing to do\n');
    expect(await ok('create', '--dry-run', '--force-recreate', 'db')).toContain('asked to replace');
    expect(await ok('create', '--dry-run', '--scale', 'db=2', '--no-recreate')).toContain('db-2');
  });

  test('a dry run says on standard error what the run would, where nobody sits at a terminal', async () => {
    const { stderr } = await sandbox.run(['--dry-run', 'up', '-d', 'db'], { cwd });
    const subject = ' DRY-RUN MODE -  Container whole-db-1 ';
    expect(stderr).toBe(`${subject} Starting\n${subject} Started\n`);
    expect(await states()).toContain('whole-db-1 created\n');
  });

  test.each([[['--build', '--no-build']], [['--force-recreate', '--no-recreate']]])(
    'create refuses %s',
    async (flags) => {
      const result = await sandbox.run(['create', ...flags], { cwd });
      expect(result).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('exclude each other') as string });
    },
  );

  test('scale starts more, with what they need, and takes the highest away', async () => {
    await ok('scale', 'web=3');
    expect(await states()).toBe('whole-db-1 running\nwhole-web-1 running\nwhole-web-2 running\nwhole-web-3 running\n');
    await ok('scale', '--no-deps', 'web=1', 'db=0');
    expect(await states()).toBe('whole-web-1 running\n');
    for (const args of [[], ['web'], ['web=x'], ['nobody=1']]) {
      expect((await sandbox.run(['scale', ...args], { cwd })).exitCode).toBe(1);
    }
  });

  test('who shares a network namespace keeps container and connections when its owner is recreated', async () => {
    const vpn = sandbox.project('vpn', {
      'compose.yaml': `services:
  vpn: {image: busybox, command: sleep 1000, stop_grace_period: 0s, environment: [AT], ports: ["127.0.0.1::81"]}
  side: {image: busybox, command: nc -ll -p 81 -e cat, stop_grace_period: 0s, network_mode: "service:vpn"}
`,
    });
    const up = (at: string, ...args: string[]) => sandbox.ok(['up', '-d', ...args], { cwd: vpn, env: { AT: at } });
    const ids = async () =>
      (await sandbox.ok(['ps', '--format', '{{.Service}} {{.ID}}'], { cwd: vpn })).split('\n').sort();
    await up('first');
    const before = await ids();
    const [host, port] = (await sandbox.ok(['port', 'vpn', '81'], { cwd: vpn })).trim().split(':');
    const connection = connect({ host: host ?? '', port: Number(port) });
    try {
      await once(connection, 'connect');
      for (const [at, ...args] of [['first', '--force-recreate', 'vpn'], ['second']] as const) {
        await up(at, ...args);
        connection.write(at);
        const answer: unknown[] = await once(connection, 'data', { signal: AbortSignal.timeout(10_000) });
        expect(String(answer[0])).toBe(at);
      }
      const after = await ids();
      expect(after[1]).toBe(before[1]); // side
      expect(after[2]).not.toBe(before[2]); // vpn
      expect(await sandbox.ok(['up', '-d', '--dry-run'], { cwd: vpn, env: { AT: 'second' } })).toBe('nothing to do\n');
    } finally {
      connection.destroy();
      await sandbox.ok(['down'], { cwd: vpn });
    }
  });

  test('a service is killed, started and stopped by its name, whatever its profile', async () => {
    const service = '{image: busybox, command: sleep 1000, stop_grace_period: 0s';
    const debug = `  debug: ${service}, profiles: [debug], depends_on: [needed], pre_stop: [{command: [touch, /log/stopped]}], volumes: ["log:/log"]}`;
    const file = `services:\n  needed: ${service}}\n${debug}\nvolumes: {log: {}}\n`;
    const cwd = sandbox.project('profiles', { 'compose.yaml': file });
    const ok = (...args: string[]): Promise<string> => sandbox.ok(args, { cwd });
    const running = (): Promise<string> => ok('ps', '--format', '{{.Service}}');
    await ok('up', '-d', 'debug');
    await ok('kill', 'debug');
    expect(await running()).toBe('needed\n');
    await ok('kill', 'needed');
    await ok('start', 'debug');
    expect(await running()).toBe('debug\nneeded\n');
    await ok('stop', 'debug');
    expect(await ok('run', '--rm', '-T', 'debug', 'ls', '/log')).toBe('stopped\n');
    await ok('--profile', 'debug', 'down');
  });

  test('alpha generate writes a file that amounts to the containers there are', async () => {
    const file = `services:
  web:
    image: busybox
    command: sleep 1000
    stop_grace_period: 0s
    environment: {A: "1"}
    ports: ["127.0.0.1::80"]
    volumes: [data:/data, /anonymous]
    networks: {front: {aliases: [site]}}
    healthcheck: {test: "true", interval: 1m30s}
    restart: "on-failure:3"
    labels: {own: label}
    scale: 2
networks: {front: {}}
volumes: {data: {}}
`;
    const cwd = sandbox.project('described', { 'compose.yaml': file });
    await sandbox.ok(['up', '-d'], { cwd });
    const yaml = await sandbox.ok(['alpha', 'generate', '--name', 'again', 'described-web'], { cwd });
    const json = await sandbox.ok(
      ['alpha', 'generate', '--format', 'json', '--project-dir', cwd, '--name', 'again', 'described-web'],
      { cwd },
    );
    const fresh = sandbox.project('again', { 'compose.yaml': yaml });
    expect(JSON.parse(await sandbox.ok(['config', '--format', 'json'], { cwd: fresh }))).toMatchObject({
      ...{
        name: 'again',
        networks: { described_front: { external: true } },
        volumes: { described_data: { external: true } },
      },
      services: {
        web: {
          ...{
            image: 'busybox',
            command: ['sleep', '1000'],
            environment: { A: '1' },
            labels: { own: 'label' },
            scale: 2,
          },
          ports: [{ target: 80, host_ip: '127.0.0.1', protocol: 'tcp' }],
          volumes: [
            { type: 'volume', target: '/anonymous' },
            { type: 'volume', source: 'described_data', target: '/data' },
          ],
          networks: { described_front: { aliases: ['site'] } },
          ...{ healthcheck: { test: ['CMD-SHELL', 'true'], interval: '1m30s' }, restart: 'on-failure:3' },
        },
      },
    });
    expect(JSON.parse(json)).toMatchObject({ name: 'again', services: { web: { scale: 2 } } });
    await sandbox.ok(['down', '-v'], { cwd });
    expect((await sandbox.run(['alpha', 'generate', 'described-web'], { cwd })).stderr).toContain(
      'no container(s) found',
    );
  });

  test('COMPOSE_REMOVE_ORPHANS is for up, down and kill', async () => {
    const service = 'a: {image: busybox, command: sleep 1000, stop_grace_period: 0s}';
    const cwd = sandbox.project('orphans', {
      'compose.yaml': `services:\n  ${service}\n`,
      'before.yaml': `services:\n  old: {image: busybox, command: sleep 1000, stop_grace_period: 0s}\n`,
    });
    const ok = (...args: string[]): Promise<string> =>
      sandbox.ok(args, { cwd, env: { COMPOSE_REMOVE_ORPHANS: 'true' } });
    await ok('-f', 'before.yaml', 'create');
    for (const args of [['create'], ['scale', 'a=1'], ['run', '-T', 'a', 'true'], ['watch']]) {
      expect(await ok('--dry-run', ...args), args.join(' ')).not.toContain('container.remove');
    }
    expect(await ok('--dry-run', 'up', '-d')).toContain('container.remove  old-1');
    await ok('down');
  });

  test('--compatibility names containers as docker-compose v1 did', async () => {
    const old = sandbox.project('old', { 'compose.yaml': 'services: {a: {image: busybox, command: "true"}}\n' });
    await sandbox.ok(['--compatibility', 'create'], { cwd: old });
    expect(await sandbox.ok(['ps', '-a', '--format', '{{.Name}}'], { cwd: old })).toBe('old_a_1\n');
    const env = { COMPOSE_COMPATIBILITY: '1' };
    expect(await sandbox.ok(['create', '--dry-run'], { cwd: old, env })).toBe('nothing to do\n');
  });

  test('pull leaves out what its policy says, and fails for what no registry has', async () => {
    expect(await ok('pull', '--policy', 'missing', '--dry-run', 'web')).toContain('image.pull');
    const project = (policy: string): string =>
      sandbox.project(`pull-${policy}`, {
        'compose.yaml': `services: {a: {image: "localhost:1/none:1", pull_policy: ${policy}}}\n`,
      });
    await sandbox.ok(['pull', '-q'], { cwd: project('never') });
    const failed = await sandbox.run(['pull'], { cwd: project('always') });
    expect(failed).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('localhost:1/none:1') as string });
    await sandbox.ok(['pull', '--ignore-pull-failures'], { cwd: project('always') });
    expect((await sandbox.run(['pull', '--policy', 'sometimes'], { cwd })).exitCode).toBe(1);
  });

  test('push tries what is built and named, and may be let fail', async () => {
    expect(await ok('push', 'web')).toBe('');
    expect(await ok('--profile', 'extra', 'push', '--dry-run')).toContain('image.push  localhost:1/whole/local:1');
    await ok('build', 'local');
    const failed = await sandbox.run(['push', 'local'], { cwd });
    expect(failed).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('cannot push image') as string });
    await ok('push', '--ignore-push-failures', '--quiet', 'local');
  });

  test('hooks run where and when they say', async () => {
    const hooks = sandbox.project('hooks', {
      'compose.yaml': `
services:
  web:
    image: busybox
    command: sleep 1000
    stop_grace_period: 0s
    volumes: [log:/log]
    pre_start: [{command: [sh, -c, 'echo before >> /log/all']}]
    post_start: [{command: [sh, -c, 'echo $$WHO in $$PWD >> /log/all'], environment: {WHO: hook}, working_dir: /tmp}]
    pre_stop: [{command: [sh, -c, 'echo stopping >> /log/all']}]
  show: {image: busybox, command: [cat, /log/all], volumes: [log:/log], profiles: [show]}
volumes: {log: {}}
`,
    });
    await sandbox.ok(['up', '-d'], { cwd: hooks });
    await sandbox.ok(['stop'], { cwd: hooks });
    expect(await sandbox.ok(['run', '--rm', 'show'], { cwd: hooks })).toBe('before\nhook in /tmp\nstopping\n');
  });

  test('a hook that fails stops the start, and says what it was', async () => {
    const failing = (name: string, phase: string): string =>
      sandbox.project(name, {
        'compose.yaml': `services: {web: {image: busybox, command: sleep 1000, stop_grace_period: 0s, ${phase}: [{command: [sh, -c, 'echo why; exit 4']}]}}\n`,
      });
    const before = failing('fails-before', 'pre_start');
    expect(await sandbox.run(['up', '-d'], { cwd: before })).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(/exited with code 4[^]*why/) as string,
    });
    expect(await sandbox.ok(['down', '--dry-run'], { cwd: before })).toContain('a hook that failed');
    await sandbox.ok(['down'], { cwd: before });
    const after = await sandbox.run(['up', '-d'], { cwd: failing('fails-after', 'post_start') });
    expect(after).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('post_start[0]') as string });
  });
});
