import { existsSync, readFileSync, statSync } from 'node:fs';
import { expect, test } from 'vitest';
import { EngineProcess } from './engine-process.js';

const soon = () => AbortSignal.timeout(10_000);

test('an engine tells when it serves, on a socket for its user alone', async () => {
  await using engine = new EngineProcess();
  const readiness = await engine.start();
  expect(readiness).toEqual({ ready: true, pid: engine.pid, socket: engine.socket });
  expect(statSync(engine.socket).mode & 0o777).toBe(0o600);
  expect(readFileSync(`${engine.runtimeDir}/engine.pid`, 'utf8')).toBe(`${engine.pid}\n`);
  expect(await engine.client.status(soon())).toMatchObject({
    pid: engine.pid,
    dataRoot: engine.dataRoot,
    containersRunning: 0,
    apiVersion: '1.47',
  });
});

test('a second engine on the same folders is refused and told who has them', async () => {
  await using engine = new EngineProcess();
  await engine.start();
  const second = new EngineProcess({
    TSCOMPOSE_DATA_ROOT: engine.dataRoot,
    TSCOMPOSE_RUNTIME_DIR: `${engine.folder}/other`,
  });
  const readiness = await second.start();
  expect(readiness).toMatchObject({ error: { code: 'engine/locked' } });
  expect('error' in readiness && readiness.error.message).toContain(`process ${engine.pid}`);
  await second[Symbol.asyncDispose]();
  await engine.client.ping(soon());
});

test('a socket left by a killed engine is replaced by the next one', async () => {
  await using engine = new EngineProcess();
  await engine.start();
  await engine.kill('SIGKILL');
  expect(existsSync(engine.socket)).toBe(true);
  await engine.start();
  await engine.client.ping(soon());
});

test.each(['SIGTERM', 'SIGINT'] as const)(
  '%s ends it in order: exit code 0, socket and pid file gone',
  async (signal) => {
    await using engine = new EngineProcess();
    await engine.start();
    await engine.kill(signal);
    expect(await engine.ended()).toEqual({ exitCode: 0, signal: null });
    expect([existsSync(engine.socket), existsSync(`${engine.runtimeDir}/engine.pid`)]).toEqual([false, false]);
  },
);

test('it ends when told over the API', async () => {
  await using engine = new EngineProcess();
  await engine.start();
  await engine.client.shutdown(soon());
  expect(await engine.ended()).toEqual({ exitCode: 0, signal: null });
});

test('it ends by itself when nobody asks and nothing runs, and not before', async () => {
  await using engine = new EngineProcess({ TSCOMPOSE_IDLE_TIMEOUT: '1' });
  await engine.start();
  const controller = new AbortController();
  const events = engine.client.events({}, controller.signal);
  await events.opened;
  await new Promise((resolve) => setTimeout(resolve, 2_500)); // two times over: a follower keeps it
  await engine.client.ping(soon());
  controller.abort();
  expect(await engine.ended()).toEqual({ exitCode: 0, signal: null });
});
