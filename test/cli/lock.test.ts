import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { digestOf, RegistryServer } from '../support/registry-server.js';
import { runCli } from '../support/run-cli.js';
import { addImage } from '../support/signed.js';
import { folderPerTest } from '../support/test-folder.js';

const registry = new RegistryServer();
let folder = '';
beforeAll(() => registry.listen());
afterAll(() => registry.close());
folderPerTest((path) => (folder = path));

/** Without an engine: what has no builds and is in a registry needs none. */
const run = (...args: string[]) => {
  const env = { XDG_CACHE_HOME: join(folder, 'cache'), DOCKER_HOST: `unix://${folder}/nobody.sock` };
  return runCli(args, { cwd: folder, env });
};
const write = (name: string, text: string): void => writeFileSync(join(folder, name), text);
const lock = (): string => readFileSync(join(folder, 'compose.lock'), 'utf8');

function addIndex(repository: string, platforms: readonly (readonly [string, string, string?])[]): string[] {
  const digests = platforms.map(([, architecture, variant = '']) =>
    addImage(registry, repository, `${architecture}${variant}`, architecture + variant),
  );
  const manifests = platforms.map(([os, architecture, variant], index) => ({
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    digest: digests[index],
    size: registry.manifests.get(repository)?.get(digests[index] ?? '')?.bytes.length,
    platform: { os, architecture, ...(variant === undefined ? {} : { variant }) },
  }));
  const mediaType = 'application/vnd.oci.image.index.v1+json';
  const { digest } = registry.addManifest(repository, '1', { schemaVersion: 2, mediaType, manifests });
  return [digest, ...digests];
}

test('lock has the digest of an index and of each platform in it, and leaves attestations out', async () => {
  const digests = addIndex('multi', [
    ['linux', 'arm', 'v7'],
    ['linux', 'amd64'],
    ['unknown', 'unknown'],
  ]);
  const [index, arm, amd] = digests;
  write('compose.yaml', `services:\n  web: {image: "${registry.host}/multi:1"}\n`);
  expect(await run('lock')).toMatchObject({
    exitCode: 0,
    stdout: `+ web  image ${registry.host}/multi:1  ${index ?? ''}\n`,
  });
  expect(lock()).toContain(
    `        digest: ${index ?? ''}\n        platforms:\n          linux/amd64: ${amd ?? ''}\n          linux/arm/v7: ${arm ?? ''}\n`,
  );
  expect(lock()).not.toContain('unknown');
});

test('lock says of every service at once what could not be reached, and writes nothing', async () => {
  write('compose.yaml', 'services:\n  a: {image: "127.0.0.1:9/a"}\n  b: {image: "127.0.0.1:9/b:2"}\n');
  const { exitCode, stderr } = await run('lock');
  expect(exitCode).toBe(1);
  expect(stderr).toMatch(
    /compose\.yaml:2:14: cannot lock 127\.0\.0\.1:9\/a:latest of service "a": cannot reach the registry/,
  );
  expect(stderr).toMatch(/compose\.yaml:3:14: cannot lock 127\.0\.0\.1:9\/b:2 of service "b"/);
  expect(() => lock()).toThrow('ENOENT');
});

test('compose files from elsewhere stay what they were, until lock renews them', async () => {
  const publish = (text: string): string => {
    const file = { mediaType: 'application/vnd.docker.compose.file+yaml', ...registry.addBlob(Buffer.from(text)) };
    registry.addManifest('far', '1', {
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      ...{ schemaVersion: 2, artifactType: 'application/vnd.docker.compose.project' },
      config: { mediaType: 'application/vnd.oci.empty.v1+json', ...registry.addBlob(Buffer.from('{}')) },
      layers: [file],
    });
    return digestOf(registry.manifests.get('far')?.get('1')?.bytes ?? Buffer.alloc(0));
  };
  addImage(registry, 'old', '1');
  addImage(registry, 'new', '1');
  const reference = `oci://${registry.host}/far:1`;
  const digest = publish(`services: {far: {image: "${registry.host}/old:1"}}\n`);
  write('compose.yaml', `include: ["${reference}"]\nservices: {web: {image: "${registry.host}/old:1"}}\n`);
  expect((await run('lock')).exitCode).toBe(0);
  expect(lock()).toContain(`remotes:\n  ${reference}: ${digest}\n`);
  const renewed = publish(`services: {far: {image: "${registry.host}/new:1"}}\n`);
  expect((await run('config', '--images')).stdout).not.toContain('new');
  expect((await run('-f', reference, 'config', '--images')).stdout).toBe(`${registry.host}/old:1\n`);
  expect(await run('lock', '--diff')).toMatchObject({
    exitCode: 2,
    stdout: expect.stringContaining(`~ file ${reference}  ${digest} → ${renewed}\n`) as string,
  });
  await run('lock');
  expect((await run('config', '--images')).stdout).toContain('new');
});

test('build --print has the bases of compose.lock as contexts of buildx', async () => {
  const [registered, here] = ['a', 'b'].map((digit) => `sha256:${digit.repeat(64)}`);
  write(
    'compose.yaml',
    'services:\n  web: {build: {context: ., additional_contexts: {other: "docker-image://alpine"}}}\n',
  );
  write(
    'compose.lock',
    `version: 1\nservices:\n  web:\n    bases:\n      node:20: {digest: ${registered ?? ''}}\n      busybox:latest: {local: ${here ?? ''}}\n`,
  );
  const { stdout } = await run('build', '--print');
  expect((JSON.parse(stdout) as { target: { web: { contexts: unknown } } }).target.web.contexts).toEqual({
    'node:20': `docker-image://node:20@${registered ?? ''}`,
    other: 'docker-image://alpine',
  });
});
