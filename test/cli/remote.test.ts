import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { RegistryServer } from '../support/registry-server.js';
import { folderPerTest } from '../support/test-folder.js';
import { runCli } from '../support/run-cli.js';

const registry = new RegistryServer();
let folder = '';
beforeAll(() => registry.listen());
afterAll(() => registry.close());
folderPerTest((path) => (folder = path));

function publish(tag: string, text: string): string {
  registry.addManifest('app', tag, {
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    ...{ schemaVersion: 2, artifactType: 'application/vnd.docker.compose.project' },
    config: { mediaType: 'application/vnd.oci.empty.v1+json', ...registry.addBlob(Buffer.from('{}')) },
    layers: [{ mediaType: 'application/vnd.docker.compose.file+yaml', ...registry.addBlob(Buffer.from(text)) }],
  });
  return `oci://${registry.host}/app:${tag}`;
}

const run = (args: readonly string[], input = '') =>
  runCli(args, {
    cwd: folder,
    input,
    env: { XDG_CACHE_HOME: join(folder, 'cache'), DOCKER_HOST: `unix://${folder}/nobody.sock`, SECRET: 'mine' },
  });

test('config shows a project from a registry, and its faults by the reference', async () => {
  const good = publish('good', 'name: far\nservices: {web: {image: nginx}}\n');
  expect((await run(['-f', good, 'config', '--images'])).stdout).toBe('nginx\n');
  const bad = publish('bad', 'services:\n  web:\n    imag: nginx\n');
  expect((await run(['-f', bad, 'config'])).stderr).toContain(`${bad}:3:5: unknown key "imag"`);
});

test('up asks before variables are given to a project from elsewhere, and no answer is no', async () => {
  const reference = publish('vars', 'services: {web: {image: "x:${TAG:-1}", command: "${SECRET}"}}\n');
  for (const input of ['', '\n', 'n\n', 'yes\n']) {
    const { exitCode, stdout, stderr } = await run(['-f', reference, 'up', '-d'], input);
    expect(stdout).toContain('Found the following variables in configuration:');
    expect(stdout).toMatch(/SECRET +mine +environment +no/);
    expect(stdout).toMatch(/TAG +1 +compose file +no +1/);
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining('operation cancelled by user')]);
  }
});

test('up goes on to the engine with a yes', async () => {
  const reference = publish('vars', 'services: {web: {image: "x:${TAG:-1}"}}\n');
  expect((await run(['-f', reference, 'up', '-d'], 'y\n')).stderr).toContain('nobody.sock');
  const { stdout, stderr } = await run(['-f', reference, 'up', '-d', '--yes']);
  expect(stderr).toContain('nobody.sock');
  expect(stdout).toContain(`Your compose stack "${reference}" is stored in "${folder}/cache/tscompose/remote/oci/`);
});

test('up asks whether what a remote project includes is trusted', async () => {
  const inner = publish('inner', 'services: {db: {image: x}}\n');
  const outer = publish('outer', `include: ["${inner}"]\nservices: {web: {image: x}}\n`);
  const { exitCode, stdout } = await run(['-f', outer, 'up', '-d'], 'n\n');
  expect(stdout).toContain(`  - ${inner}\n`);
  expect(exitCode).toBe(1);
});

test('run asks as up does, and takes --yes', async () => {
  const reference = publish('run', 'services: {web: {image: "x:${TAG:-1}"}}\n');
  const { exitCode, stdout, stderr } = await run(['-f', reference, 'run', 'web'], 'n\n');
  expect(stdout).toContain('Found the following variables in configuration:');
  expect([exitCode, stderr]).toEqual([1, expect.stringContaining('operation cancelled by user')]);
  expect((await run(['-f', reference, 'run', '--yes', 'web'])).stderr).toContain('nobody.sock');
});
