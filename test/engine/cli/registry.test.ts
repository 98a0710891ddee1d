import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { engineMissing, EngineSandbox } from '../../support/engine-sandbox.js';
import { RegistryServer } from '../../support/registry-server.js';

describe.skipIf(engineMissing() !== undefined)('commands that speak to registries', () => {
  const registry = new RegistryServer();
  let sandbox: EngineSandbox;
  let cwd: string;
  let loggedIn: Record<string, string>;

  beforeAll(async () => {
    await registry.listen();
    registry.login = 'ann:secret';
    sandbox = await new EngineSandbox().withBusybox();
    cwd = sandbox.project('registry', {
      'compose.yaml': `
name: registry
services:
  app:
    image: ${registry.host}/team/app:1
    build: {context: ., dockerfile_inline: "FROM busybox\\nRUN echo built > /made"}
    depends_on: [base]
  base:
    image: ${registry.host}/team/base:1
    build: {context: ., dockerfile_inline: "FROM busybox\\nRUN echo base > /made"}
  absent:
    image: ${registry.host}/team/absent:1
    profiles: [absent]
`,
    });
    const config = join(sandbox.folder, 'docker-config');
    mkdirSync(config);
    const auth = Buffer.from(registry.login).toString('base64');
    writeFileSync(join(config, 'config.json'), JSON.stringify({ auths: { [registry.host]: { auth } } }));
    loggedIn = { DOCKER_CONFIG: config };
  });

  afterAll(async () => {
    await sandbox[Symbol.asyncDispose]();
    await registry.close();
  });

  const ok = (...args: string[]) => sandbox.ok(args, { cwd, env: loggedIn });
  const tags = () => [...registry.manifests.entries()].map(([name]) => name).sort();
  const down = () => ok('down', '--rmi', 'all');

  test('push is nobody’s without a login, and goes on with --ignore-push-failures', async () => {
    expect(await sandbox.run(['build', '-q', 'app'], { cwd })).toMatchObject({ exitCode: 0, stdout: '', stderr: '' });
    const refused = await sandbox.run(['push', 'app'], { cwd });
    expect(refused.exitCode).toBe(1);
    expect(tags()).toEqual([]);
    const ignored = await sandbox.run(['push', '--ignore-push-failures', 'app'], { cwd });
    expect([ignored.exitCode, ignored.stderr]).toEqual([0, expect.stringContaining('Warning')]);
  });

  test('push takes the login of the docker config, and with --include-deps what the service needs', async () => {
    await ok('push', '--quiet', 'app');
    expect(tags()).toEqual(['team/app']);
    await ok('build', '--with-dependencies', '--quiet', 'app');
    await ok('push', '--include-deps', 'app');
    expect(tags()).toEqual(['team/app', 'team/base']);
  });

  test('pull takes the login, leaves out what can be built, and brings dependencies with --include-deps', async () => {
    await down();
    await ok('pull', '--ignore-buildable');
    expect(await ok('create', '--pull', 'never', '--no-build', 'app').catch(() => 'missing')).toBe('missing');
    await ok('pull', '--quiet', '--include-deps', 'app');
    await ok('create', '--no-build', '--pull', 'never', 'app');
    expect(await ok('run', '--rm', '--pull', 'missing', '-T', '--no-deps', 'app', 'cat', '/made')).toBe('built\n');
    await down();
  });

  test('pull with --policy missing asks for nothing that is there, and with always again', async () => {
    await ok('pull', 'base');
    registry.requests.length = 0;
    await ok('pull', '--policy', 'missing', 'base');
    expect(registry.requests).toEqual([]);
    await ok('pull', '--policy', 'always', 'base');
    expect(registry.requests.length).toBeGreaterThan(0);
  });

  test('pull fails for an image that is not there, and goes on with --ignore-pull-failures', async () => {
    const failed = await sandbox.run(['pull', 'absent'], { cwd, env: loggedIn });
    expect([failed.exitCode, failed.stderr]).toEqual([1, expect.stringContaining('team/absent')]);
    await ok('pull', '--ignore-pull-failures', 'absent', 'base');
  });
});
