import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { ContainerInspect, HealthConfig, RestartPolicy } from '../../../src/api/container.js';
import type { ServiceNeed, ServiceNode, StartWait } from '../../../src/api/tscompose.js';
import type { ContainerRecord } from '../../../src/engine/containers/record.js';
import { isAlive, listMountPoints, unmount } from '../../../src/engine/sys/index.js';
import { eventually } from '../../support/engine-sandbox.js';
import { Engine, missing, soon } from './support.js';

const always: RestartPolicy = { Name: 'always' };
/** Healthy once somebody makes a file, in each run anew. */
const checked: HealthConfig = { Test: ['CMD', 'stat', '/dev/shm/ready'], Interval: 50e6, Retries: 200 };
/** Runs until somebody makes a file, then fails. */
const untilTold = 'while ! test -e /dev/shm/go; do sleep 0.05; done; exit 1';

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

/** The containers of one project, so that several can live beside each other. */
class Scene {
  readonly engine: Engine;
  readonly name: string;

  constructor(engine: Engine, name: string) {
    this.engine = engine;
    this.name = name;
  }

  inspect(service: string): Promise<ContainerInspect> {
    return this.engine.containers.inspect(`${this.name}-${service}-1`, { size: false });
  }

  async status(service: string): Promise<string> {
    return (await this.inspect(service)).State.Status;
  }

  async health(service: string): Promise<string | undefined> {
    return (await this.inspect(service)).State.Health?.Status;
  }

  /** Why it is not started yet. */
  async waitOf(service: string): Promise<StartWait | undefined> {
    return (await this.inspect(service)).Tscompose?.StartWait;
  }

  async startedAt(service: string): Promise<number> {
    return Date.parse((await this.inspect(service)).State.StartedAt);
  }

  /** Makes it healthy in this run. @returns the time from which on it may be */
  async makeReady(service: string): Promise<number> {
    const at = Date.now();
    await this.engine.exec(`${this.name}-${service}-1`, ['touch', '/dev/shm/ready']);
    return at;
  }

  async run(...services: string[]): Promise<void> {
    await eventually(`${services.join(', ')} to run`, async () =>
      (await Promise.all(services.map((one) => this.status(one)))).every((one) => one === 'running'),
    );
  }

  async create(service: string, { sh = 'exec sleep 600', health, policy = always }: Wanted = {}): Promise<string> {
    const Labels = {
      'com.docker.compose.project': this.name,
      'com.docker.compose.service': service,
      'com.docker.compose.oneoff': 'False',
    };
    const check = health === undefined ? {} : { Healthcheck: health };
    const HostConfig = { RestartPolicy: policy };
    const request = { Cmd: ['sh', '-c', sh], Labels, StopTimeout: 0, HostConfig, ...check };
    return await this.engine.create(request, `${this.name}-${service}-1`);
  }

  async up(
    wanted: Readonly<Record<string, Wanted>>,
    services: Readonly<Record<string, ServiceNode>>,
  ): Promise<Record<string, string>> {
    const { name, engine } = this;
    await engine.rooms.projects.put({ name, workingDir: `/${name}`, composeFiles: [], services });
    const ids: Record<string, string> = {};
    for (const [service, one] of Object.entries(wanted)) ids[service] = await this.create(service, one);
    for (const id of Object.values(ids)) await engine.containers.start(id, soon());
    return ids;
  }
}

describe.skipIf(missing !== undefined)(`a project's graph in the engine (needs ${missing ?? 'nothing more'})`, () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await Engine.open();
  });
  afterAll(async () => {
    await engine[Symbol.asyncDispose]();
  });

  const recordPath = (id: string) => join(engine.dirs.dataRoot, 'containers', id, 'container.json');
  const record = (id: string) =>
    (JSON.parse(readFileSync(recordPath(id), 'utf8')) as { record: ContainerRecord }).record;
  /** The host goes down as it stands, and comes up with a new boot id and an empty runtime folder. */
  const reboot = async (ids: readonly string[]): Promise<void> => {
    await engine.close();
    for (const id of ids) {
      const { monitor, process: first } = record(id).state;
      for (const one of [monitor, first]) {
        if (one === undefined || !isAlive(one)) continue;
        process.kill(one.pid, 'SIGKILL');
        await eventually(`the end of ${one.pid}`, () => !isAlive(one));
      }
    }
    const { runtimeDir } = engine.dirs;
    for (const point of listMountPoints()) if (point.startsWith(runtimeDir)) unmount(point, { detach: true });
    for (const folder of ['b', 'exits']) rmSync(join(runtimeDir, folder), { recursive: true });
    writeFileSync(join(runtimeDir, 'engine-ran'), 'another-boot\n');
    await engine.reopen();
  };

  describe('after a reboot', () => {
    afterEach(async () => {
      await engine.removeAll();
    });

    test('everything starts in order, also over two engines, and what is independent at the same time', async () => {
      const scene = new Scene(engine, 'order');
      const ids = await scene.up(
        { web: {}, api: {}, db: { health: checked }, other: {} },
        {
          web: node([{ service: 'api' }]),
          api: node([{ service: 'db', condition: 'service_healthy' }]),
          db: node([]),
          other: node([]),
        },
      );
      const stranger = new Scene(engine, 'strange'); // of no known project, as with dockerd
      const [first, second] = [await stranger.create('a'), await stranger.create('b', { policy: { Name: 'no' } })];
      await engine.containers.start(first, soon());
      await reboot([...Object.values(ids), first, second]);
      for (const [service, reason] of [
        ['api', 'waits for "db" to be healthy'],
        ['web', 'waits for "api" to start'],
      ] as const) {
        await eventually(`${service} to wait`, async () => (await scene.waitOf(service))?.Reason === reason);
      }
      await engine.reopen();
      await scene.run('db', 'other');
      const ready = await scene.makeReady('db');
      await scene.run('web', 'api');
      expect(await scene.startedAt('api')).toBeGreaterThanOrEqual(ready); // not before it was healthy
      expect(await scene.startedAt('web')).toBeGreaterThan(await scene.startedAt('api'));
      expect(await scene.waitOf('web')).toBeUndefined();
      await stranger.run('a');
      expect(await stranger.status('b')).toBe('created');
    });

    test('what waits in vain says so, until it is mended or stopped', async () => {
      const scene = new Scene(engine, 'vain');
      const needsDb = node([{ service: 'db', condition: 'service_healthy' }]);
      const ids = await scene.up(
        { web: {}, stopped: {}, ended: {}, db: { policy: { Name: 'no' }, health: checked } },
        { web: needsDb, stopped: needsDb, ended: needsDb, db: node([]) },
      );
      await engine.containers.stop(ids['stopped'] ?? '', {}, soon()); // `always` brings it back after a boot
      await reboot(Object.values(ids));
      const blocked = { Failed: true, Reason: 'was not started: "db" does not run: it exited with code 255' };
      for (const service of ['web', 'stopped', 'ended']) {
        await eventually('the wait', async () => (await scene.waitOf(service)) !== undefined);
        expect(await scene.waitOf(service)).toMatchObject(blocked);
      }
      expect(await scene.status('stopped')).toBe('exited');
      await engine.containers.stop(ids['ended'] ?? '', {}, soon());
      expect(await scene.waitOf('ended')).toBeUndefined();
      await engine.reopen(); // in the same boot
      await eventually('the wait again', async () => (await scene.waitOf('stopped')) !== undefined);
      await engine.containers.start(ids['db'] ?? '', soon()); // mended by hand: the rest follows by itself
      const ready = await scene.makeReady('db');
      await scene.run('web', 'stopped');
      for (const service of ['web', 'stopped']) expect(await scene.startedAt(service)).toBeGreaterThanOrEqual(ready);
      expect(await scene.status('ended')).toBe('exited');
    });

    test('what cannot be started keeps back what depends on it, and nothing else', async () => {
      const scene = new Scene(engine, 'failure');
      const ids = await scene.up(
        { web: {}, api: {}, db: {}, other: {} },
        { web: node([{ service: 'api' }]), api: node([{ service: 'db' }]), db: node([]), other: node([]) },
      );
      await engine.close();
      const path = recordPath(ids['db'] ?? '');
      const text = readFileSync(path, 'utf8');
      expect(text).toContain('"sh","-c"');
      writeFileSync(path, text.replace('"sh","-c"', '"/no/such/program","-c"'));
      await reboot(Object.values(ids));
      await scene.run('other');
      await eventually('the failure to reach web', async () => (await scene.waitOf('web'))?.Failed === true);
      expect((await scene.waitOf('web'))?.Reason).toMatch(
        /^was not started: "api" was not started: "db" could not be started: .*\/no\/such\/program/,
      );
      expect(await scene.status('api')).toBe('restarting');
    });

    test('a graph without containers is forgotten', async () => {
      const scene = new Scene(engine, 'empty');
      const ids = await scene.up({ web: {} }, { web: node([]) });
      const path = join(engine.dirs.dataRoot, 'projects', 'empty.json');
      await engine.reopen();
      expect(existsSync(path)).toBe(true);
      await engine.containers.remove(ids['web'] ?? '', { force: true, volumes: false }, soon());
      await engine.reopen();
      await eventually('the graph to go', () => engine.rooms.projects.list().length === 0);
      expect(existsSync(path)).toBe(false);
    });
  });

  describe.concurrent('in the same boot', () => {
    test('a crash is followed by a start only when what it needs is there', async () => {
      const scene = new Scene(engine, 'crash');
      const ids = await scene.up(
        { web: { sh: untilTold }, db: { health: checked } },
        { web: node([{ service: 'db', condition: 'service_healthy' }]), db: node([]) },
      );
      await scene.makeReady('db');
      await eventually('health', async () => (await scene.health('db')) === 'healthy');
      await engine.containers.restart(ids['db'] ?? '', {}, soon());
      const before = await scene.startedAt('web');
      await engine.exec(ids['web'] ?? '', ['touch', '/dev/shm/go']);
      await eventually('the wait', async () => (await scene.waitOf('web'))?.Reason === 'waits for "db" to be healthy');
      const ready = await scene.makeReady('db');
      await eventually('the next run', async () => (await scene.startedAt('web')) > before);
      await scene.run('web');
      expect(await scene.startedAt('web')).toBeGreaterThanOrEqual(ready);
    });

    test('an unhealthy container is restarted where its service asks for it, each time after a longer pause', async () => {
      const scene = new Scene(engine, 'health');
      const health = { Test: ['CMD', 'false'], Interval: 50e6, Retries: 1 };
      const policy = { Name: 'no' } as const;
      const ids = await scene.up(
        { sick: { health, policy }, left: { health, policy } },
        { sick: node([], { restartUnhealthy: true }), left: node([]) },
      );
      const starts: number[] = [];
      await eventually('the start after three of them', async () => {
        const { State, Tscompose } = await scene.inspect('sick');
        const at = Date.parse(State.StartedAt);
        if (at !== starts.at(-1)) starts.push(at);
        return (Tscompose?.UnhealthyRestarts ?? 0) >= 3 && State.Running;
      });
      expect((starts.at(-1) ?? 0) - (starts.at(-2) ?? 0)).toBeGreaterThan(1_000);
      expect((await scene.inspect('left')).RestartCount).toBe(0);
      await engine.containers.stop(ids['sick'] ?? '', {}, soon());
      expect(await scene.status('sick')).toBe('exited');
    });

    test('dependents follow a restart by the engine where they ask for it', async () => {
      const scene = new Scene(engine, 'follow');
      const need = { service: 'db', condition: 'service_healthy', restart: true } as const;
      const ids = await scene.up(
        { web: {}, quiet: {}, db: { sh: untilTold, health: checked } },
        { web: node([need], { restartWithDependencies: true }), quiet: node([need]), db: node([]) },
      );
      await scene.makeReady('db');
      await eventually('health', async () => (await scene.health('db')) === 'healthy');
      const [db = 0, web = 0, quiet = 0] = await Promise.all(['db', 'web', 'quiet'].map((one) => scene.startedAt(one)));
      await engine.exec(ids['db'] ?? '', ['touch', '/dev/shm/go']);
      await eventually('the next run', async () => (await scene.startedAt('db')) > db);
      const ready = await scene.makeReady('db');
      await eventually('web to follow', async () => (await scene.startedAt('web')) > web);
      await scene.run('web');
      expect(await scene.startedAt('web')).toBeGreaterThanOrEqual(ready);
      expect(await scene.startedAt('quiet')).toBe(quiet);
      expect((await scene.inspect('web')).Tscompose).toBeUndefined(); // that was no crash
    });

    test('hooks go with a start by the engine; dependents wait for them, and in vain for one that fails', async () => {
      const scene = new Scene(engine, 'hooks');
      const script =
        'while ! test -e /dev/shm/proceed; do sleep 0.05; done; test -e /dev/shm/good || { echo no good; exit 3; }';
      const hooks = { postStart: [{ command: ['sh', '-c', script], privileged: false }], preStop: [] };
      const ids = await scene.up(
        { db: { sh: untilTold }, web: { sh: untilTold } },
        { db: node([], { hooks }), web: node([{ service: 'db' }]) },
      );
      const touch = (service: string, ...names: string[]) =>
        engine.exec(ids[service] ?? '', ['touch', ...names.map((name) => `/dev/shm/${name}`)]);
      const crash = async (service: string) => {
        const before = (await scene.inspect(service)).RestartCount;
        await touch(service, 'go');
        await eventually(`the end of ${service}`, async () => (await scene.inspect(service)).RestartCount > before);
      };
      await crash('db');
      await scene.run('db');
      await crash('web');
      await eventually('web to wait', async () => (await scene.waitOf('web'))?.Reason === 'waits for "db" to start');
      await touch('db', 'good', 'proceed');
      await scene.run('web');

      await crash('db');
      await scene.run('db');
      await touch('db', 'proceed');
      const failure = 'hook post_start[0] exited with code 3: no good';
      await eventually('the failure', async () => (await scene.inspect('db')).Tscompose?.HookFailure === failure);
      await crash('web');
      await eventually('web to wait', async () => (await scene.waitOf('web'))?.Failed === true);
      expect((await scene.waitOf('web'))?.Reason).toBe(`was not started: "db" could not be started: ${failure}`);
    });

    test('a crash loop is a state with its reason, until somebody starts it by hand', async () => {
      const scene = new Scene(engine, 'loop');
      const stop = new AbortController();
      const seen: Record<string, string>[] = [];
      const events = engine.rooms.events.subscribe(
        { filters: { event: ['crash_loop'], container: ['loop-db-1'] } },
        stop.signal,
      );
      const following = (async () => {
        for await (const { Actor } of events) seen.push(Actor.Attributes);
      })();
      const db = { sh: 'echo starting; echo no config file >&2; exit 1' };
      const ids = await scene.up({ db }, { db: node([]) });
      await eventually('four exits', async () => ((await scene.inspect('db')).Tscompose?.CrashLoop?.Exits ?? 0) >= 4);
      const { Tscompose, RestartCount } = await scene.inspect('db');
      expect(Tscompose?.CrashLoop).toMatchObject({ ExitCode: 1, SameCode: true, LastWords: 'no config file' });
      expect(RestartCount).toBeGreaterThanOrEqual(3);
      const [listed] = await engine.containers.list({ all: true, size: false, filters: { name: ['loop-db-1'] } });
      expect(listed?.Tscompose?.CrashLoop?.LastWords).toBe('no config file');
      expect(seen).toMatchObject([{ exits: '3', exitCode: '1', lastWords: 'no config file' }]);
      await engine.containers.stop(ids['db'] ?? '', {}, soon());
      await engine.containers.start(ids['db'] ?? '', soon());
      expect((await scene.inspect('db')).Tscompose?.CrashLoop).toBeUndefined();
      stop.abort();
      await following;
    });

    test('deploy.restart_policy sets pace and number of restarts', async () => {
      const scene = new Scene(engine, 'pace');
      const pace = { delayMs: 300, maxAttempts: 2, windowMs: 30_000 };
      await scene.up({ job: { sh: 'exit 4' } }, { job: node([], { pace }) });
      await eventually('it to stay down', async () => (await scene.status('job')) === 'exited');
      const { RestartCount, State, Tscompose } = await scene.inspect('job');
      expect(RestartCount).toBe(2);
      expect(Tscompose?.CrashLoop).toMatchObject({ Exits: 3, ExitCode: 4 });
      const { Since = '', Until = '' } = Tscompose?.CrashLoop ?? {};
      expect(Date.parse(Until) - Date.parse(Since)).toBeGreaterThanOrEqual(600);
      expect(State.ExitCode).toBe(4);
    });
  });
});
