import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { HealthConfig, HealthState } from '../../../src/api/container.js';
import { eventually } from '../../support/engine-sandbox.js';
import { Engine, missing, soon } from './support.js';

const second = 1_000_000_000;

describe.skipIf(missing !== undefined)('native health probes', () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await Engine.open();
  });
  afterEach(() => engine.removeAll());
  afterAll(() => engine[Symbol.asyncDispose]());

  const startProbed = (script: string, health: HealthConfig, binds: string[] = []): Promise<string> =>
    engine.start({
      Cmd: ['sh', '-c', script],
      Healthcheck: { Interval: 60 * second, ...health },
      HostConfig: { NetworkMode: 'none', Binds: binds },
    });
  const healthOf = async (id: string): Promise<HealthState | undefined> =>
    (await engine.containers.inspect(id, { size: false })).State.Health;
  /** What a script does once it is told to go on. */
  const onceTold = (script: string): string => `until test -e /go; do sleep 0.05; done; ${script}`;
  const tell = (id: string) => engine.exec(id, ['touch', '/go']);
  const isRefused = (id: string) =>
    eventually('a probe', async () => ((await healthOf(id))?.Log.length ?? 0) > 0, 30_000);
  /** Resolves with the event that tells of it, or at once. */
  const becomes = async (id: string, status: string): Promise<HealthState | undefined> => {
    const leaving = new AbortController();
    const filters = { container: [id], event: [`health_status: ${status}`] };
    const events = engine.rooms.events.subscribe({ filters }, AbortSignal.any([soon(), leaving.signal]));
    try {
      if ((await healthOf(id))?.Status !== status) await events[Symbol.asyncIterator]().next();
    } finally {
      leaving.abort();
    }
    const state = await healthOf(id);
    expect(state?.Status).toBe(status);
    return state;
  };

  test('HTTP: healthy as soon as the status is in the range, long before the interval is over', async () => {
    const serve = onceTold('mkdir /www; echo fine >/www/health; httpd -f -p 8080 -h /www');
    const begun = performance.now();
    const id = await startProbed(serve, { Test: ['HTTP', 'GET :8080/health', '200-399'] });
    await isRefused(id);
    expect(await healthOf(id)).toMatchObject({ Status: 'starting' });
    await tell(id);
    const { Log, FailingStreak } = (await becomes(id, 'healthy')) ?? {};
    expect(performance.now() - begun).toBeLessThan(30_000);
    expect(FailingStreak).toBe(0);
    expect(Log?.at(-1)).toMatchObject({ ExitCode: 0, Output: 'GET http://127.0.0.1:8080/health: 200\nfine\n' });
    expect(Log?.at(0)).toMatchObject({ ExitCode: 1, Output: 'GET http://127.0.0.1:8080/health: ECONNREFUSED' });
  });

  test('HTTP: another status is a failure, and as many of them as retries make it unhealthy', async () => {
    const health = { Test: ['HTTP', ':8080/nothing'], Interval: second / 5, Retries: 3 };
    const begun = performance.now();
    const id = await startProbed('mkdir /www; httpd -f -p 8080 -h /www', health);
    const { Log, FailingStreak } = (await becomes(id, 'unhealthy')) ?? {};
    expect(performance.now() - begun).toBeGreaterThan(500); // three intervals, however many probes there were
    expect(FailingStreak).toBe(3);
    expect(Log?.at(-1)).toMatchObject({ ExitCode: 1 });
    const told = 'GET http://127.0.0.1:8080/nothing: 404\n'; // unless all came before it served
    await eventually('another status', async () => (await healthOf(id))?.Log.at(-1)?.Output.startsWith(told) === true);
  });

  test('TCP: healthy when the port is open inside, whoever listens outside', async () => {
    await using outside = createServer().listen(0, '127.0.0.1');
    await once(outside, 'listening');
    const address = outside.address();
    const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
    const closed = await startProbed('sleep 100', {
      ...{ Test: ['TCP', `:${port}`], Interval: second / 10, Retries: 2 },
    });
    expect((await becomes(closed, 'unhealthy'))?.Log.at(-1)?.Output).toBe(`TCP 127.0.0.1:${port}: ECONNREFUSED`);
    const open = await startProbed(`sleep 0.2; nc -ll -p ${port} -e true`, { Test: ['TCP', `:${port}`] });
    await becomes(open, 'healthy');
  });

  test('UNIX: the path is the container’s, links in it too', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tsc-probe-'));
    await using server = createServer((socket) => socket.end()).listen(join(folder, 'app.sock'));
    await once(server, 'listening');
    const health = { Test: ['UNIX', '/linked.sock'] };
    const link = onceTold('ln -s /shared/app.sock /linked.sock; sleep 100');
    const id = await startProbed(link, health, [`${folder}:/shared`]);
    await isRefused(id);
    await tell(id);
    expect((await becomes(id, 'healthy'))?.Log.at(0)?.Output).toMatch(/^UNIX \/linked\.sock: ENOENT/);
    await engine.removeAll();
    rmSync(folder, { recursive: true });
  });

  test('LOG: healthy with the first line of the run that matches, at once and for good', async () => {
    const first = `touch /again; echo ready 1; ${onceTold('exit 3')}`;
    const script = `test -e /again || { ${first}; }; sleep 0.3; printf "rea" >&2; echo dy 2 >&2; sleep 100`;
    const id = await engine.start({
      Cmd: ['sh', '-c', script],
      Healthcheck: { Test: ['LOG', '^ready \\d$'], Interval: 60 * second },
      HostConfig: { RestartPolicy: { Name: 'on-failure' } },
    });
    expect((await becomes(id, 'healthy'))?.Log.at(-1)).toMatchObject({ ExitCode: 0, Output: 'ready 1' });
    await tell(id);
    const last = async () => (await healthOf(id))?.Log.at(-1);
    await eventually('the next run to be healthy', async () => (await last())?.Output === 'ready 2');
    expect(await last()).toMatchObject({ ExitCode: 0 });
  });

  test('LOG: a pattern that never ends is a failure, and the engine goes on', async () => {
    const id = await startProbed('echo aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab; sleep 100', {
      ...{ Test: ['LOG', '^(a+)+$'], Interval: second / 10, Retries: 2 },
    });
    expect((await becomes(id, 'unhealthy'))?.Log.at(-1)?.Output).toBe('the pattern takes too long');
  });

  test('a healthy container is still healthy for the next engine', async () => {
    const health = { Test: ['LOG', 'ready'] };
    const id = await startProbed('echo ready; sleep 100', health);
    await becomes(id, 'healthy');
    await engine.reopen();
    expect(await healthOf(id)).toMatchObject({ Status: 'healthy' });
  });

  test('a failing service is noticed after it was healthy', async () => {
    const health = { Test: ['TCP', ':80'], Interval: second / 5, Retries: 2 };
    const id = await startProbed(`nc -ll -p 80 -e true & ${onceTold('kill $!; sleep 100')}`, health);
    await becomes(id, 'healthy');
    await tell(id);
    expect(await becomes(id, 'unhealthy')).toMatchObject({ FailingStreak: 2 });
  });

  test('a probe that cannot be meant is refused when the container is created', async () => {
    await expect(engine.create({ Healthcheck: { Test: ['TCP', 'db'] } })).rejects.toMatchObject({
      code: 'container/invalid-config',
      message: 'db is no address: write it as ":5432"',
    });
  });
});
