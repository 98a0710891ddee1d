import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { RegistryServer } from '../support/registry-server.js';
import { folderPerTest } from '../support/test-folder.js';
import { runCli } from '../support/run-cli.js';

const registry = new RegistryServer();
let folder = '';
let digest = '';
beforeAll(async () => {
  await registry.listen();
  const config = { mediaType: 'application/vnd.oci.image.config.v1+json', ...registry.addBlob(Buffer.from('{}')) };
  const manifest = { mediaType: 'application/vnd.oci.image.manifest.v1+json', schemaVersion: 2, config, layers: [] };
  ({ digest } = registry.addManifest('app', 'v1', manifest));
  registry.addManifest('app', 'latest', manifest);
});
afterAll(async () => {
  await registry.close();
});
folderPerTest((path) => (folder = join(path, 'shop')));
beforeEach(() => {
  mkdirSync(folder);
});

function files(contents: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(contents)) writeFileSync(join(folder, name), text);
}
const config = (...args: string[]) => runCli(['config', ...args], { cwd: folder });

describe('images pinned to digests', () => {
  const project = (): string => `
name: shop
services:
  web: {image: "${registry.host}/app:v1", command: "$$x"}
  api: {image: "${registry.host}/app"}
  own: {build: .}
  old: {image: "${registry.host}/app:v0@sha256:${'0'.repeat(64)}"}
`;

  test('in the whole project', async () => {
    files({ 'compose.yaml': project() });
    const { stdout, stderr } = await config('--resolve-image-digests');
    expect(stderr).toBe('');
    expect(stdout).toContain(`image: ${registry.host}/app:v1@${digest}\n`);
    expect(stdout).toContain(`image: ${registry.host}/app:latest@${digest}\n`);
    expect(stdout).toContain(`image: ${registry.host}/app@sha256:${'0'.repeat(64)}\n`);
    expect(stdout).toContain('- $$x\n');
  });

  test('as a file that lies over the others', async () => {
    files({ 'compose.yaml': project() });
    const { stdout } = await config('--lock-image-digests', 'web');
    expect(stdout).toBe(`services:\n  web:\n    image: ${registry.host}/app:v1@${digest}\n`);
  });

  test('with variables left as they are', async () => {
    files({ 'compose.yaml': `services: {web: {image: "${registry.host}/app:v1", command: "$CMD"}}` });
    const { stdout } = await config('--resolve-image-digests', '--no-interpolate', '--no-normalize');
    expect(stdout).toContain(`image: ${registry.host}/app:v1@${digest}\n`);
    expect(stdout).toContain('command: $CMD\n');
  });

  test('fail with an image the registry does not have', async () => {
    files({ 'compose.yaml': `services: {web: {image: "${registry.host}/none"}}` });
    const { exitCode, stderr } = await config('--resolve-image-digests');
    expect(exitCode).toBe(1);
    expect(stderr).toContain(`manifest for ${registry.host}/none:latest not found`);
  });
});

describe('variables the files refer to, also where they include and extend', () => {
  beforeEach(() => {
    files({
      'compose.yaml':
        'include: [./more.yaml]\nservices: {x: {image: "${TOP:?need}", extends: {file: base.yaml, service: b}}}',
      'more.yaml': 'services: {m: {image: "a${INNER:-one}"}}',
      'base.yaml': 'services: {b: {command: "${EXT+two}"}}',
    });
  });

  test('as a table', async () => {
    const { stdout } = await config('--variables');
    expect(stdout).toBe(
      [
        'NAME                REQUIRED            DEFAULT VALUE       ALTERNATE VALUE',
        'EXT                 false                                   two',
        'INNER               false               one                 ',
        'TOP                 true                                    ',
        '',
      ].join('\n'),
    );
  });

  test('as JSON and YAML', async () => {
    const json = JSON.parse((await config('--variables', '--format', 'json')).stdout) as Record<string, unknown>;
    expect(json['INNER']).toEqual({ Name: 'INNER', DefaultValue: 'one', PresenceValue: '', Required: false });
    const { stdout } = await config('--variables', '--format', 'yaml');
    expect(stdout).toContain('TOP:\n  name: TOP\n  defaultvalue: ""\n  presencevalue: ""\n  required: true\n');
  });

  test('not in other formats', async () => {
    const { exitCode, stderr } = await config('--variables', '--format', 'xml');
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining('"xml" is none of table, json and yaml')]);
  });
});

test('references of models', async () => {
  files({ 'compose.yaml': 'services: {x: {image: x, models: [llm]}}\nmodels: {llm: {model: ai/some:1B}}' });
  expect((await config('--models')).stdout).toBe('ai/some:1B\n');
});

test('images of hooks and mounts beside those of services', async () => {
  files({
    'compose.yaml':
      'services: {x: {image: x, pre_start: [{image: hook, command: a}], volumes: [{type: image, source: data, target: /d}]}}',
  });
  expect((await config('--images')).stdout).toBe('x\nhook\ndata\n');
});

test('parts of the project go to standard output, whatever --quiet and --output say', async () => {
  files({ 'compose.yaml': 'services: {x: {image: x}}' });
  expect((await config('--services', '-q', '-o', 'out.yaml')).stdout).toBe('x\n');
  expect(readdirSync(folder)).toEqual(['compose.yaml']);
});

test('a dry run writes no output file', async () => {
  files({ 'compose.yaml': 'services: {x: {image: x}}' });
  expect(await config('--dry-run', '-o', 'out.yaml')).toMatchObject({ exitCode: 0, stdout: '' });
  expect(readdirSync(folder)).toEqual(['compose.yaml']);
});

describe('COMPOSE_ variables of the project’s .env govern the command', () => {
  const run = (env: Record<string, string> = {}) => runCli(['--parallel', '1', 'config'], { cwd: folder, env });

  test('as if the environment had them', async () => {
    files({ 'compose.yaml': 'services: {x: {image: x}}', '.env': 'COMPOSE_PROGRESS=sideways\n' });
    const { exitCode, stderr } = await run();
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining('"sideways" is none of auto, tty, plain')]);
    expect((await run({ COMPOSE_PROGRESS: 'plain' })).exitCode).toBe(0);
  });

  test('but not when the file is turned off, nor from the folder of another file', async () => {
    files({ 'compose.yaml': 'services: {x: {image: x}}', '.env': 'COMPOSE_PROGRESS=sideways\n' });
    expect((await run({ COMPOSE_DISABLE_ENV_FILE: '1' })).exitCode).toBe(0);
    mkdirSync(join(folder, 'sub'));
    files({ 'sub/compose.yaml': 'services: {x: {image: x}}' });
    expect((await runCli(['-f', 'sub/compose.yaml', 'config'], { cwd: folder })).exitCode).toBe(0);
    expect((await runCli(['-f', 'compose.yaml', 'config'], { cwd: join(folder) })).exitCode).toBe(1);
  });

  test('from --env-file', async () => {
    files({ 'compose.yaml': 'services: {x: {image: x}}', 'my.env': 'COMPOSE_PARALLEL_LIMIT=many\n' });
    const { stderr } = await runCli(['--env-file', 'my.env', 'config'], { cwd: folder });
    expect(stderr).toContain('COMPOSE_PARALLEL_LIMIT: "many" is not a whole number');
  });
});
