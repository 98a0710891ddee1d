import { createServer } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { EngineSandbox, engineMissing, eventually } from '../../support/engine-sandbox.js';

/** `db`, which goes wrong, and two services that wait for it. */
function project(db: string, condition = 'service_healthy'): string {
  return `name: broken
services:
  web:
    image: busybox
    init: false
    command: sleep infinity
    depends_on: [api]
  api:
    image: busybox
    init: false
    command: sleep infinity
    depends_on: {db: {condition: ${condition}}}
  db:
    image: busybox
    init: false
    stop_grace_period: 0s
${db.replace(/^/gm, '    ')}
`;
}

const neverHealthy = 'healthcheck: {test: ["CMD", "false"], interval: 30s}';

describe.skipIf(engineMissing() !== undefined)('when a dependency breaks, up says why', () => {
  const sandbox = new EngineSandbox();
  let cwd = '';
  beforeAll(async () => {
    await sandbox.withBusybox();
  });
  afterEach(async () => {
    await sandbox.ok(['down', '-t', '0'], { cwd });
  });
  afterAll(async () => {
    await sandbox[Symbol.asyncDispose]();
  });

  /** What `up` writes when it fails, without the progress above. */
  async function failureOf(
    db: string,
    condition?: string,
    flags: readonly string[] = [],
    before: () => Promise<void> = () => Promise.resolve(),
  ): Promise<string> {
    cwd = sandbox.project('broken', { 'compose.yaml': project(db, condition) });
    await before();
    const up = await sandbox.run(['--progress', 'quiet', 'up', '-d', ...flags], { cwd });
    expect(up.exitCode).toBe(1);
    return `\n${up.stderr}`;
  }

  test('it ended with an exit code', async () => {
    const db = `command: ["sh", "-c", "echo no config file >&2; exit 3"]\n${neverHealthy}`;
    expect(await failureOf(db)).toMatchInlineSnapshot(`
      "
      compose.yaml:17:14: service "db" exited with code 3 before it was healthy, so service "api" was not started
         17 |     command: ["sh", "-c", "echo no config file >&2; exit 3"]
            |              ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        chain: web → api → db
        broken-db-1 | no config file
        [execute/dependency-failed]
      "
    `);
  });

  test('its command is not in the image', async () => {
    expect(await failureOf('command: postgrse -D /data', 'service_started')).toMatchInlineSnapshot(`
      "
      compose.yaml:17:14: service "db" cannot start: its command "postgrse" is not in the image
         17 |     command: postgrse -D /data
            |              ^^^^^^^^^^^^^^^^^
        chain: web → api → db
        hint: tscompose run --rm --entrypoint sh db looks around in the image   [execute/operation-failed]
      "
    `);
  });

  test('it ran out of memory', async () => {
    const db = `command: ["sh", "-c", "x=a; while true; do x=$$x$$x; done"]\nmem_limit: 16m\n${neverHealthy}`;
    expect(await failureOf(db)).toMatchInlineSnapshot(`
      "
      compose.yaml:18:16: service "db" ran out of memory: the kernel killed it at the limit of 16 MiB before it was healthy, so service "api" was not started
         18 |     mem_limit: 16m
            |                ^^^
        chain: web → api → db
        the most it had was 16 MiB
        hint: raise mem_limit (or deploy.resources.limits.memory), or make it use less   [execute/dependency-failed]
      "
    `);
  });

  test('it is unhealthy', async () => {
    const db =
      'command: sleep infinity\nhealthcheck: {test: echo connection refused; exit 2, interval: 50ms, retries: 3}';
    expect(await failureOf(db)).toMatchInlineSnapshot(`
      "
      compose.yaml:18:18: service "db" is unhealthy, so service "api" was not started
         18 |     healthcheck: {test: echo connection refused; exit 2, interval: 50ms, retries: 3}
            |                  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        chain: web → api → db
        probe: exit code 2: connection refused (3 times)
        hint: tscompose exec db sh -c 'echo connection refused; exit 2' tries the probe by hand   [execute/dependency-failed]
      "
    `);
  });

  test('the time is up while it is starting', async () => {
    const db = 'command: sleep infinity\nhealthcheck: {test: echo warming up; exit 1, interval: 200ms, retries: 90}';
    const probed = async () => {
      await sandbox.ok(['up', '-d', 'db'], { cwd });
      await eventually('three probes', async () => (await sandbox.ok(['why', 'db'], { cwd })).includes('(3 times)'));
    };
    const flags = ['--wait', '--wait-timeout', '2'];
    expect(await failureOf(db, 'service_healthy', flags, probed)).toMatchInlineSnapshot(`
      "
      compose.yaml:18:18: application not healthy after 2s
         18 |     healthcheck: {test: echo warming up; exit 1, interval: 200ms, retries: 90}
            |                  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        service "db" is not healthy yet
          chain: web → api → db
          probe: exit code 1: warming up (3 times)
        service "api" was not started: it needs "db"
        service "web" was not started: it needs "api"
        hint: tscompose exec db sh -c 'echo warming up; exit 1' tries the probe by hand   [cli/wait-timeout]
      "
    `);
    const start = await sandbox.run(['--progress', 'quiet', 'start', '--wait', '--wait-timeout', '1'], { cwd });
    expect(start.exitCode).toBe(1);
    expect(start.stderr).toContain('\n  service "db" is not healthy yet\n    chain: web → api → db\n    probe: ');
  });

  test('a signal from inside ended it', async () => {
    const db = `command: ["sh", "-c", "sh -c 'kill -SEGV $$$$'; exit $$?"]\n${neverHealthy}`;
    expect(await failureOf(db)).toMatchInlineSnapshot(`
      "
      compose.yaml:12:22: service "db" was ended by SIGSEGV (exit code 139) before it was healthy, so service "api" was not started
         12 |     depends_on: {db: {condition: service_healthy}}
            |                      ^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        chain: web → api → db
        no client of the engine asked for that: it came from inside, or from another process of this machine
        broken-db-1 | Segmentation fault
        [execute/dependency-failed]
      "
    `);
  });

  test('what it mounts is missing', async () => {
    const db = 'command: sleep infinity\nvolumes: [{type: bind, source: /no/such/folder, target: /data}]';
    expect(await failureOf(db, 'service_started')).toMatchInlineSnapshot(`
      "
      compose.yaml:18:14: service "db" cannot be created: its mount /no/such/folder does not exist
         18 |     volumes: [{type: bind, source: /no/such/folder, target: /data}]
            |              ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        chain: web → api → db
        hint: create it, or let it be created with bind.create_host_path: true   [execute/operation-failed]
      "
    `);
  });

  test('another process holds its port', async () => {
    const server = createServer().listen(28_432, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    try {
      const failure = await failureOf('command: sleep infinity\nports: ["127.0.0.1:28432:5432"]', 'service_started');
      expect(failure.replace(/pid \d+/, 'pid PID')).toMatchInlineSnapshot(`
        "
        compose.yaml:18:12: cannot start service "db" (container broken-db-1): tcp port 127.0.0.1:28432 is already in use by process node (pid PID)
           18 |     ports: ["127.0.0.1:28432:5432"]
              |            ^^^^^^^^^^^^^^^^^^^^^^^^
          chain: web → api → db
          hint: publish another host port, or stop what uses this one   [execute/operation-failed]
        "
      `);
    } finally {
      server.close();
    }
  });

  test('and why says it again, with what was not started because of it', async () => {
    await failureOf(`command: ["sh", "-c", "echo no config file >&2; exit 3"]\n${neverHealthy}`);
    expect(`\n${await sandbox.ok(['why'], { cwd })}`).toMatchInlineSnapshot(`
      "
      compose.yaml:17:14: service "db" exited with code 3
         17 |     command: ["sh", "-c", "echo no config file >&2; exit 3"]
            |              ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        chain: web → api → db
        broken-db-1 | no config file
        [execute/finding]

      compose.yaml:12:22: service "api" was not started: it needs "db"
         12 |     depends_on: {db: {condition: service_healthy}}
            |                      ^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        chain: web → api
        [execute/finding]

      compose.yaml:7:18: service "web" was not started: it needs "api"
          7 |     depends_on: [api]
            |                  ^^^
        [execute/finding]
      "
    `);
    const api = await sandbox.ok(['why', 'api'], { cwd });
    expect(api).toContain('service "db" exited with code 3');
    expect(api).toContain('service "api" was not started: it needs "db"');
    const findings = (await sandbox.ok(['why', '--json', 'db'], { cwd })).trim().split('\n');
    expect(findings.map((line) => JSON.parse(line) as unknown)).toMatchObject([
      { code: 'execute/finding', line: 17, facts: { service: 'db', diagnosis: 'exit-code' } },
    ]);
  });
});
