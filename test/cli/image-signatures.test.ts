import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { RegistryServer } from '../support/registry-server.js';
import { cliPath, runCli } from '../support/run-cli.js';
import { addImage } from '../support/signed.js';
import { folderPerTest } from '../support/test-folder.js';

const registry = new RegistryServer();
let folder = '';
beforeAll(() => registry.listen());
afterAll(() => registry.close());
folderPerTest((path) => (folder = path));

const password = { TSCOMPOSE_KEY_PASSWORD: 'secret' };
const run = (args: readonly string[], env: Record<string, string> = {}) => runCli(args, { cwd: folder, env });
const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });

test('image keygen makes a pair that openssl can use, and writes over none', async () => {
  expect((await run(['--dry-run', 'image', 'keygen', 'team'])).stdout).toBe('would write team.key and team.pub\n');
  expect(await run(['image', 'keygen', 'team'], password)).toMatchObject({
    exitCode: 0,
    stdout: 'team.key\nteam.pub\n',
  });
  expect(statSync(join(folder, 'team.key')).mode & 0o777).toBe(0o600);
  openssl('pkey', '-in', 'team.key', '-passin', 'pass:secret', '-pubout', '-out', 'by-openssl.pub');
  expect(readFileSync(join(folder, 'by-openssl.pub'))).toEqual(readFileSync(join(folder, 'team.pub')));
  expect(await run(['image', 'keygen', 'team'], password)).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining('not written over') as string,
  });
  writeFileSync(join(folder, 'half.pub'), '');
  expect(await run(['image', 'keygen', 'half'], password)).toMatchObject({ exitCode: 1, stdout: '' });
  expect(existsSync(join(folder, 'half.key'))).toBe(false);
  expect(await run(['image', 'keygen', '--no-password', 'open'])).toMatchObject({ exitCode: 0 });
  expect(readFileSync(join(folder, 'open.key'), 'utf8')).toContain('BEGIN PRIVATE KEY');
});

test('image sign takes keys of openssl’s making, and image verify what it has signed', async () => {
  openssl('genpkey', '-algorithm', 'ed25519', '-aes256', '-pass', 'pass:secret', '-out', 'team.key');
  openssl('pkey', '-in', 'team.key', '-passin', 'pass:secret', '-pubout', '-out', 'team.pub');
  const digest = addImage(registry, 'team/app', '1');
  const image = `${registry.host}/team/app:1`;
  const dry = await run(['--dry-run', 'image', 'sign', '--key', 'team.key', image], password);
  expect(dry.stdout).toBe(`would sign ${registry.host}/team/app@${digest}\n`);
  expect(await run(['image', 'verify', '--key', 'team.pub', image])).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining('has no good signature by team.pub: it has none') as string,
  });
  expect(await run(['image', 'sign', '--key', 'team.key', image], { TSCOMPOSE_KEY_PASSWORD: 'guess' })).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining('the password is wrong') as string,
  });
  expect(await run(['image', 'sign', '--key', 'team.key', image], password)).toMatchObject({
    exitCode: 0,
    stdout: `${registry.host}/team/app@${digest}\n`,
  });
  expect(await run(['image', 'verify', '--key', 'team.pub', image])).toMatchObject({ exitCode: 0 });
  addImage(registry, 'team/app', '1', 'moved');
  expect((await run(['image', 'verify', '--key', 'team.pub', image])).exitCode).toBe(1);
});

test('what image sign signs can be checked with nothing but openssl', async () => {
  await run(['image', 'keygen', 'team'], password);
  const digest = addImage(registry, 'team/other', '1');
  await run(['image', 'sign', '--key', 'team.key', `${registry.host}/team/other@${digest}`], password);
  const manifest =
    registry.manifests
      .get('team/other')
      ?.get(`${digest.replace(':', '-')}.sig`)
      ?.bytes.toString() ?? '';
  const [layer] = (JSON.parse(manifest) as { layers: { digest: string; annotations: Record<string, string> }[] })
    .layers;
  const payload = registry.blobs.get(layer?.digest ?? '') ?? Buffer.alloc(0);
  const signature = Buffer.from(layer?.annotations['dev.cosignproject.cosign/signature'] ?? '', 'base64');
  const files = { 'payload.json': payload, 'payload.sig': signature };
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(folder, name), bytes);
  const checked = openssl('dgst', '-sha256', '-verify', 'team.pub', '-signature', 'payload.sig', 'payload.json');
  expect(checked.toString()).toContain('Verified OK');
  expect(JSON.parse(payload.toString())).toEqual({
    critical: {
      identity: { 'docker-reference': `${registry.host}/team/other` },
      image: { 'docker-manifest-digest': digest },
      type: 'cosign container image signature',
    },
    optional: null,
  });
});

test('a password is asked for on a terminal, which does not show it', async () => {
  await run(['image', 'keygen', 'team'], password);
  addImage(registry, 'team/third', '1');
  const words = ['image', 'sign', '--key', 'team.key', `${registry.host}/team/third:1`];
  // script(1) gives it a terminal.
  const child = spawn('script', ['-qec', [cliPath, ...words].join(' '), '/dev/null'], {
    cwd: folder,
    env: { PATH: process.env['PATH'], DOCKER_CONFIG: folder, TSCOMPOSE_COMMAND_SERVER: '0' },
    timeout: 20_000,
  });
  let said = '';
  let answered = false;
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
    if (answered || !said.includes('Password of team.key: ')) return;
    answered = true;
    child.stdin.write('secretly\x7f\x7f\r');
  });
  await once(child, 'close');
  expect(said).toMatch(/team\/third@sha256:[0-9a-f]{64}/);
  expect(said).not.toContain('secret');
  expect((await run(words)).stderr).toContain('TSCOMPOSE_KEY_PASSWORD');
});
