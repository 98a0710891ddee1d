import { expect, test } from 'vitest';
import type { Project, Service } from '../../../src/compose/index.js';
import {
  checkPlan,
  planDown,
  planStart,
  planStop,
  planUp,
  projectGraph,
  renderPlan,
  type ObservedProvider,
  type ObservedState,
  type Plan,
  type UpOptions,
} from '../../../src/plan/index.js';
import { failureOf } from '../../support/failure.js';
import { running, withImages } from '../../support/observed.js';
import { project } from '../../support/project.js';

const started = { condition: 'service_started', required: true } as const;
const busybox: Service = { image: 'busybox' };

function cloud(options: Readonly<Record<string, readonly string[]>> = {}): Service {
  return { provider: { type: 'cloud', options }, networks: {} };
}

const mute: ObservedProvider = { program: '/bin/cloud', isPlugin: false, actions: undefined };
const pair = project({ services: { db: cloud({ size: ['3'] }), web: { ...busybox, depends_on: { db: started } } } });
const answered: UpOptions = {
  fetched: {
    pulled: [],
    built: [],
    provided: {
      db: [
        { name: 'URL', value: 'db://x', raw: false },
        { name: 'REGION', value: 'eu', raw: true },
      ],
    },
  },
};

function knowing(observed: ObservedState, cloudProvider: ObservedProvider = mute): ObservedState {
  return { ...observed, providers: { cloud: cloudProvider } };
}

function checked(plan: Plan): Plan {
  expect(checkPlan(plan)).toEqual([]);
  return plan;
}

function callOf(plan: Plan): readonly string[] | undefined {
  const call = plan.steps.map(({ operation }) => operation).find(({ kind }) => kind === 'provider.run');
  return call?.kind === 'provider.run' ? call.args : undefined;
}

/** Names and values of the variables that the container of web is created with. */
function environmentOf(plan: Plan): readonly string[] | null | undefined {
  const create = plan.steps.map(({ operation }) => operation).find(({ kind }) => kind === 'container.create');
  return create?.kind === 'container.create' ? create.request.Env : undefined;
}

test('a provider is asked before anything is created, and the rest is planned with what it says', () => {
  const first = checked(planUp(pair, knowing(withImages(pair))));
  expect(renderPlan(first)).toBe(
    '1  provider.run  db cloud up  what it provides is asked for\nthen, with what these bring: compare again',
  );
  expect(callOf(first)).toEqual(['compose', '--project-name=demo', 'up', '--size=3', 'db']);
  const second = checked(planUp(pair, knowing(withImages(pair)), answered));
  expect(second.again).toBeUndefined();
  expect(second.steps.map(({ operation }) => operation.kind)).toEqual([
    'network.create',
    'container.create',
    'container.start',
  ]);
  expect(environmentOf(second)).toEqual(['DB_URL=db://x', 'REGION=eu']);
});

test('the same answer is no change, and another one replaces those who depend on it', () => {
  const up = knowing(running(pair, answered));
  expect(planUp(pair, up, answered).steps).toEqual([]);
  const moved = {
    fetched: { pulled: [], built: [], provided: { db: [{ name: 'URL', value: 'db://y', raw: false }] } },
  };
  expect(planUp(pair, up, moved).steps[0]?.operation).toMatchObject({ kind: 'container.create' });
});

test('only services that depend on a provider get its variables', () => {
  const lonely = project({ services: { db: cloud(), web: busybox } });
  expect(environmentOf(planUp(lonely, knowing(withImages(lonely)), answered))).toBeUndefined();
});

test('a variable that is not prefixed wins over the file, with a warning', () => {
  const own = project({
    services: { db: cloud(), web: { ...busybox, depends_on: { db: started }, environment: { REGION: 'us' } } },
    lines: { 'services.web.environment.REGION': 7 },
  });
  const plan = planUp(own, knowing(withImages(own)), answered);
  expect(environmentOf(plan)).toEqual(['DB_URL=db://x', 'REGION=eu']);
  expect(plan.warnings).toMatchObject([
    { subject: 'Service web', message: 'has its variable REGION set by provider db', at: { line: 7 } },
  ]);
});

test('providers follow their dependencies, and come along when these are left out', () => {
  const chain = project({
    services: {
      a: cloud(),
      b: { ...cloud(), depends_on: { a: started } },
      web: { ...busybox, depends_on: { b: started } },
    },
  });
  const observed = knowing(withImages(chain));
  expect(renderPlan(planUp(chain, observed))).toMatchInlineSnapshot(`
    "1          provider.run  a cloud up  what it provides is asked for
    2 after 1  provider.run  b cloud up  what it provides is asked for
    then, with what these bring: compare again"
  `);
  const alone = planUp(chain, observed, { services: ['web'], noDeps: true });
  expect(alone.steps.map(({ operation }) => 'service' in operation && operation.service)).toEqual(['b']);
});

test('a provider that describes itself gets only what it knows, and is not called without what it needs', () => {
  const actions = { up: [{ name: 'size', required: true }], down: [] };
  const describing: ObservedProvider = { ...mute, actions };
  const generous = project({ services: { db: cloud({ size: ['1', '2'], other: ['x'] }) } });
  expect(callOf(planUp(generous, knowing(withImages(generous), describing)))).toEqual([
    ...['compose', '--project-name=demo', 'up', '--size=1', '--size=2', 'db'],
  ]);
  const poor = project({ services: { db: cloud() }, lines: { 'services.db.provider': 4 } });
  const failure = failureOf(() => planUp(poor, knowing(withImages(poor), describing)));
  expect(failure).toMatchObject({ code: 'plan/provider-option-missing', at: { line: 4 } });
  expect(callOf(planDown(knowing(withImages(poor), describing), poor, { projectName: 'demo' }))).toEqual([
    ...['compose', '--project-name=demo', 'down', 'db'],
  ]);
});

test('a provider that is not installed is told with its place and what to do', () => {
  const lost = project({ services: { db: cloud() }, lines: { 'services.db.provider.type': 4 } });
  expect(failureOf(() => planUp(lost, { ...withImages(lost), providers: {} }))).toMatchObject({
    code: 'plan/provider-missing',
    message: 'service "db" needs the provider "cloud", which is not installed',
    hint: 'install docker-cloud as a plugin of the docker CLI, or put cloud in the PATH',
    at: { line: 4 },
  });
});

test('down takes providers down between those who depend on them and what they need', () => {
  const middle = project({
    services: {
      base: busybox,
      db: { ...cloud(), depends_on: { base: started } },
      web: { ...busybox, depends_on: { db: started } },
    },
  });
  const up = knowing(running(middle, answered));
  expect(renderPlan(checked(planDown(up, middle, { projectName: 'demo' })))).toMatchInlineSnapshot(`
    "1              container.stop    web-1          down
    2 after 1      container.remove  web-1          down
    3 after 1      provider.run      db cloud down  down
    4 after 3      container.stop    base-1         down
    5 after 4      container.remove  base-1         down
    6 after 2,3,5  network.remove    demo_default   down"
  `);
});

test('stop asks a provider only when it says that it can, and start never asks it', () => {
  const up = knowing(running(pair, answered));
  const options = { projectName: 'demo' };
  expect(callOf(planStop(up, pair, options))).toBeUndefined();
  const able = knowing(up, { ...mute, actions: { up: [], down: [], stop: [] } });
  expect(callOf(planStop(able, pair, options))).toEqual(['compose', '--project-name=demo', 'stop', 'db']);
  expect(planStart(up, pair, options).steps).toEqual([]);
});

test('the engine is told of no service that it could not start', () => {
  expect(projectGraph(pair).services).toMatchObject({ web: { needs: [] } });
  expect(Object.keys(projectGraph(pair).services)).toEqual(['web']);
});

function withModels(web: Service): Project {
  const models = { 'my-llm': { model: 'ai/small', context_size: 4096, runtime_flags: ['--fast'] } };
  return project({ services: { web: { ...busybox, ...web } }, models, lines: { 'services.web.models': 6 } });
}

test('a model is provided before the services that use it, which learn where it is', () => {
  const plain = withModels({ models: { 'my-llm': null } });
  const observed = { ...withImages(plain), providers: { model: { ...mute, isPlugin: true } } };
  expect(planUp(plain, observed).steps.map(({ operation }) => operation)).toMatchObject([
    { kind: 'model.provide', key: 'my-llm', model: 'ai/small', contextSize: 4096, runtimeFlags: ['--fast'] },
  ]);
  const fetched = { pulled: [], built: [], endpoints: { 'my-llm': 'http://m/' } };
  expect(environmentOf(planUp(plain, observed, { fetched }))).toEqual([
    'MY_LLM_MODEL=ai/small',
    'MY_LLM_URL=http://m/',
  ]);
  const named = withModels({ models: { 'my-llm': { model_var: 'NAME', endpoint_var: 'WHERE' } } });
  expect(environmentOf(planUp(named, observed, { fetched }))).toEqual(['NAME=ai/small', 'WHERE=http://m/']);
  expect(failureOf(() => planUp(plain, withImages(plain)))).toMatchObject({
    code: 'plan/model-runner-missing',
    at: { line: 6 },
  });
});
