import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readlinkSync, rmdirSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { Machine } from '../../../src/cli/doctor/check.js';
import { checkDataRoot, checkOverlay } from '../../../src/cli/doctor/storage-checks.js';
import { eventually } from '../../support/engine-sandbox.js';
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
  expect(readiness).toMatchObject({ error: { code: 'engine/data-locked' } });
  expect('error' in readiness && readiness.error.message).toContain(`process ${engine.pid}`);
  await second[Symbol.asyncDispose]();
  await engine.client.ping(soon());
});

test('on a read-only file system the engine and doctor name it', async () => {
  const disk = mkdtempSync(join(tmpdir(), 'tsc-disk-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'ro', 'tmpfs', disk]);
  onTestFinished(() => {
    execFileSync('umount', [disk]);
    rmdirSync(disk);
  });
  await using engine = new EngineProcess({ TSCOMPOSE_DATA_ROOT: `${disk}/a/data` });
  const readiness = await engine.start();
  expect(readiness).toMatchObject({ error: { code: 'engine/bad-folder' } });
  expect('error' in readiness && readiness.error.message).toContain(`${disk} is on a read-only file system`);
  const machine: Machine = {
    ...{ dataRoot: `${disk}/a/data`, runtimeDir: engine.folder, isRoot: true },
    ...{ run: () => Promise.resolve({ kind: 'absent' }), read: () => undefined },
  };
  expect([await checkDataRoot(machine), await checkOverlay(machine)]).toMatchObject([
    { status: 'missing', found: `${disk} is not writable` },
    { status: 'warning', found: 'not tried' },
  ]);
});

test('of several started at once on the same folders one serves, and the others say why they do not', async () => {
  await using engine = new EngineProcess();
  const others = Array.from({ length: 3 }, () => new EngineProcess(engine.folders()));
  const answers = await Promise.all([engine, ...others].map((each) => each.start()));
  const codes = answers.map((answer) => ('error' in answer ? answer.error.code : 'serves'));
  expect(codes.sort()).toEqual(['engine/locked', 'engine/locked', 'engine/locked', 'serves']);
  for (const other of others) await other.stopAlone();
  await engine.stopAlone();
});

test('started without a mount namespace of its own it makes one, and passes signals on', async () => {
  await using engine = new EngineProcess();
  await engine.start({}, 'plain');
  const { pid } = await engine.client.status(soon());
  expect(pid).not.toBe(engine.pid);
  expect(readlinkSync(`/proc/${pid}/ns/mnt`)).not.toBe(readlinkSync('/proc/self/ns/mnt'));
  expect(readFileSync(`/proc/${pid}/mountinfo`, 'utf8')).not.toMatch(/ shared:/);
  await engine.kill('SIGTERM');
  expect(await engine.ended()).toEqual({ exitCode: 0, signal: null });
});

test('folders with paths longer than a socket address work', async () => {
  await using outer = new EngineProcess();
  const runtimeDir = join(outer.folder, 'a-name-of-forty-characters-as-people-have'.repeat(3));
  await using engine = new EngineProcess({ TSCOMPOSE_RUNTIME_DIR: runtimeDir });
  expect(await engine.start()).toMatchObject({ ready: true });
  expect(await engine.client.status(soon())).toMatchObject({ runtimeDir, socket: `${runtimeDir}/engine.sock` });
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
  const controller = new AbortController();
  await eventually('a follower', async () => {
    await engine.start();
    const { opened } = engine.client.events({}, controller.signal);
    const isThere = await opened.then(() => true).catch(() => false);
    if (!isThere) await engine.kill(); // it had ended before we came
    return isThere;
  });
  await new Promise((resolve) => setTimeout(resolve, 2_500)); // two times over: a follower keeps it
  await engine.client.ping(soon());
  controller.abort();
  expect(await engine.ended()).toEqual({ exitCode: 0, signal: null });
});
