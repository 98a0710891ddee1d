import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { engineMissing, eventually } from '../../support/engine-sandbox.js';
import { hostStateOnce, leftBehind, readHostState } from '../../support/host-state.js';
import { EngineProcess } from '../server/engine-process.js';
import { figuresOf, inParallel, report, sizeFrom } from './figures.js';

/** `TSCOMPOSE_SHORT_LIVED=10000` is the full size, which takes some ten minutes. */
const count = sizeFrom('TSCOMPOSE_SHORT_LIVED', 60);
const batch = Math.max(20, Math.ceil(count / 20));
const longMs = 120_000 + count * 400;
const soon = () => AbortSignal.timeout(longMs);

describe.skipIf(engineMissing() !== undefined)(`${count} short-lived containers`, () => {
  const engine = new EngineProcess({ TSCOMPOSE_IDLE_TIMEOUT: '600' });

  beforeAll(async () => {
    await engine.start();
    await engine.withBusybox();
    await engine.client.networks.create({ Name: 'brief', Driver: 'bridge' }, soon());
  });
  afterAll(() => engine[Symbol.asyncDispose](), longMs);

  /** A third each ends by itself, is removed by itself, and is killed; with a port, a volume and a health check. */
  const live = async (index: number): Promise<void> => {
    const { containers } = engine.client;
    const autoRemove = index % 3 === 0;
    const killed = index % 3 === 1;
    const request = {
      Image: 'busybox',
      Cmd: killed ? ['sleep', '1000'] : ['sh', '-c', `echo ${index}; exit ${index % 7}`],
      ...(killed ? { Healthcheck: { Test: ['CMD', 'true'], Interval: 1_000_000_000 } } : {}),
      ...(index % 5 === 0 ? { Volumes: { '/data': {} }, ExposedPorts: { '80/tcp': {} } } : {}),
      HostConfig: {
        NetworkMode: 'brief',
        AutoRemove: autoRemove,
        ...(index % 5 === 0 ? { PortBindings: { '80/tcp': [{ HostIp: '127.0.0.1', HostPort: '' }] } } : {}),
      },
    };
    const { Id } = await containers.create(request, {}, soon());
    const { result } = await containers.beginWait(Id, { condition: autoRemove ? 'removed' : 'next-exit' }, soon());
    await containers.start(Id, soon());
    if (killed) await containers.kill(Id, { signal: 'KILL' }, soon());
    expect((await result).StatusCode).toBe(killed ? 137 : index % 7);
    if (!autoRemove) await containers.remove(Id, { force: true, volumes: true }, soon());
  };

  const filesBelow = (folder: string): number =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) => !path.startsWith('snapshots')).length;
  const nothingLeft = async (): Promise<boolean> => {
    const containers = await engine.client.containers.list({ all: true }, soon());
    return containers.length === 0 && readdirSync(join(engine.runtimeDir, 'b')).length === 0;
  };

  test(
    'leave nothing behind, and the engine as it was',
    async () => {
      await inParallel(
        Array.from({ length: batch }, (_, index) => index),
        4,
        live,
      ); // what is made once, is made here
      await eventually('the first batch is gone', nothingLeft);
      const host = readHostState();
      const folders = [join(engine.dataRoot, 'containers'), join(engine.dataRoot, 'volumes'), engine.runtimeDir];
      const files = folders.map(filesBelow);
      const first = figuresOf(engine.pid);
      const memory: number[] = [];
      const begun = performance.now();
      for (let from = 0; from < count; from += batch) {
        const indexes = Array.from({ length: Math.min(batch, count - from) }, (_, index) => from + index);
        await inParallel(indexes, 4, live);
        memory.push(figuresOf(engine.pid).residentKb >> 10);
      }
      const ms = (performance.now() - begun) / count;
      await eventually('the last batch is gone', nothingLeft);
      const last = figuresOf(engine.pid);
      report(`${count} short-lived containers`, {
        'ms each': ms.toFixed(1),
        'engine MB by batch': [first.residentKb >> 10, ...memory].join(' '),
        'open files before and after': `${first.files} ${last.files}`,
      });

      const after = await hostStateOnce(
        (state) => Object.keys(leftBehind(host, state, engine.engineId())).length === 0,
      );
      expect(leftBehind(host, after, engine.engineId())).toEqual({});
      expect(after.links.filter((name) => name.startsWith('tscv'))).toEqual([]);
      expect(folders.map(filesBelow)).toEqual(files);
      expect(last.files).toBeLessThanOrEqual(first.files + 4);
      expect(memory.at(-1)).toBeLessThan((first.residentKb >> 10) + 40);
    },
    longMs,
  );
});
