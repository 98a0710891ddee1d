import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { ContainerInspect, HealthConfig, RestartPolicy } from '../../../src/api/container.js';
import type { ServiceNeed, ServiceNode } from '../../../src/api/tscompose.js';
import type { ContainerRecord } from '../../../src/engine/containers/record.js';
import { isAlive, listMountPoints, unmount } from '../../../src/engine/sys/index.js';
import { eventually } from '../../support/engine-sandbox.js';
import { Engine, missing, soon } from './support.js';

const always: RestartPolicy = { Name: 'always' };
const checked: HealthConfig = { Test: ['CMD', 'stat', '/dev/shm/ready'], Interval: 50e6, Retries: 200 };
/** Ready after a moment, in each run anew. */
const slowly = 'sleep 0.4; touch /dev/shm/ready; exec sleep 600';

interface Wanted {
  readonly sh?: string;
  readonly health?: HealthConfig;
  readonly policy?: RestartPolicy;
}

function node(
  needs: readonly (Partial<ServiceNeed> & { service: string })[],
  more: Partial<ServiceNode> = {},
): ServiceNode {
  const full = needs.map(
    (need) => ({ condition: 'service_started', required: true, restart: false, ...need }) as const,
  );
  return { needs: full, restartUnhealthy: false, restartWithDependencies: false, ...more };
}

describe.skipIf(missing !== undefined)(`a project's graph in the engine (needs ${missing ?? 'nothing more'})`, () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await Engine.open();
  });
  afterEach(async () => {
    await engine.removeAll();
  });
  afterAll(async () => {
    await engine[Symbol.asyncDispose]();
  });

  const inspect = (service: string): Promise<ContainerInspect> =>
    engine.containers.inspect(`p-${service}-1`, { size: false });
  const status = async (service: string) => (await inspect(service)).State.Status;
  const waitOf = async (service: string) => (await inspect(service)).Tscompose?.StartWait;
  const startedAt = async (service: string) => Date.parse((await inspect(service)).State.StartedAt);
  const runs = (...services: string[]) =>
    eventually(`${services.join(', ')} to run`, async () =>
      (await Promise.all(services.map(status))).every((one) => one === 'running'),
    );

  async function create(
    service: string,
    { sh = 'exec sleep 600', health, policy = always }: Wanted = {},
  ): Promise<string> {
    const Labels = {
      'com.docker.compose.project': 'p',
      'com.docker.compose.service': service,
      'com.docker.compose.oneoff': 'False',
    };
    const check = health === undefined ? {} : { Healthcheck: health };
    const HostConfig = { RestartPolicy: policy };
    const request = { Cmd: ['sh', '-c', sh], Labels, StopTimeout: 0, HostConfig, ...check };
    return await engine.create(request, `p-${service}-1`);
  }

  async function up(wanted: Readonly<Record<string, Wanted>>, services: Readonly<Record<string, ServiceNode>>) {
    await engine.rooms.projects.put({ name: 'p', workingDir: '/p', composeFiles: [], services });
    const ids: Record<string, string> = {};
    for (const [service, one] of Object.entries(wanted)) ids[service] = await create(service, one);
    for (const id of Object.values(ids)) await engine.containers.start(id, soon());
    return ids;
  }

  const recordPath = (id: string) => join(engine.dirs.dataRoot, 'containers', id, 'container.json');
  const record = (id: string) =>
    (JSON.parse(readFileSync(recordPath(id), 'utf8')) as { record: ContainerRecord }).record;
  const end = async (id: string): Promise<void> => {
    const { monitor, process: first } = record(id).state;
    for (const one of [monitor, first]) {
      if (one === undefined || !isAlive(one)) continue;
      process.kill(one.pid, 'SIGKILL');
      await eventually(`the end of ${one.pid}`, () => !isAlive(one));
    }
  };
  /** The host goes down as it stands, and comes up with a new boot id and an empty runtime folder. */
  const reboot = async (ids: readonly string[]): Promise<void> => {
    await engine.close();
    for (const id of ids) await end(id);
    const { runtimeDir } = engine.dirs;
    for (const point of listMountPoints()) if (point.startsWith(runtimeDir)) unmount(point, { detach: true });
    for (const folder of ['b', 'exits']) rmSync(join(runtimeDir, folder), { recursive: true });
    writeFileSync(join(runtimeDir, 'engine-ran'), 'another-boot\n');
    await engine.reopen();
  };

  test('after a reboot everything starts in order, and what is independent at the same time', async () => {
    const ids = await up(
      { web: {}, api: {}, db: { sh: slowly, health: checked }, other: {} },
      {
        web: node([{ service: 'api' }]),
        api: node([{ service: 'db', condition: 'service_healthy' }]),
        db: node([]),
        other: node([]),
      },
    );
    await reboot(Object.values(ids));
    await eventually('a wait to be seen', async () => (await waitOf('api'))?.Reason === 'waits for "db" to be healthy');
    await eventually('the next one', async () => (await waitOf('web'))?.Reason === 'waits for "api" to start');
    expect(await waitOf('web')).toMatchObject({ Service: 'api', Failed: false });
    await runs('web', 'api', 'db', 'other');
    const times = await Promise.all(['db', 'api', 'web', 'other'].map(startedAt));
    const [db = 0, api = 0, web = 0, other = 0] = times;
    expect(api - db).toBeGreaterThanOrEqual(400); // not before it was healthy
    expect(web).toBeGreaterThan(api);
    expect(other).toBeLessThan(api);
    expect(await waitOf('web')).toBeUndefined();
  });

  test('an engine that is killed while a project starts is followed by one that goes on in order', async () => {
    const ids = await up(
      { web: {}, db: { sh: slowly, health: checked } },
      { web: node([{ service: 'db', condition: 'service_healthy' }]), db: node([]) },
    );
    await reboot(Object.values(ids));
    await eventually('the wait to be written down', () => record(ids['web'] ?? '').state.status === 'restarting');
    await eventually('the wait', async () => (await waitOf('web')) !== undefined);
    await engine.reopen();
    await runs('web', 'db');
    expect((await startedAt('web')) - (await startedAt('db'))).toBeGreaterThanOrEqual(400);
  });

  test('a container that the user had stopped and always wants waits over two engines', async () => {
    const ids = await up(
      { web: {}, db: { policy: { Name: 'no' }, sh: slowly, health: checked } },
      { web: node([{ service: 'db', condition: 'service_healthy' }]), db: node([]) },
    );
    await engine.containers.stop(ids['web'] ?? '', {}, soon());
    await reboot(Object.values(ids));
    const blocked = { Failed: true, Reason: 'was not started: "db" does not run: it exited with code 255' };
    await eventually('the wait', async () => (await waitOf('web')) !== undefined);
    expect(await waitOf('web')).toMatchObject(blocked);
    await engine.reopen(); // in the same boot
    await eventually('the wait again', async () => (await waitOf('web')) !== undefined);
    expect(await waitOf('web')).toMatchObject(blocked);
    expect(await status('web')).toBe('exited');
    await engine.containers.start(ids['db'] ?? '', soon()); // mended by hand: the rest follows by itself
    await runs('web');
    expect((await startedAt('web')) - (await startedAt('db'))).toBeGreaterThanOrEqual(400);
  });

  test('a stop ends the wait for good', async () => {
    const ids = await up(
      { web: {}, db: { policy: { Name: 'no' }, health: checked, sh: slowly } },
      { web: node([{ service: 'db', condition: 'service_healthy' }]), db: node([]) },
    );
    await reboot(Object.values(ids));
    await eventually('the wait', async () => (await waitOf('web'))?.Failed === true);
    await engine.containers.stop(ids['web'] ?? '', {}, soon());
    expect(await waitOf('web')).toBeUndefined();
    await engine.containers.start(ids['db'] ?? '', soon());
    await eventually('health', async () => (await inspect('db')).State.Health?.Status === 'healthy');
    await engine.reopen();
    await eventually('the engine to have looked', async () => (await inspect('db')).State.Health?.Status === 'healthy');
    expect(await status('web')).toBe('exited');
  });

  test('a dependency that cannot be started keeps back what depends on it, and nothing else', async () => {
    const ids = await up(
      { web: {}, api: {}, db: {}, other: {} },
      { web: node([{ service: 'api' }]), api: node([{ service: 'db' }]), db: node([]), other: node([]) },
    );
    // As when a disk is not there after the boot: its program is gone.
    const path = recordPath(ids['db'] ?? '');
    const text = readFileSync(path, 'utf8');
    await engine.close();
    writeFileSync(path, readFileSync(path, 'utf8').replace('"sh","-c"', '"/no/such/program","-c"'));
    await reboot(Object.values(ids));
    await runs('other');
    await eventually('the failure to reach web', async () => (await waitOf('web'))?.Failed === true);
    expect((await waitOf('web'))?.Reason).toMatch(
      /^was not started: "api" was not started: "db" could not be started: .*\/no\/such\/program/,
    );
    expect(await status('api')).toBe('restarting');
    expect(text).toContain('"sh","-c"');
  });

  test('a crash is followed by a start only when what it needs is there', async () => {
    const ids = await up(
      { web: { sh: 'while ! test -e /dev/shm/go; do sleep 0.02; done; exit 1' }, db: { sh: slowly, health: checked } },
      { web: node([{ service: 'db', condition: 'service_healthy' }]), db: node([]) },
    );
    await eventually('health', async () => (await inspect('db')).State.Health?.Status === 'healthy');
    await engine.containers.restart(ids['db'] ?? '', {}, soon());
    const before = await startedAt('web');
    await engine.exec(ids['web'] ?? '', ['touch', '/dev/shm/go']);
    await eventually(
      'the next run',
      async () => (await startedAt('web')) > before && (await status('web')) === 'running',
    );
    expect((await startedAt('web')) - (await startedAt('db'))).toBeGreaterThanOrEqual(400);
  });

  test('containers of no known project are started at once, as ever', async () => {
    const id = await create('web');
    const other = await create('db', { policy: { Name: 'no' } });
    await engine.containers.start(id, soon());
    expect(engine.rooms.projects.get('p')).toBeUndefined();
    await reboot([id, other]);
    await runs('web');
  });

  test('a graph goes with the last container of its project', async () => {
    await up({ web: {}, db: {} }, { web: node([]), db: node([]) });
    const path = join(engine.dirs.dataRoot, 'projects', 'p.json');
    await engine.containers.remove('p-web-1', { force: true, volumes: false }, soon());
    expect(existsSync(path)).toBe(true);
    await engine.containers.remove('p-db-1', { force: true, volumes: false }, soon());
    await eventually('the record to go', () => !existsSync(path));
    expect(engine.rooms.projects.list()).toEqual([]);
  });

  test('an unhealthy container is restarted where its service asks for it, each time after a longer pause', async () => {
    const health = { Test: ['CMD', 'false'], Interval: 50e6, Retries: 1 };
    const ids = await up(
      { sick: { health, policy: { Name: 'no' } }, left: { health, policy: { Name: 'no' } } },
      { sick: node([], { restartUnhealthy: true }), left: node([]) },
    );
    const starts: number[] = [];
    await eventually('three restarts', async () => {
      const at = await startedAt('sick');
      if (at !== starts.at(-1)) starts.push(at);
      return ((await inspect('sick')).Tscompose?.UnhealthyRestarts ?? 0) >= 3;
    });
    expect((starts[2] ?? 0) - (starts[1] ?? 0)).toBeGreaterThan(1_000);
    expect((await inspect('left')).RestartCount).toBe(0);
    await engine.containers.stop(ids['sick'] ?? '', {}, soon());
    expect(await status('sick')).toBe('exited');
  });

  test('dependents follow a restart by the engine where they ask for it', async () => {
    await up(
      {
        web: {},
        quiet: {},
        db: {
          sh: `sleep 0.2; touch /dev/shm/ready; while ! test -e /dev/shm/go; do sleep 0.02; done; exit 1`,
          health: checked,
        },
      },
      {
        web: node([{ service: 'db', condition: 'service_healthy', restart: true }], { restartWithDependencies: true }),
        quiet: node([{ service: 'db', condition: 'service_healthy', restart: true }]),
        db: node([]),
      },
    );
    const [web, quiet] = [await startedAt('web'), await startedAt('quiet')];
    await engine.exec('p-db-1', ['touch', '/dev/shm/go']);
    await eventually(
      'web to follow',
      async () => (await startedAt('web')) > web && (await status('web')) === 'running',
    );
    expect((await startedAt('web')) - (await startedAt('db'))).toBeGreaterThanOrEqual(200);
    expect(await startedAt('quiet')).toBe(quiet);
    expect((await inspect('web')).Tscompose).toBeUndefined(); // that was no crash
  });

  test('a crash loop is a state with its reason, until a run lasts', async () => {
    const stop = new AbortController();
    const seen: Record<string, string>[] = [];
    const events = engine.rooms.events.subscribe({ filters: { event: ['crash_loop'] } }, stop.signal);
    const following = (async () => {
      for await (const { Actor } of events) seen.push(Actor.Attributes);
    })();
    await up({ db: { sh: 'echo starting; echo no config file >&2; exit 1' } }, { db: node([]) });
    await eventually('the loop', async () => (await inspect('db')).Tscompose?.CrashLoop !== undefined);
    await eventually('five exits', async () => ((await inspect('db')).Tscompose?.CrashLoop?.Exits ?? 0) >= 5);
    const { Tscompose, RestartCount } = await inspect('db');
    expect(Tscompose?.CrashLoop).toMatchObject({ ExitCode: 1, SameCode: true, LastWords: 'no config file' });
    expect(RestartCount).toBeGreaterThanOrEqual(4);
    const [listed] = await engine.containers.list({ all: true, size: false, filters: { name: ['p-db-1'] } });
    expect(listed?.Tscompose?.CrashLoop?.LastWords).toBe('no config file');
    expect(seen).toMatchObject([{ exits: '3', exitCode: '1', lastWords: 'no config file' }]);
    await engine.containers.stop('p-db-1', {}, soon());
    await engine.containers.start('p-db-1', soon());
    expect((await inspect('db')).Tscompose?.CrashLoop).toBeUndefined(); // by hand: a new count
    stop.abort();
    await following;
  });

  test('deploy.restart_policy sets pace and number of restarts', async () => {
    await up({ job: { sh: 'exit 4' } }, { job: node([], { pace: { delayMs: 300, maxAttempts: 2, windowMs: 5_000 } }) });
    await eventually('it to stay down', async () => (await status('job')) === 'exited');
    const { RestartCount, State, Tscompose } = await inspect('job');
    expect(RestartCount).toBe(2);
    expect(Tscompose?.CrashLoop).toMatchObject({ Exits: 3, ExitCode: 4 });
    const { Since = '', Until = '' } = Tscompose?.CrashLoop ?? {};
    expect(Date.parse(Until) - Date.parse(Since)).toBeGreaterThanOrEqual(600);
    expect(State.ExitCode).toBe(4);
  });
});
