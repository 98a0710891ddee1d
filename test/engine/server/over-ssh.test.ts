import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { connectEngine } from '../../../src/client/index.js';
import { EngineProcess } from './engine-process.js';

const cli = fileURLToPath(new URL('../../../dist/tscompose.cjs', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'over-ssh-'));
const engine = new EngineProcess();
const notFound = /ssh failed: .*tscompose.*not found/;
const ping = 'GET /_ping HTTP/1.1\r\nHost: engine\r\nConnection: close\r\n\r\n';

/** A host one logs in to: an `ssh` that runs what it is told right here, where only tscompose is installed. */
beforeAll(async () => {
  await engine.start();
  await engine.withBusybox();
  mkdirSync(join(folder, 'bin'));
  const own = Object.entries(engine.folders()).map(([name, value]) => `export ${name}='${value}'`);
  const ssh = ['#!/bin/sh', `echo "$@" >> ${folder}/said`, ...own, 'while [ "$1" != -- ]; do shift; done; shift 2'];
  writeFileSync(join(folder, 'bin/ssh'), [...ssh, `PATH=${folder}/bin exec sh -c "$*"`, ''].join('\n'));
  chmodSync(join(folder, 'bin/ssh'), 0o755);
  writeFileSync(join(folder, 'bin/tscompose'), `#!/bin/sh\nexec ${process.execPath} ${cli} "$@"\n`);
  chmodSync(join(folder, 'bin/tscompose'), 0o755);
  symlinkSync('/bin/sh', join(folder, 'bin/sh'));
}, 60_000);

afterAll(async () => {
  await engine[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

test('an engine is reached where only tscompose is installed, with the end of input as its own event', async () => {
  vi.stubEnv('PATH', `${folder}/bin:${process.env['PATH'] ?? ''}`);
  const signal = AbortSignal.timeout(30_000);
  const client = connectEngine({ host: 'ssh://me@there:2222' });
  try {
    const request = { Image: 'busybox', Cmd: ['sleep', '1000'] };
    const { Id } = await client.containers.create({ ...request, HostConfig: {} }, {}, signal);
    await client.containers.start(Id, signal);
    const exec = await client.exec.create(
      Id,
      { Cmd: ['wc', '-c'], AttachStdin: true, AttachStdout: true, AttachStderr: true },
      signal,
    );
    const { input, output } = await client.exec.start(exec.Id, {}, signal);
    input.end(Buffer.alloc(300_000)); // wc speaks only once its input has ended
    let said = '';
    for await (const { payload } of output) said += payload.toString();
    expect(said).toBe('300000\n');
    await client.containers.remove(Id, { force: true }, signal);
    expect(readFileSync(join(folder, 'said'), 'utf8')).toContain('-T -p 2222 -- me@there sh -c');
  } finally {
    client.close();
    vi.unstubAllEnvs();
  }
});

test('a host with neither docker nor tscompose says so', async () => {
  vi.stubEnv('PATH', `${folder}/bin:${process.env['PATH'] ?? ''}`);
  rmSync(join(folder, 'bin/tscompose'));
  const client = connectEngine({ host: 'ssh://there' });
  const failure: unknown = await client.ping(AbortSignal.timeout(10_000)).catch((error: unknown) => error);
  expect(failure).toMatchObject({ code: 'engine/unreachable' });
  expect(failure instanceof Error ? failure.cause : undefined).toMatchObject({
    message: expect.stringMatching(notFound) as string,
  });
  client.close();
  vi.unstubAllEnvs();
});

test('system dial-stdio joins its streams to the socket, and ends with the answer', () => {
  const env = { ...process.env, ...engine.folders(), DOCKER_HOST: '' };
  const answer = execFileSync(process.execPath, [cli, 'system', 'dial-stdio'], { input: ping, env, encoding: 'utf8' });
  expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\nOK$/);
});

const docker = process.env['TSCOMPOSE_DOCKER_CLI'] ?? 'docker';

test.skipIf(spawnSync(docker, ['--version']).error !== undefined)('and that of the docker CLI does, too', () => {
  const env = { ...process.env, DOCKER_HOST: engine.host };
  const answer = execFileSync(docker, ['system', 'dial-stdio'], { input: ping, env, encoding: 'utf8' });
  expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\nOK$/);
});
