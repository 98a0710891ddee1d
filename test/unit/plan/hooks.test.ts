import { expect, test } from 'vitest';
import type { Project } from '../../../src/compose/index.js';
import { checkPlan, planDown, planRestart, planStop, planUp, renderPlan } from '../../../src/plan/index.js';
import { failureOf } from '../../support/failure.js';
import { image, running, withImages } from '../../support/observed.js';
import { project } from '../../support/project.js';

const hook = { command: ['true'] };
const hooked = project({
  services: {
    web: { image: 'x', pre_start: [hook], post_start: [hook, hook], pre_stop: [hook] },
    next: { image: 'x', depends_on: { web: { condition: 'service_started', required: true } } },
  },
});

test('pre_start runs in a container of its own before, post_start in the service’s after its start; dependents wait', () => {
  const plan = planUp(hooked, withImages(hooked), { services: ['next'] });
  expect(checkPlan(plan)).toEqual([]);
  expect(renderPlan(plan)).toMatchInlineSnapshot(`
    "1              network.create    demo_default      is not there
    2 after 1      container.create  web-1             is not there
    3 after 1      container.create  next-1            is not there
    4 after 2      container.create  web pre_start[0]  pre_start[0] of web
    5 after 4      container.start   web pre_start[0]  pre_start[0] of web
    6 after 5      container.wait    web completed     pre_start[0] of web
    7 after 6      container.remove  web pre_start[0]  pre_start[0] of web
    8 after 2,7    container.start   web-1             is new
    9 after 8      container.exec    web-1             post_start hook
    10 after 9     container.exec    web-1             post_start hook
    11 after 3,10  container.start   next-1            is new"
  `);
});

test('pre_start runs once for all replicas, and not while one runs', () => {
  const scaled = planUp(hooked, withImages(hooked), { services: ['web'], scale: { web: 3 } });
  const creations = (plan: typeof scaled): string[] =>
    plan.steps.flatMap(({ operation }) => (operation.kind === 'container.create' ? [operation.finalName] : []));
  expect(creations(scaled)).toEqual(['demo-web-1', 'demo-web-2', 'demo-web-3', 'web pre_start[0]']);
  const more = planUp(hooked, running(hooked), { services: ['web'], scale: { web: 2 } });
  expect(creations(more)).toEqual(['demo-web-2']);
});

test('the image of a hook is pulled where it is missing', () => {
  const other = project({ services: { web: { image: 'x', pre_start: [{ ...hook, image: 'tool' }] } } });
  const plan = planUp(other, { ...withImages(other), images: { x: image('x') } });
  expect(renderPlan(plan).split('\n')[0]).toMatch(/image\.pull +tool +image of a hook is not there$/);
  expect(checkPlan(plan)).toEqual([]);
});

test('pre_stop runs before every stop, and before a restart', () => {
  const state = running(hooked);
  const target = { projectName: 'demo', services: ['web'] };
  const kinds = (plan: ReturnType<typeof planStop>): string[] =>
    plan.steps.flatMap(({ operation }) =>
      'container' in operation && operation.container.service === 'web' ? [operation.kind] : [],
    );
  expect(kinds(planStop(state, hooked, target))).toEqual(['container.exec', 'container.stop']);
  expect(kinds(planDown(state, hooked, target))).toEqual(['container.exec', 'container.stop', 'container.remove']);
  expect(kinds(planRestart(state, hooked, target))).toEqual([
    'container.exec',
    'container.restart',
    'container.exec',
    'container.exec',
  ]);
});

test('what is in the environment of a hook is neither stored nor told', () => {
  const make = (value: string): Project => {
    const exec = { command: ['true'], environment: { PASSWORD: value } };
    const watch = [{ path: '/srv', target: '/srv', action: 'sync+exec' as const, exec }];
    return project({
      services: { web: { image: 'x', pre_start: [exec], post_start: [exec], pre_stop: [exec], develop: { watch } } },
    });
  };
  const state = running(make('horse'));
  expect(JSON.stringify(state.containers)).not.toContain('horse');
  expect(JSON.stringify(state.containers)).toContain('PASSWORD');
  const plan = renderPlan(planUp(make('battery'), state));
  expect(plan).toContain('post_start[0].environment.PASSWORD changed');
  expect(plan).not.toMatch(/horse|battery|sha256/);
});

test('a hook for each replica is refused, with its place', () => {
  const parts = { services: { web: { image: 'x', pre_start: [{ ...hook, per_replica: true }] } } };
  const failure = failureOf(() => planUp(project(parts), withImages(project(parts))));
  expect(failure).toMatchObject({ code: 'plan/unsupported-hook' });
});

test('down removes containers of hooks that failed', () => {
  const state = running(hooked);
  const [any] = state.containers;
  if (any === undefined) throw new Error('nothing runs');
  const hooks = [{ ...any, id: 'failed', name: 'quirky_name' }];
  const plan = planDown({ ...state, hooks }, hooked, { projectName: 'demo' });
  expect(renderPlan(plan)).toMatch(/container\.remove +quirky_name +a hook that failed/);
});
