import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { RegistryServer } from '../support/registry-server.js';
import { folderPerTest, writeFiles } from '../support/test-folder.js';
import { runCli } from '../support/run-cli.js';

const registry = new RegistryServer();
let folder = '';
beforeAll(() => registry.listen());
afterAll(() => registry.close());
folderPerTest((path) => (folder = path));
afterEach(() => {
  registry.misbehave = () => false;
});

const run = (args: readonly string[], input = '') =>
  runCli(args, { cwd: folder, input, env: { XDG_CACHE_HOME: join(folder, 'cache') } });
const manifest = (tag: string): unknown =>
  JSON.parse(registry.manifests.get('team/app')?.get(tag)?.bytes.toString() ?? 'null');

test('what publish sends is the project that oci:// reads', async () => {
  writeFiles(folder, {
    'compose.yaml': 'name: far\nservices:\n  web: {image: "nginx:${TAG:-1}", env_file: web.env}\n',
    'compose.override.yaml': 'services: {web: {command: [serve]}}\n',
    'web.env': 'GREETING=hello\n',
  });
  const { exitCode, stderr } = await run(['publish', '--with-env', `${registry.host}/team/app:1`]);
  expect([exitCode, stderr]).toEqual([0, expect.stringMatching(/Published.*team\/app:1@sha256:[0-9a-f]{64}/)]);
  const { stdout } = await run(['-f', `oci://${registry.host}/team/app:1`, 'config', '--format', 'json']);
  expect(JSON.parse(stdout)).toMatchObject({
    name: 'far',
    services: { web: { image: 'nginx:1', command: ['serve'], environment: { GREETING: 'hello' } } },
  });
});

test('--oci-version decides the format, and without it a registry that refuses the new one gets the old', async () => {
  writeFiles(folder, { 'compose.yaml': 'services: {web: {image: nginx}}\n' });
  const reference = `${registry.host}/team/app`;
  expect((await run(['publish', '--oci-version', '1.1', `${reference}:new`])).exitCode).toBe(0);
  expect(manifest('new')).toMatchObject({ artifactType: 'application/vnd.docker.compose.project' });
  expect((await run(['publish', '--oci-version', '1.0', '--insecure-registry', `${reference}:old`])).exitCode).toBe(0);
  expect(manifest('old')).toMatchObject({
    config: { mediaType: 'application/vnd.docker.compose.config.empty.v1+json' },
  });
  let refused = 0;
  registry.misbehave = (request, response) => {
    if (request.method !== 'PUT' || !request.url?.includes('/manifests/') || refused > 0) return false;
    refused += 1;
    request.resume();
    response.writeHead(400).end('{"errors":[{"code":"MANIFEST_INVALID"}]}');
    return true;
  };
  expect((await run(['publish', `${reference}:either`])).exitCode).toBe(0);
  expect(manifest('either')).not.toHaveProperty('artifactType');
  expect((await run(['publish', '--oci-version', '2', reference])).exitCode).toBe(1);
});

test('--resolve-image-digests pins what the registry has now', async () => {
  const empty = registry.addBlob(Buffer.from('{}'));
  const { digest } = registry.addManifest('team/image', '1', {
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    ...{ schemaVersion: 2, config: empty, layers: [] },
  });
  writeFiles(folder, { 'compose.yaml': `services: {web: {image: "${registry.host}/team/image:1"}}\n` });
  const reference = `${registry.host}/team/app:pinned`;
  expect((await run(['publish', '--resolve-image-digests', reference])).exitCode).toBe(0);
  expect((await run(['-f', `oci://${reference}`, 'config', '--images'])).stdout).toContain(digest);
});

test.each([
  ['includes', { 'compose.yaml': 'include: [more.yaml]\n', 'more.yaml': 'services: {a: {image: x}}\n' }, 'more.yaml'],
  ['sets variables', { 'compose.yaml': 'services: {a: {image: x, environment: {KEY: v}}}\n' }, '--with-env'],
  ['has env files', { 'compose.yaml': 'services: {a: {image: x, env_file: e}}\n', e: '' }, '--with-env'],
  ['only builds', { 'compose.yaml': 'services: {a: {build: .}}\n' }, 'names no image'],
])('a project that %s is refused', async (_what, files, reason) => {
  writeFiles(folder, files);
  const { exitCode, stderr } = await run(['publish', `${registry.host}/team/app:refused`]);
  expect([exitCode, stderr]).toEqual([1, expect.stringContaining(reason)]);
  expect(manifest('refused')).toBeNull();
});

test('files of one name in several folders are refused: they come to lie in one', async () => {
  writeFiles(folder, {
    'a/compose.yaml': 'services: {web: {image: x}}\n',
    'b/compose.yaml': 'services: {web: {command: y}}\n',
  });
  const files = ['-f', 'a/compose.yaml', '-f', 'b/compose.yaml'];
  const { exitCode, stderr } = await run([...files, 'publish', `${registry.host}/team/app:twice`]);
  expect([exitCode, stderr]).toEqual([1, expect.stringContaining('would be one file')]);
});

test('folders of this machine are asked about, and --app is refused', async () => {
  writeFiles(folder, { 'compose.yaml': 'services: {web: {image: nginx, volumes: ["./data:/data"]}}\n' });
  const reference = `${registry.host}/team/app:binds`;
  expect((await run(['publish', reference], 'n\n')).stderr).toContain(`web: ${folder}/data`);
  expect(manifest('binds')).toBeNull();
  expect((await run(['publish', '--dry-run', '--yes', reference])).stdout).toBe('compose compose.yaml\n');
  expect((await run(['alpha', 'publish', '--dry-run', '--yes', reference])).stdout).toBe('compose compose.yaml\n');
  expect(manifest('binds')).toBeNull();
  expect((await run(['publish', '--yes', reference])).exitCode).toBe(0);
  expect(manifest('binds')).not.toBeNull();
  expect((await run(['publish', '--app', reference])).stderr).toContain('push');
});
