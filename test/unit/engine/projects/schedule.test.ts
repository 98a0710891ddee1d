import { describe, expect, test } from 'vitest';
import type { NeedCondition, ProjectGraph } from '../../../../src/api/tscompose.js';
import { decideStarts, parseGraph, type Member } from '../../../../src/engine/projects/index.js';

/** `web: ['api', 'db?healthy']`: a `?` is a need that is not required, the word after a `:` its condition. */
function graph(services: Readonly<Record<string, readonly string[]>>): ProjectGraph {
  const conditions: Readonly<Record<string, NeedCondition>> = {
    '': 'service_started',
    healthy: 'service_healthy',
    done: 'service_completed_successfully',
  };
  const nodes = Object.entries(services).map(([name, needs]) => {
    const parsed = needs.map((need) => {
      const [, service = '', optional = '', word = ''] = /^(\w+)(\??):?(\w*)$/.exec(need) ?? [];
      const condition = conditions[word] ?? 'service_started';
      return { service, condition, required: optional === '', restart: false };
    });
    return [name, { needs: parsed, restartUnhealthy: false, restartWithDependencies: false }] as const;
  });
  return { name: 'demo', workingDir: '/demo', composeFiles: [], services: Object.fromEntries(nodes) };
}

const base = { health: undefined, exitCode: 0, lostTo: undefined, error: '' } as const;
const due = (service: string, more: Partial<Member> = {}): Member => ({
  ...base,
  service,
  phase: 'coming',
  due: true,
  ...more,
});
const running = (service: string, health?: Member['health']): Member => ({
  ...base,
  service,
  phase: 'running',
  due: false,
  health,
});
const starting = (service: string): Member => due(service, { due: false });
const ended = (service: string, exitCode: number, error = ''): Member => ({
  ...base,
  service,
  phase: 'ended',
  due: false,
  exitCode,
  error,
});

/** `go`, or why not; `!` marks what will not end by itself. */
function answers(project: ProjectGraph, ...members: Member[]): Record<string, string> {
  const entries = [...decideStarts(project, members)].map(([service, wait]): [string, string] => [
    service,
    wait === undefined ? 'go' : `${wait.Failed ? '! ' : ''}${wait.Reason}`,
  ]);
  return Object.fromEntries(entries);
}

describe('what is due starts', () => {
  test('at once where it needs nothing, whatever else is under way', () => {
    const project = graph({ a: [], b: [], c: ['a'] });
    expect(answers(project, due('a'), due('b'), due('c'))).toEqual({
      a: 'go',
      b: 'go',
      c: 'waits for "a" to start',
    });
  });

  test('level by level', () => {
    const project = graph({ web: ['api'], api: ['db:healthy'], db: [] });
    expect(answers(project, due('web'), due('api'), due('db'))).toEqual({
      web: 'waits for "api" to start',
      api: 'waits for "db" to be healthy',
      db: 'go',
    });
    expect(answers(project, due('web'), due('api'), running('db', 'starting'))).toMatchObject({
      api: 'waits for "db" to be healthy',
    });
    expect(answers(project, due('web'), due('api'), running('db', 'healthy'))).toEqual({
      web: 'waits for "api" to start',
      api: 'go',
    });
    expect(answers(project, due('web'), running('api'), running('db', 'healthy'))).toEqual({ web: 'go' });
  });

  test('after a job that ended with code 0, and not after one that did not', () => {
    const project = graph({ web: ['job:done'], job: [] });
    expect(answers(project, due('web'), ended('job', 0))).toEqual({ web: 'go' });
    expect(answers(project, due('web'), running('job'))).toEqual({ web: 'waits for "job" to complete' });
    expect(answers(project, due('web'), ended('job', 3))).toEqual({
      web: '! was not started: "job" does not run: it exited with code 3',
    });
  });

  test('when one of several has done the job', () => {
    const project = graph({ web: ['job:done'], job: [] });
    expect(answers(project, due('web'), ended('job', 3), ended('job', 0))).toEqual({ web: 'go' });
    expect(answers(project, due('web'), ended('job', 3), running('job'))).toEqual({
      web: 'waits for "job" to complete',
    });
  });

  test('when every replica is healthy', () => {
    const project = graph({ web: ['db:healthy'], db: [] });
    expect(answers(project, due('web'), running('db', 'healthy'), running('db', 'starting'))).toEqual({
      web: 'waits for "db" to be healthy',
    });
    expect(answers(project, due('web'), running('db', 'healthy'), running('db', 'unhealthy'))).toEqual({
      web: '! was not started: "db" is unhealthy',
    });
    expect(answers(project, due('web'), running('db', 'healthy'), running('db', 'healthy'))).toEqual({ web: 'go' });
  });

  test('beside one that somebody has stopped, unless its health is asked for', () => {
    expect(answers(graph({ web: ['db'], db: [] }), due('web'), ended('db', 137))).toEqual({ web: 'go' });
    expect(answers(graph({ web: ['db:healthy'], db: [] }), due('web'), ended('db', 137))).toEqual({
      web: '! was not started: "db" does not run: it exited with code 137',
    });
  });

  test('where what it needs has no container, or no health check', () => {
    expect(answers(graph({ web: ['db:healthy'], db: [] }), due('web'))).toEqual({ web: 'go' });
    expect(answers(graph({ web: ['db:healthy'], db: [] }), due('web'), running('db'))).toEqual({ web: 'go' });
  });

  test('also when the graph does not know its service', () => {
    expect(answers(graph({}), due('orphan'))).toEqual({ orphan: 'go' });
  });
});

describe('a failure', () => {
  const project = graph({ web: ['api'], api: ['db'], db: [], other: [] });

  test('reaches everything that depends on it, with the cause, and nothing else', () => {
    const failed = ended('db', 128, 'port 5432 is taken');
    expect(answers(project, due('web'), due('api'), failed, due('other'))).toEqual({
      web: '! was not started: "api" was not started: "db" could not be started: port 5432 is taken',
      api: '! was not started: "db" could not be started: port 5432 is taken',
      other: 'go',
    });
  });

  test('is over as soon as it is mended', () => {
    expect(answers(project, due('web'), due('api'), running('db'))).toMatchObject({ api: 'go' });
  });

  test('is passed over where the need is not required, once it will not come any more', () => {
    const optional = graph({ web: ['db?:healthy'], db: [] });
    expect(answers(optional, due('web'), starting('db'))).toEqual({ web: 'waits for "db" to be healthy' });
    expect(answers(optional, due('web'), running('db', 'unhealthy'))).toEqual({ web: 'go' });
    expect(answers(optional, due('web'), ended('db', 1))).toEqual({ web: 'go' });
  });

  test('is told before what is merely awaited', () => {
    const two = graph({ web: ['a', 'b:done'], a: [], b: [] });
    expect(answers(two, due('web'), starting('a'), ended('b', 9))['web']).toContain('"b"');
  });
});

test('every order that starts what may be started comes to an end, and respects every condition', () => {
  let seed = 7;
  const random = (below: number) => (seed = (seed * 48_271) % 0x7fff_ffff) % below;
  for (let round = 0; round < 300; round++) {
    const names = Array.from({ length: 1 + random(8) }, (_, index) => `s${index}`);
    const words = ['', ':healthy', ':done'];
    const needs = names.map((_, index) =>
      names.slice(0, index).flatMap((name) => (random(3) === 0 ? [`${name}${words[random(3)] ?? ''}`] : [])),
    );
    const project = graph(Object.fromEntries(names.map((name, index) => [name, needs[index] ?? []])));
    const wantsDone = new Set(needs.flat().flatMap((need) => (need.endsWith(':done') ? [need.split(':')[0]] : [])));
    const state = new Map(names.map((name) => [name, due(name)]));
    for (let turn = 0; [...state.values()].some((member) => member.due); turn++) {
      expect(turn).toBeLessThan(names.length);
      const going = [...decideStarts(project, [...state.values()])].filter(([, wait]) => wait === undefined);
      expect(going.length).toBeGreaterThan(0);
      for (const [name] of going) {
        for (const need of project.services[name]?.needs ?? []) {
          const other = state.get(need.service);
          if (need.condition === 'service_completed_successfully') expect(other?.phase).toBe('ended');
          else if (!wantsDone.has(need.service)) expect(other?.phase).toBe('running');
        }
      }
      for (const [name] of going) state.set(name, wantsDone.has(name) ? ended(name, 0) : running(name, 'healthy'));
      // A service that is waited for in both ways never runs and has ended: leave it to the conditions' own tests.
      if (names.some((name) => wantsDone.has(name) && needs.flat().includes(`${name}:healthy`))) break;
    }
  }
});

describe('a graph from outside', () => {
  const good = graph({ web: ['db:healthy'], db: [] });

  test('is kept without what is not known', () => {
    const node = { needs: [], restartUnhealthy: true, restartWithDependencies: false, environment: { KEY: 'secret' } };
    const parsed = parseGraph({
      ...good,
      services: { web: { ...node, pace: { delayMs: 5, password: 'x' } } },
      more: 1,
    });
    expect(parsed).toEqual({
      ...good,
      services: { web: { needs: [], restartUnhealthy: true, restartWithDependencies: false, pace: { delayMs: 5 } } },
    });
    expect(parseGraph(good)).toEqual(good);
    const hook = { command: ['x'], user: 'me', workingDir: '/', privileged: true };
    const hooked = { ...node, hooks: { postStart: [{ ...hook, environment: ['KEY=secret'] }], preStop: [] } };
    expect(parseGraph({ ...good, services: { web: hooked } }).services['web']?.hooks).toEqual({
      postStart: [hook],
      preStop: [],
    });
  });

  test.each([
    [{ ...good, name: '../etc' }, 'name is not a name of a project'],
    [{ ...good, services: [] }, 'services is not an object'],
    [{ ...good, services: { web: { needs: [{ service: 'db' }] } } }, 'services.web.needs[0].condition is no condition'],
    [
      { ...good, services: { web: { needs: [], restartUnhealthy: 'yes' } } },
      'services.web.restartUnhealthy is neither true nor false',
    ],
  ])('is refused with the place of what is wrong (%#)', (value, message) => {
    expect(() => parseGraph(value)).toThrow(message);
  });
});
