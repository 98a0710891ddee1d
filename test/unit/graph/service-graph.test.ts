import { expect, test } from 'vitest';
import { hasCode } from '../../../src/base/errors.js';
import { buildGraph, dependenciesOf, dependentsOf, startOrder } from '../../../src/graph/index.js';
import { project } from '../../support/project.js';

const started = { condition: 'service_started', required: true } as const;

test('services start level by level, each after all it needs', () => {
  const graph = buildGraph(
    project({
      services: {
        web: { depends_on: { api: started, cache: started } },
        api: { depends_on: { db: started } },
        cache: {},
        db: {},
      },
    }),
  );
  expect(startOrder(graph)).toEqual([['cache', 'db'], ['api'], ['web']]);
  expect(startOrder(graph, ['web', 'db'])).toEqual([['db'], ['web']]);
});

test('every attribute that names a service makes an edge, and says so', () => {
  const graph = buildGraph(
    project({
      services: {
        a: {
          depends_on: { b: { condition: 'service_healthy', required: false, restart: true } },
          links: ['c:alias'],
          volumes_from: ['d:ro', 'container:outside'],
          network_mode: 'service:e',
          pid: 'service:f',
          ipc: 'service:g',
        },
        ...Object.fromEntries(['b', 'c', 'd', 'e', 'f', 'g'].map((name) => [name, {}])),
      },
    }),
  );
  expect(
    graph.needs('a').map(({ to, via, condition, required, restart }) => [to, via.join(), condition, required, restart]),
  ).toEqual([
    ['b', 'depends_on', 'service_healthy', false, true],
    ['c', 'links', 'service_started', true, true],
    ['d', 'volumes_from', 'service_started', true, false],
    ['e', 'network_mode', 'service_started', true, true],
    ['f', 'pid', 'service_started', true, true],
    ['g', 'ipc', 'service_started', true, true],
  ]);
});

test('an explicit condition survives a second attribute that needs the same service', () => {
  const graph = buildGraph(
    project({
      services: { a: { depends_on: { b: { condition: 'service_healthy', required: true } }, links: ['b'] }, b: {} },
    }),
  );
  expect(graph.needs('a')).toMatchObject([
    { condition: 'service_healthy', via: ['depends_on', 'links'], restart: true },
  ]);
});

test('what a service needs and what needs it is found through others', () => {
  const graph = buildGraph(
    project({
      services: { a: { depends_on: { b: started } }, b: { depends_on: { c: started } }, c: {}, d: {} },
    }),
  );
  expect(dependenciesOf(graph, ['a'])).toEqual(['b', 'c']);
  expect(dependentsOf(graph, ['c'])).toEqual(['a', 'b']);
  expect(dependentsOf(graph, ['d'])).toEqual([]);
});

test('a cycle is told as a path, at the edge that closes it', () => {
  const cyclic = project({
    services: {
      front: { depends_on: { a: started } },
      a: { depends_on: { b: started } },
      b: { network_mode: 'service:c' },
      c: { volumes_from: ['a'] },
    },
    lines: { 'services.c.volumes_from.0': 17, 'services.a.depends_on.b': 5 },
  });
  expect(() => buildGraph(cyclic)).toThrow('services depend on each other in a circle: a → b → c → a');
  try {
    buildGraph(cyclic);
  } catch (error) {
    expect(hasCode(error, 'graph/cycle') && error.at).toMatchObject({ line: 17 });
  }
});

test('a service that needs itself is a cycle', () => {
  expect(() => buildGraph(project({ services: { a: { links: ['a'] } } }))).toThrow('circle: a → a');
});

test('an absent service that is not required makes no edge', () => {
  const graph = buildGraph(
    project({ services: { a: { depends_on: { gone: { condition: 'service_started', required: false } } } } }),
  );
  expect(graph.needs('a')).toEqual([]);
});
