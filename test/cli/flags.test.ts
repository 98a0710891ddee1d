import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runCli } from '../support/run-cli.js';

let cwd = '';
beforeAll(() => {
  cwd = realpathSync(mkdtempSync(join(tmpdir(), 'tscompose-flags-')));
  writeFileSync(
    join(cwd, 'compose.yaml'),
    `name: flags
services:
  web: {image: nginx, env_file: web.env, volumes: ["./data:/data"], networks: [front]}
  api: {build: {context: ., args: {A: "1"}, tags: [more]}, image: app, profiles: [extra]}
networks: {front: {}, unused: {}}
`,
  );
  writeFileSync(join(cwd, 'web.env'), 'KEY=value\n');
  writeFileSync(join(cwd, 'wrong.yaml'), 'services: {web: {image: nginx, networks: [nowhere]}}\n');
});
afterAll(() => {
  rmSync(cwd, { recursive: true });
});
const run = (...args: string[]) => runCli(args, { cwd, env: { SEEN: 'yes' } });

describe('config', () => {
  test('leaves out what its flags say', async () => {
    expect((await run('config', '--environment')).stdout).toContain('SEEN=yes\n');
    expect((await run('config', '--networks')).stdout).toBe('front\n');
    expect((await run('--all-resources', 'config')).stdout).toContain('unused:');
    expect((await run('config')).stdout).not.toContain('unused:');
    expect((await run('config', '--no-env-resolution')).stdout).toContain('web.env');
    expect((await run('config')).stdout).toContain(`source: ${cwd}/data`);
    expect((await run('config', '--no-path-resolution')).stdout).toContain('source: ./data');
    expect((await run('-f', 'wrong.yaml', 'config')).exitCode).toBe(1);
    expect((await run('-f', 'wrong.yaml', 'config', '--no-consistency')).exitCode).toBe(0);
  });

  test('has its former name still', async () => {
    expect(await run('convert', '--services')).toEqual(await run('config', '--services'));
  });
});

describe('flags before the command', () => {
  test('those without effect on a command are taken', async () => {
    const plain = await run('config', '--images');
    expect(await run('--no-ansi', '--log-level', 'error', '--insecure-registry', 'x', 'config', '--images')).toEqual(
      plain,
    );
    expect((await run('--debug', 'config', '--images')).stdout).toBe(plain.stdout);
    expect((await run('--version')).stdout).toBe((await run('version')).stdout);
  });

  test('choose the engine, with TLS', async () => {
    expect((await run('--host', 'unix:///nobody.sock', 'ps')).stderr).toContain('nobody.sock');
    const { exitCode, stderr } = await run(
      ...['--host', 'tcp://127.0.0.1:1', '--tls', '--tlsverify', '--tlscacert', 'no-ca.pem'],
      ...['--tlscert', 'no-cert.pem', '--tlskey', 'no-key.pem', 'ps'],
    );
    expect([exitCode, stderr]).toEqual([1, expect.stringMatching(/no-(ca|cert|key)\.pem/)]);
  });
});

describe('build', () => {
  test('prints a bake file with --print, of what the other flags say', async () => {
    const { stdout } = await run(
      'build',
      '--print',
      '--build-arg',
      'B=2',
      '--no-cache',
      '--pull',
      '--ssh',
      'default=/run/agent.sock',
      'api',
    );
    expect(JSON.parse(stdout)).toMatchObject({
      group: { default: { targets: ['api'] } },
      target: {
        api: {
          ...{ context: cwd, dockerfile: 'Dockerfile', args: { A: '1', B: '2' }, tags: ['app', 'more'] },
          ssh: ['default=/run/agent.sock'],
          ...{ pull: true, 'no-cache': true, output: ['type=docker'] },
        },
      },
    });
  });

  test('does not ask for the env files of a service', async () => {
    writeFileSync(join(cwd, 'secret.yaml'), 'services: {web: {build: ., env_file: secret.env}}\n');
    expect((await run('-f', 'secret.yaml', 'config')).stderr).toContain('secret.env');
    expect((await run('-f', 'secret.yaml', 'build', '--print')).exitCode).toBe(0);
  });

  test('takes flags of old, and says which have no effect', async () => {
    const { exitCode, stderr } = await run(
      ...['build', '--print', '--compress', '--force-rm', '--no-rm', '--parallel', '--progress', 'plain'],
      ...[
        '--memory',
        '1g',
        '--builder',
        'default',
        '--sbom',
        'false',
        '--provenance',
        'false',
        '--ssh',
        'default=/run/agent.sock',
        'api',
      ],
    );
    expect([exitCode, stderr]).toEqual([0, expect.stringContaining('--memory has no effect')]);
  });

  test('build --print has the attestations that are asked for', async () => {
    const { stdout } = await run('build', '--print', '--provenance', 'mode=max', 'api');
    expect(JSON.parse(stdout)).toMatchObject({ target: { api: { attest: ['type=provenance,mode=max'] } } });
  });

  test.each([
    ['build', '--sbom', 'true'],
    ['build', '--builder', 'mine'],
  ])('refuses %s %s in words', async (...args) => {
    const { exitCode, stderr } = await run(...args);
    expect([exitCode, stderr]).toEqual([1, expect.stringMatching(/cannot build with --\w+: [^]*cli\/no-builder-for/)]);
  });
});
