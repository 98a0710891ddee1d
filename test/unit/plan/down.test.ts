import { expect, test } from 'vitest';
import {
  checkPlan,
  planDown,
  planKill,
  planRestart,
  planStart,
  planStop,
  planRemove,
  planPause,
  planUnpause,
  renderPlan,
  type ObservedState,
  type Plan,
} from '../../../src/plan/index.js';
import type { Service } from '../../../src/compose/index.js';
import { running } from '../../support/observed.js';
import { failureOf } from '../../support/failure.js';
import { project } from '../../support/project.js';
import { simulate } from '../../support/simulate.js';

const started = { condition: 'service_started', required: true } as const;
const chain = project({
  services: {
    a: { image: 'busybox', depends_on: { b: started } },
    b: { image: 'busybox', depends_on: { c: { ...started, restart: true } } },
    c: { image: 'busybox', volumes: [{ type: 'volume', source: 'data', target: '/data' }] },
  },
  volumes: { data: { name: 'demo_data' } },
});
const target = { projectName: 'demo' };

function text(plan: Plan): string {
  expect(checkPlan(plan)).toEqual([]);
  return renderPlan(plan);
}

test('down stops dependents first, removes as they stop, and the network last', () => {
  expect(text(planDown(running(chain), chain, target))).toMatchInlineSnapshot(`
    "1              container.stop    a-1           down
    2 after 1      container.remove  a-1           down
    3 after 1      container.stop    b-1           down
    4 after 3      container.remove  b-1           down
    5 after 3      container.stop    c-1           down
    6 after 5      container.remove  c-1           down
    7 after 2,4,6  network.remove    demo_default  down"
  `);
});

test('down goes by labels where there are no files', () => {
  const observed = running(chain);
  const byName = planDown(observed, undefined, target);
  const withFiles = planDown(observed, chain, target);
  expect(text(byName)).toBe(text(withFiles));
});

test('down -v --rmi all takes volumes and images too', () => {
  const observed = running(chain);
  const plan = planDown(observed, chain, { ...target, volumes: true, rmi: 'all' });
  const after = simulate(observed, plan);
  expect(text(plan)).toContain('volume.remove');
  expect(after).toMatchObject({ containers: [], networks: [], volumes: [], images: {} });
});

test('--rmi local takes only images that a build named', () => {
  const mixed = project({ services: { a: { build: { context: '/srv' } }, b: { image: 'busybox' } } });
  const removed = (rmi: 'local' | 'all') =>
    planDown(running(mixed), mixed, { ...target, rmi }).steps.flatMap(({ operation }) =>
      operation.kind === 'image.remove' ? [operation.image] : [],
    );
  expect(removed('local')).toEqual(['demo-a']);
  expect(removed('all')).toEqual(['busybox', 'demo-a']);
});

test('external networks and volumes stay', () => {
  const shared = project({
    services: {
      a: { image: 'busybox', networks: { out: null }, volumes: [{ type: 'volume', source: 'v', target: '/v' }] },
    },
    networks: { out: { name: 'out', external: true } },
    volumes: { v: { name: 'v', external: true } },
  });
  const observed: ObservedState = {
    containers: [],
    networks: [{ id: 'n', name: 'out', labels: {} }],
    volumes: [{ name: 'v', labels: {} }],
    images: {},
  };
  expect(text(planDown(observed, shared, { ...target, volumes: true }))).toBe('');
});

test('down of some services takes those that need them along only where there are no files', () => {
  const removed = (files: typeof chain | undefined): string[] =>
    planDown(running(chain), files, { ...target, services: ['b'] }).steps.flatMap(({ operation }) =>
      operation.kind === 'container.remove' ? [operation.container.name] : [],
    );
  expect(removed(chain)).toEqual(['demo-b-1']);
  expect(removed(undefined)).toEqual(['demo-a-1', 'demo-b-1']);
});

test('down of some services takes only what is theirs', () => {
  const own = (name: string): Service => ({
    image: `busybox:${name}`,
    volumes: [{ type: 'volume', source: name, target: '/data' }],
    networks: { [name]: null },
  });
  const named = (name: string) => ({ [name]: { name: `demo_${name}` } });
  const shop = project({
    services: { db: own('db'), web: own('web') },
    volumes: { ...named('db'), ...named('web') },
    networks: { ...named('db'), ...named('web') },
  });
  const plan = planDown(running(shop), shop, { ...target, services: ['web'], volumes: true, rmi: 'all' });
  expect(text(plan)).toContain('web');
  expect(text(plan)).not.toContain('db');
});

test('what run made stays with a word, or goes with the orphans', () => {
  const [first, ...others] = running(chain).containers;
  if (first === undefined) throw new Error('nothing runs');
  const oneOff = { ...first, id: 'f00d', name: 'demo-a-run', number: 0, oneOff: true };
  const observed: ObservedState = { ...running(chain), containers: [first, ...others, oneOff] };
  const plan = text(planDown(observed, chain, target));
  expect(plan).not.toMatch(/container\.\w+ +a-run/);
  expect(plan).toContain('warning: Project demo keeps containers that run made: demo-a-run');
  expect(text(planDown(observed, chain, { ...target, removeOrphans: true }))).toMatch(/container\.remove +a-run/);
});

test('orphans stay with a word, or go when asked', () => {
  const observed = running(chain);
  const less = project({ services: { c: { image: 'busybox' } } });
  expect(text(planDown(observed, less, target))).toContain('warning: Project demo keeps containers');
  const all = planDown(observed, less, { ...target, removeOrphans: true });
  expect(simulate(observed, all).containers).toEqual([]);
});

test('services that no profile lets in are left alone, unless they are named', () => {
  const observed = running(chain);
  const { a = {}, b = {}, c = {} } = chain.model.services;
  const less = project({ services: { b, c }, disabledServices: { a } });
  const only = { ...target, timeoutS: 0 };
  for (const plan of [
    planDown(observed, less, only),
    planDown(observed, less, { ...only, removeOrphans: true }),
    planStop(observed, less, only),
    planRestart(observed, less, only),
    planKill(observed, less, only),
    planPause(observed, less, only),
    planRemove(observed, less, { ...only, stop: true }),
  ]) {
    expect(text(plan)).not.toMatch(/ a-1 /);
    expect(text(plan)).toMatch(/ b-1 /);
  }
  expect(text(planStop(observed, less, { ...only, services: ['a'] }))).toBe('1  container.stop  a-1  stop');
  expect(text(planKill(observed, less, { ...only, services: ['a'] }))).toBe('1  container.kill  a-1  kill');
  expect(text(planStop(observed, undefined, only))).toContain('a-1');
});

test('start of a project that is only a name needs containers', () => {
  const nothing: ObservedState = { containers: [], networks: [], volumes: [], images: {} };
  expect(failureOf(() => planStart(nothing, undefined, target))).toMatchObject({ code: 'plan/no-containers' });
});

test('down of nothing is nothing', () => {
  expect(text(planDown({ containers: [], networks: [], volumes: [], images: {} }, chain, target))).toBe('');
});

test('stop goes from dependents to what they need, start the other way', () => {
  const observed = running(chain);
  const stop = planStop(observed, chain, { ...target, timeoutS: 3 });
  expect(text(stop)).toMatchInlineSnapshot(`
    "1          container.stop  a-1  stop
    2 after 1  container.stop  b-1  stop
    3 after 2  container.stop  c-1  stop"
  `);
  expect(text(planStart(simulate(observed, stop), chain, target))).toMatchInlineSnapshot(`
    "1          container.start  c-1  is exited
    2 after 1  container.start  b-1  is exited
    3 after 2  container.start  a-1  is exited"
  `);
});

test('start of one service starts what it needs; without a container it is an error', () => {
  const observed = running(chain);
  const stopped = simulate(observed, planStop(observed, chain, target));
  const plan = planStart(stopped, chain, { ...target, services: ['b'] });
  expect(plan.steps.map(({ operation }) => 'container' in operation && operation.container.name)).toEqual([
    'demo-c-1',
    'demo-b-1',
  ]);
  const none: ObservedState = { ...stopped, containers: [] };
  expect(failureOf(() => planStart(none, chain, target))).toMatchObject({ code: 'plan/no-container' });
});

test('restart takes along who asks to be restarted', () => {
  expect(text(planRestart(running(chain), chain, { ...target, services: ['c'] }))).toMatchInlineSnapshot(`
    "1          container.restart  c-1  restart
    2 after 1  container.restart  b-1  what it needs is restarted"
  `);
  expect(text(planRestart(running(chain), chain, { ...target, services: ['c'], noDeps: true }))).not.toContain('b-1');
});

test('kill reaches only what runs', () => {
  const observed = running(chain);
  const plan = planKill(observed, chain, { ...target, services: ['a'], signal: 'SIGHUP' });
  expect(plan.steps.map(({ operation }) => operation)).toMatchObject([{ kind: 'container.kill', signal: 'SIGHUP' }]);
  expect(planKill(simulate(observed, planStop(observed, chain, target)), chain, target).steps).toEqual([]);
});

test('kill reaches what run made, also of one service', () => {
  const [first] = running(chain).containers;
  const oneOff = { ...first, id: 'f00d', name: 'a-run', service: 'a', number: 0, oneOff: true, status: 'running' };
  const observed = { ...running(chain), containers: [oneOff] } as ObservedState;
  for (const services of [[], ['a']])
    expect(text(planKill(observed, chain, { ...target, services }))).toContain('a-run');
  expect(planKill(observed, chain, { ...target, services: ['b'] }).steps).toEqual([]);
});

test('rm removes what is stopped, and with stop what runs', () => {
  const observed = running(chain);
  expect(planRemove(observed, chain, target).steps).toEqual([]);
  expect(text(planRemove(observed, chain, { ...target, stop: true, services: ['a'] }))).toMatchInlineSnapshot(`
    "1          container.stop    a-1  remove
    2 after 1  container.remove  a-1  remove"
  `);
});

test('pause and unpause reach what is not so already', () => {
  const observed = running(chain);
  const paused = simulate(observed, planPause(observed, chain, { ...target, services: ['a'] }));
  expect(planPause(paused, chain, target).steps).toHaveLength(2);
  expect(planUnpause(paused, chain, target).steps).toHaveLength(1);
});
