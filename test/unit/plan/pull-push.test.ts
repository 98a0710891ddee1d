import { expect, test } from 'vitest';
import type { Service } from '../../../src/compose/index.js';
import {
  nothingObserved,
  planPull,
  planPush,
  planUp,
  renderPlan,
  type ObservedState,
  type PullOptions,
} from '../../../src/plan/index.js';
import { image } from '../../support/observed.js';
import { project } from '../../support/project.js';

const build: Service['build'] = { context: '/srv/demo', dockerfile: 'Dockerfile' };

function pulled(
  services: Record<string, Service>,
  options: PullOptions = {},
  present: readonly string[] = [],
): string[] {
  const images = Object.fromEntries(present.map((name) => [name, image(name)]));
  const plan = planPull(project({ services }), { ...nothingObserved, images }, options);
  return plan.steps.flatMap(({ operation }) =>
    operation.kind === 'image.pull' ? [`${operation.image}${operation.optional ? ' if it can' : ''}`] : [],
  );
}

test('pull takes every image once, present or not; what can be built may fail', () => {
  const services = { a: { image: 'x' }, b: { image: 'x' }, c: { image: 'y', build }, d: { build } };
  expect(pulled(services, {}, ['x'])).toEqual(['x', 'y if it can']);
  expect(pulled(services, { ignoreBuildable: true })).toEqual(['x']);
  expect(pulled(services, { ignoreFailures: true, services: ['a'] })).toEqual(['x if it can']);
});

test('pull heeds policies, and --policy stands in for all', () => {
  const services = {
    a: { image: 'never:1', pull_policy: 'never' },
    b: { image: 'missing:1', pull_policy: 'missing' },
    c: { image: 'latest', pull_policy: 'missing' },
    d: { image: 'daily:1', pull_policy: 'daily' },
  };
  const all = ['never:1', 'missing:1', 'latest', 'daily:1'];
  expect(pulled(services, {}, all)).toEqual(['latest', 'daily:1']);
  expect(pulled(services, {})).toEqual(['missing:1', 'latest', 'daily:1']);
  expect(pulled(services, { policy: 'missing' }, all)).toEqual(['latest']);
  expect(pulled(services, { policy: 'always' }, all)).toEqual(all);
});

test('pull --include-deps takes what the services need, and images of hooks come along', () => {
  const services: Record<string, Service> = {
    web: {
      image: 'x',
      depends_on: { db: { condition: 'service_started', required: true } },
      pre_start: [{ image: 'tool' }],
    },
    db: { image: 'y' },
  };
  expect(pulled(services, { services: ['web'] })).toEqual(['x', 'tool']);
  expect(pulled(services, { services: ['web'], withDependencies: true })).toEqual(['y', 'x', 'tool']);
});

test('push takes what is built and has a name, under all its tags', () => {
  const services = {
    a: { image: 'host/a:1', build: { ...build, tags: ['host/a:2', 'host/a:1'] } },
    b: { image: 'only-pulled' },
    c: { build },
  };
  expect(renderPlan(planPush(project({ services })))).toMatchInlineSnapshot(`
    "1  image.push  host/a:1  asked to push
    2  image.push  host/a:2  asked to push"
  `);
});

test.each([
  ['daily', 23, false],
  ['daily', 25, true],
  ['weekly', 167, false],
  ['weekly', 169, true],
  ['every_1d12h', 35, false],
  ['every_1d12h', 37, true],
  ['every_30m', 1, true],
  ['missing', 1_000, false],
])('pull_policy %s of an image pulled %i hours ago', (policy, hours, due) => {
  const desired = project({ services: { a: { image: 'x', pull_policy: policy } } });
  const observed: ObservedState = { ...nothingObserved, images: { x: image('x', { taggedS: 1_000_000 }) } };
  const plan = planUp(desired, observed, { nowS: 1_000_000 + hours * 3_600 });
  expect(plan.steps.some(({ operation }) => operation.kind === 'image.pull')).toBe(due);
});

test('a project in compatibility mode has _ in names of containers and images', () => {
  const desired = { ...project({ services: { a: { build } } }), separator: '_' as const };
  expect(renderPlan(planUp(desired, nothingObserved))).toMatchInlineSnapshot(`
    "1            image.build       demo_a        image is not there
    2 after 1    network.create    demo_default  is not there
    3 after 1,2  container.create  a_1           is not there
    4 after 3    container.start   a_1           is new"
  `);
});
