import { request } from 'node:http';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { engineMissing, EngineSandbox } from '../../support/engine-sandbox.js';
import { RegistryServer } from '../../support/registry-server.js';
import { keyPair } from '../../support/signed.js';

/** The tests are one story: what the engine has when one begins is what those before it left. */
describe.skipIf(engineMissing() !== undefined)('a trust policy', () => {
  const registry = new RegistryServer();
  const folder = mkdtempSync(join(tmpdir(), 'tsc-trust-'));
  const policyFile = join(folder, 'trust.yaml');
  const password = { TSCOMPOSE_KEY_PASSWORD: 'secret' };
  let sandbox: EngineSandbox;
  let cwd: string;
  let image: string;

  beforeAll(async () => {
    await registry.listen();
    image = `${registry.host}/team/app:1`;
    writePolicy('version: 1');
    writeFileSync(join(folder, 'other.pub'), keyPair().publicPem);
    sandbox = await new EngineSandbox({ TSCOMPOSE_TRUST_POLICY: policyFile }).withBusybox();
    cwd = sandbox.project('trust', {
      'compose.yaml': `
name: trust
services:
  app: {image: "${image}", command: cat /made}
  mounts: {image: busybox, volumes: [{type: image, source: "${image}", target: /mnt}], command: cat /mnt/made}
  derived: {build: {context: ., dockerfile_inline: "FROM ${image}\\nRUN cat /made"}}
  copied: {build: {context: ., dockerfile_inline: "FROM busybox\\nCOPY --from=${image} /made /taken"}}
`,
      'push/compose.yaml': `
name: push
services:
  app:
    image: ${image}
    build: {context: ., dockerfile_inline: "FROM busybox\\nRUN echo made > /made"}
`,
    });
    await sandbox.ok(['image', 'keygen', join(folder, 'team')], { env: password });
    await sandbox.ok([
      '--project-directory',
      join(cwd, 'push'),
      '-f',
      join(cwd, 'push/compose.yaml'),
      'build',
      '--push',
    ]);
  });

  afterAll(async () => {
    await sandbox[Symbol.asyncDispose]();
    await registry.close();
    rmSync(folder, { recursive: true });
  });

  const writePolicy = (text: string): void => writeFileSync(policyFile, `${text}\n`, { mode: 0o600 });
  const signedBy = (key: string): string =>
    `version: 1\nrules:\n  - images: ${registry.host}/team/*\n    signedBy: ${key}`;
  const run = (...args: string[]) => sandbox.run(args, { cwd });
  const ok = (...args: string[]) => sandbox.ok(args, { cwd });
  const forget = () => removeImage(image);

  async function engine(method: string, path: string, body?: unknown): Promise<{ status: number; text: string }> {
    const { socket: socketPath } = await sandbox.status();
    return await new Promise((resolve, reject) => {
      const headers = { 'content-type': 'application/json' };
      const asked = request({ socketPath, method, path, headers }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (part: string) => (text += part));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
      });
      asked.on('error', reject).end(body === undefined ? undefined : JSON.stringify(body));
    });
  }
  const create = (name: string) => engine('POST', '/containers/create', { Image: name, Cmd: ['true'] });
  const removeImage = (name: string) => engine('DELETE', `/images/${name}?force=true`);

  test('leaves what was built here to whoever built it, even once it is pushed', async () => {
    writePolicy(signedBy('team.pub'));
    expect(await ok('run', '--rm', '-T', 'app')).toBe('made\n');
  });

  test('keeps an image from being pulled that nobody has signed', async () => {
    await forget();
    const { exitCode, stderr } = await run('up', 'app');
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining(`${policyFile}:3`)]);
    expect(stderr).toContain(`wants a signature by ${join(folder, 'team.pub')}, and there is none`);
    expect((await engine('GET', `/images/${image}/json`)).status).toBe(404);
  });

  test('that is younger than an image still keeps it from being used, by whatever client and in whatever way', async () => {
    writePolicy('version: 1');
    await ok('pull', 'app');
    const { Id } = JSON.parse((await engine('GET', `/images/${image}/json`)).text) as { Id: string };
    expect((await engine('POST', `/images/${image}/tag?repo=harmless&tag=1`)).status).toBe(201);
    writePolicy(signedBy('team.pub'));
    for (const name of [image, Id, Id.slice(7, 19), 'harmless:1']) {
      const { status, text } = await create(name);
      expect([name, status, text]).toEqual([name, 403, expect.stringContaining('wants a signature by')]);
    }
    expect(await run('create', 'mounts')).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('is refused: the rule for') as string,
    });
    expect((await engine('POST', `/images/busybox/tag?repo=${registry.host}/team/local&tag=1`)).status).toBe(201);
    expect((await create(`${registry.host}/team/local:1`)).status).toBe(201); // no registry has it
  });

  test('keeps builds from such bases and from their files', async () => {
    expect(await run('build')).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(/compose\.yaml:\d+:\d+: cannot build service[^]*wants a signature by/) as string,
    });
    expect((await run('build', 'copied')).stderr).toContain('wants a signature by');
  });

  test('is content with a signature made by image sign, which a container needs no registry for later', async () => {
    const sign = ['image', 'sign', '--key', join(folder, 'team.key'), image];
    expect(await sandbox.run(sign, { cwd })).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('TSCOMPOSE_KEY_PASSWORD') as string,
    });
    const pinned = await sandbox.ok(sign, { env: password });
    expect(pinned).toMatch(/^127\.0\.0\.1:\d+\/team\/app@sha256:[0-9a-f]{64}\n$/);
    expect(await ok('image', 'verify', '--key', join(folder, 'team.pub'), image)).toBe(pinned);
    expect(await run('image', 'verify', '--key', join(folder, 'other.pub'), image)).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('by another key') as string,
    });

    expect(await ok('run', '--rm', '-T', 'app')).toBe('made\n'); // signed since it was pulled: asked for now
    await forget();
    await removeImage('harmless:1');
    await ok('pull', 'app');
    registry.misbehave = (_, response) => {
      response.writeHead(503).end();
      return true;
    };
    registry.requests.length = 0;
    expect(await ok('run', '--rm', '-T', 'app')).toBe('made\n');
    await ok('build', 'derived', 'copied');
    expect(registry.requests).toEqual([]);
    registry.misbehave = () => false;
  });

  test('with another key, or that cannot be read, lets what is here be used no more', async () => {
    writePolicy(signedBy('other.pub'));
    expect((await create(image)).text).toContain('by another key');
    writePolicy('version: 1\nrules: [{images: "**", refuse: true}]');
    expect((await create(image)).text).toContain('lets no such image in');
    writePolicy('version: 1\nrules: nonsense');
    expect((await create(image)).text).toContain('cannot use the trust policy');
    expect(await run('pull', 'app')).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('"rules" is not a list') as string,
    });
    expect((await create('busybox')).status).toBe(201); // came with no registry's word
    rmSync(policyFile);
    expect((await create(image)).text).toContain('it is not there');
    writePolicy(signedBy('team.pub'));
    expect((await create(image)).status).toBe(201);
  });
});
