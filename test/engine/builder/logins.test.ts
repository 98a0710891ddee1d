import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { engineMissing, EngineSandbox } from '../../support/engine-sandbox.js';
import { RegistryServer } from '../../support/registry-server.js';

test.skipIf(engineMissing() !== undefined)('a build uses the logins of docker for caches and base images', async () => {
  const registry = new RegistryServer();
  await registry.listen();
  registry.login = 'me:secret';
  try {
    await using sandbox = await new EngineSandbox().withBusybox();
    const base = `${registry.host}/private/base:1`;
    const cache = `type=registry,ref=${registry.host}/private/cache:1`;
    const cwd = sandbox.project('logins', {
      'compose.yaml': [
        'services:',
        `  base: {image: '${base}', build: {dockerfile_inline: "FROM busybox\\nRUN echo x > /x\\n"}}`,
        `  app: {build: {dockerfile_inline: "FROM ${base}\\nRUN cat /x\\n", cache_to: ['${cache}'], pull: true}}`,
      ].join('\n'),
      'logged-in/config.json': JSON.stringify({ auths: { [registry.host]: { auth: btoa('me:secret') } } }),
      'helped/config.json': JSON.stringify({ credHelpers: { [registry.host]: 'test' } }),
      'stored/config.json': JSON.stringify({ credsStore: 'test' }),
    });
    const helper = join(cwd, 'docker-credential-test');
    const login = '{"ServerURL":"","Username":"me","Secret":"secret"}';
    const list = `{"https://${registry.host}":"me"}`;
    writeFileSync(helper, `#!/bin/sh\n[ $1 = get ] && echo '${login}' || echo '${list}'\n`, { mode: 0o755 });
    const as = (folder: string) => ({
      cwd,
      env: { DOCKER_CONFIG: join(cwd, folder), PATH: `${cwd}:${process.env['PATH'] ?? ''}` },
    });
    await sandbox.ok(['build', '--push', 'base'], as('logged-in'));
    const refused = await sandbox.run(['build', 'app'], as('nobody'));
    expect([refused.exitCode, refused.stderr]).toEqual([
      1,
      expect.stringMatching(/unauthorized|authentication required/i),
    ]);
    for (const how of ['stored', 'helped']) await sandbox.ok(['build', 'app'], as(how));
    expect(registry.manifests.get('private/cache')?.has('1')).toBe(true);
  } finally {
    await registry.close();
  }
});
