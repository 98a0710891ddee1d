import { afterEach, beforeEach, expect, test } from 'vitest';
import { connectEngine, type EngineClient } from '../../../src/client/index.js';
import type { Service } from '../../../src/compose/index.js';
import { converge, executePlan, observe, type ProgressEvent } from '../../../src/execute/index.js';
import { planDown, planUp, type UpOptions } from '../../../src/plan/index.js';
import { FakeEngine } from '../../support/fake-engine.js';
import { project, type ProjectParts } from '../../support/project.js';

let engine: FakeEngine;
let client: EngineClient;
let events: ProgressEvent[];
const { signal } = new AbortController();

beforeEach(async () => {
  engine = await FakeEngine.start();
  client = connectEngine({ host: engine.host });
  events = [];
});

afterEach(async () => {
  client.close();
  await engine.stop();
});

const started = { condition: 'service_started', required: true } as const;
const healthy = { condition: 'service_healthy', required: true } as const;
const completed = { condition: 'service_completed_successfully', required: true } as const;
const busybox: Service = { image: 'busybox' };
const checked: Service = { ...busybox, healthcheck: { test: ['CMD', 'true'] } };

async function up(
  parts: ProjectParts,
  options: UpOptions = {},
  more: { signal?: AbortSignal; parallel?: number } = {},
): Promise<void> {
  const onEvent = (event: ProgressEvent) => void events.push(event);
  await converge(project(parts), options, { client, project: project(parts), onEvent, signal, ...more });
}

async function failureOf(work: Promise<unknown>): Promise<unknown> {
  return await work.then(
    () => undefined,
    (error: unknown) => error,
  );
}

function starts(): string[] {
  return events
    .filter(({ status }) => status === 'Started')
    .map(({ subject }) => subject.replace('Container demo-', ''));
}

test('a chain comes up in order, and an unchanged one is left alone with few requests', async () => {
  const parts: ProjectParts = {
    services: {
      a: { ...busybox, depends_on: { b: started } },
      b: { ...busybox, depends_on: { c: started } },
      c: busybox,
    },
  };
  await up(parts);
  expect(starts()).toEqual(['c-1', 'b-1', 'a-1']);
  engine.calls.length = 0;
  events = [];
  await up(parts);
  expect(engine.calls.sort()).toEqual(['GET /containers/json', 'GET /images/busybox/json', 'GET /networks']);
  expect(events).toEqual([]);
});

test('a dependent starts once what it needs is healthy, told by an event', async () => {
  engine.onStart = (container) => {
    if (container.name !== 'demo-db-1') return;
    engine.change(container, { Health: { Status: 'starting', FailingStreak: 0, Log: [] } }, 'health_status: starting');
    setTimeout(() => {
      engine.change(container, { Health: { Status: 'healthy', FailingStreak: 0, Log: [] } }, 'health_status: healthy');
    }, 30);
  };
  await up({ services: { db: checked, web: { ...busybox, depends_on: { db: healthy } } } });
  expect(events.map(({ subject, status }) => `${subject.replace('Container demo-', '')} ${status}`).slice(-5)).toEqual([
    'db-1 Started',
    'db-1 Waiting',
    'db-1 Healthy',
    'web-1 Starting',
    'web-1 Started',
  ]);
  expect(engine.calls.filter((call) => call === 'GET /events')).toHaveLength(1);
});

test('waiting goes on when the event stream ends', async () => {
  engine.onStart = (container) => {
    if (container.name !== 'demo-init-1') return;
    setTimeout(() => {
      engine.dropListeners();
      setTimeout(() => {
        engine.exit(container, 0);
      }, 50);
    }, 20);
  };
  await up({ services: { init: busybox, web: { ...busybox, depends_on: { init: completed } } } });
  expect(starts()).toEqual(['init-1', 'web-1']);
});

test('a failing middle service stops the rest with one failure that has its name, place and last lines', async () => {
  engine.onStart = (container) => {
    if (container.name !== 'demo-api-1') return;
    engine.write(container, 'connecting');
    engine.write(container, 'no route to host', 2);
    engine.exit(container, 3);
  };
  const failure = await failureOf(
    up({
      services: {
        web: { ...busybox, depends_on: { api: healthy } },
        api: { ...checked, depends_on: { db: started } },
        db: busybox,
      },
      lines: { 'services.web.depends_on.api': 12 },
    }),
  );
  expect(failure).toMatchObject({
    code: 'execute/dependency-failed',
    message: [
      'service "api" exited with code 3 before it was healthy, so service "web" was not started',
      '  chain: web → api',
      '  demo-api-1 | connecting',
      '  demo-api-1 | no route to host',
    ].join('\n'),
    facts: { service: 'api', dependent: 'web', exitCode: 3, lastLines: ['connecting', 'no route to host'] },
    at: { line: 12 },
  });
  expect(starts()).toEqual(['db-1', 'api-1']);
  expect(events.filter(({ kind }) => kind === 'failed').map(({ subject }) => subject)).toEqual([
    'Container demo-api-1',
  ]);
});

test('an unhealthy service is told with its last probes', async () => {
  engine.onStart = (container) => {
    const Log = [{ Start: '', End: '', ExitCode: 7, Output: 'refused\n' }];
    engine.change(container, { Health: { Status: 'unhealthy', FailingStreak: 3, Log } }, 'health_status: unhealthy');
  };
  const failure = await failureOf(up({ services: { db: checked, web: { ...busybox, depends_on: { db: healthy } } } }));
  expect(failure).toMatchObject({ facts: { obstacle: { kind: 'unhealthy', probes: ['exit code 7: refused'] } } });
});

test('a service without a health check cannot be waited for to be healthy', async () => {
  const failure = await failureOf(up({ services: { db: busybox, web: { ...busybox, depends_on: { db: healthy } } } }));
  expect(failure).toMatchObject({
    message: 'service "db" has no health check to wait for, so service "web" was not started\n  chain: web → db',
    hint: 'give "db" a healthcheck, or wait for service_started',
  });
});

test('what is not required may fail: a warning, and the dependent starts', async () => {
  engine.onStart = (container) => {
    if (container.name === 'demo-db-1') engine.exit(container, 1);
  };
  await up({ services: { db: checked, web: { ...busybox, depends_on: { db: { ...healthy, required: false } } } } });
  expect(starts()).toEqual(['db-1', 'web-1']);
  const [warning, ...more] = events.filter(({ kind }) => kind === 'warning');
  expect(more).toEqual([]);
  expect(warning?.detail).toContain('without which service "web" starts all the same');
});

test('a refused start names the service, and cancels what has not begun', async () => {
  engine.intercept = (method, path) => {
    const container = engine.containers.get(path.split('/')[2] ?? '');
    const refused = method === 'POST' && path.endsWith('/start') && container?.name === 'demo-b-1';
    return Promise.resolve(
      refused ? { status: 500, body: { message: 'exec: "srv": executable file not found' } } : undefined,
    );
  };
  const failure = await failureOf(
    up({
      services: { a: { ...busybox, depends_on: { b: started } }, b: busybox },
      lines: { 'services.b': 4 },
    }),
  );
  expect(failure).toMatchObject({
    code: 'execute/operation-failed',
    message: 'service "b" cannot start: its command "srv" is not in the image\n  chain: a → b',
    facts: { operation: 'container.start', service: 'b', diagnosis: 'command-not-found' },
    at: { line: 4 },
  });
  expect(starts()).toEqual([]);
});

test('an engine without docker-init is told from a command that is not in the image', async () => {
  engine.intercept = (method, path) =>
    Promise.resolve(
      method === 'POST' && path.endsWith('/start')
        ? { status: 400, body: { message: 'exec: "docker-init": executable file not found in $PATH' } }
        : undefined,
    );
  const lines = { 'services.a': 4, 'services.a.init': 6 };
  expect(await failureOf(up({ services: { a: { ...busybox, init: true } }, lines }))).toMatchObject({
    message: 'service "a" cannot start: the engine has no docker-init, which init needs',
    facts: { diagnosis: 'command-not-found' },
    at: { line: 6 },
  });
});

test('an abort ends the run with its reason, and nothing goes on afterwards', async () => {
  const stop = new AbortController();
  engine.onStart = () => {
    stop.abort(new Error('enough'));
  };
  const failure = await failureOf(
    up(
      { services: { init: busybox, web: { ...busybox, depends_on: { init: completed } } } },
      {},
      { signal: stop.signal },
    ),
  );
  expect(failure).toMatchObject({ message: 'enough' });
  const calls = engine.calls.length;
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(engine.calls).toHaveLength(calls);
});

test('no more operations at a time than asked for', async () => {
  engine.intercept = async (method, path) => {
    if (method === 'POST' && path === '/containers/create') await new Promise((resolve) => setTimeout(resolve, 10));
    return undefined;
  };
  await up({ services: { web: { ...busybox, scale: 8 } } }, {}, { parallel: 2 });
  expect(engine.peak.get('POST /containers/create')).toBe(2);
});

test('a changed service is replaced, keeps its name, and ids of new containers reach their users', async () => {
  const make = (user: string): ProjectParts => ({
    services: { db: { ...busybox, user }, side: { ...busybox, network_mode: 'service:db', volumes_from: ['db:ro'] } },
  });
  await up(make('1'));
  await up(make('2'));
  const db = engine.byName('demo-db-1');
  const side = engine.byName('demo-side-1');
  expect([...engine.containers.values()].map(({ name }) => name).sort()).toEqual(['demo-db-1', 'demo-side-1']);
  expect(side.request.HostConfig).toMatchObject({ NetworkMode: `container:${db.id}`, VolumesFrom: [`${db.id}:ro`] });
  const desired = project(make('2'));
  expect(planUp(desired, await observe(client, desired, signal)).steps).toEqual([]);
});

test('text configs are put in before the first start', async () => {
  let uploadsAtStart = -1;
  engine.onStart = ({ uploads }) => {
    uploadsAtStart = uploads;
  };
  await up({
    services: { a: { ...busybox, configs: [{ source: 'c' }] } },
    configs: { c: { name: 'demo_c', content: 'x' } },
  });
  expect(uploadsAtStart).toBe(1);
});

test('down takes everything away; what is in use is a warning', async () => {
  const parts: ProjectParts = {
    services: { a: { ...busybox, volumes: [{ type: 'volume', source: 'data', target: '/data' }] } },
    volumes: { data: { name: 'demo_data' } },
  };
  await up(parts);
  events = [];
  engine.intercept = (method, path) =>
    Promise.resolve(
      method === 'DELETE' && path.startsWith('/volumes/')
        ? { status: 409, body: { message: 'volume is in use' } }
        : undefined,
    );
  const desired = project(parts);
  const plan = planDown(await observe(client, desired, signal), desired, { projectName: 'demo', volumes: true });
  await executePlan(plan, { client, project: desired, onEvent: (event) => void events.push(event), signal });
  expect([engine.containers.size, engine.networks.size, engine.volumes.size]).toEqual([0, 0, 1]);
  expect(events).toContainEqual({
    kind: 'warning',
    subject: 'Volume demo_data',
    status: 'Warning',
    detail: 'Resource is still in use',
  });
  expect(events).not.toContainEqual({ kind: 'done', subject: 'Volume demo_data', status: 'Removed' });
});

test('an image that cannot be pulled is built where that is possible', async () => {
  const pulled: string[] = [];
  engine.intercept = (method, path) => {
    if (path === '/images/create') {
      pulled.push(path);
      return Promise.resolve({ status: 404, body: { message: 'pull access denied' } });
    }
    if (method === 'POST' && path === '/build') {
      engine.images.add('app');
      return Promise.resolve({ status: 200, body: { aux: { ID: 'sha256:app' } } });
    }
    return Promise.resolve(undefined);
  };
  await up({ services: { a: { image: 'app', build: { dockerfile_inline: 'FROM busybox' } } } });
  expect(pulled).toHaveLength(1);
  expect(events.some(({ kind, detail }) => kind === 'warning' && detail?.includes('pull access denied') === true)).toBe(
    true,
  );
  expect(starts()).toEqual(['a-1']);
});

test('an image that could be pulled is not built', async () => {
  engine.intercept = (_, path) => {
    if (path !== '/images/create') return Promise.resolve(undefined);
    engine.images.add('app');
    return Promise.resolve({ status: 200, body: { status: 'Pull complete' } });
  };
  await up({ services: { a: { image: 'app', build: { dockerfile_inline: 'FROM busybox' } } } });
  expect(engine.calls).not.toContain('POST /build');
  const told = events.filter(({ subject }) => subject === 'Image app').map(({ status }) => status);
  expect([...new Set(told)]).toEqual(['Pulling', 'Pulled']);
  expect(starts()).toEqual(['a-1']);
});

test('each line that a hook says is told, also one cut within a character and one without an end', async () => {
  const text = Buffer.from('grün\n2026-01-01T00:00:00Z is no stamp\nhalf');
  engine.execOutput = [text.subarray(0, 3), text.subarray(3, 10), text.subarray(10)];
  await up({ services: { web: { ...busybox, post_start: [{ command: ['warm'] }] } } });
  const said = events.flatMap(({ status, detail }) => (status === 'post_start[0]' ? [detail] : []));
  expect(said).toEqual(['grün', '2026-01-01T00:00:00Z is no stamp', 'half']);
});
