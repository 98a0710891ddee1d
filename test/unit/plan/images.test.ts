import { expect, test } from 'vitest';
import type { Project, Service } from '../../../src/compose/index.js';
import {
  nothingObserved,
  planBuild,
  planUp,
  renderPlan,
  type ObservedState,
  type UpOptions,
} from '../../../src/plan/index.js';
import { image, running } from '../../support/observed.js';
import { failureOf } from '../../support/failure.js';
import { project } from '../../support/project.js';

const built: Service = { build: { context: '/srv/demo', dockerfile: 'Dockerfile' } };

/** Image steps of a plan, and whether it goes on after them. */
function images(desired: Project, observed: ObservedState, options: UpOptions = {}): string[] {
  const plan = planUp(desired, observed, options);
  const steps = plan.steps.flatMap(({ operation }) =>
    operation.kind === 'image.build' || operation.kind === 'image.pull'
      ? [`${operation.kind} ${operation.image}: ${operation.cause}`]
      : [],
  );
  return plan.again === undefined ? steps : [...steps, 'again'];
}

const has = (...names: string[]): ObservedState => ({
  ...nothingObserved,
  images: Object.fromEntries(names.map((name) => [name, image(name)])),
});

test('a missing image is built where the service can, else pulled', () => {
  expect(images(project({ services: { a: built } }), nothingObserved)).toEqual([
    'image.build demo-a: image is not there',
  ]);
  expect(images(project({ services: { a: { image: 'x' } } }), nothingObserved)).toEqual([
    'image.pull x: image is not there',
  ]);
  expect(images(project({ services: { a: built } }), has('demo-a'))).toEqual([]);
});

test('the whole plan of a first up with a build is known beforehand', () => {
  const desired = project({ services: { a: built } });
  expect(renderPlan(planUp(desired, nothingObserved))).toMatchInlineSnapshot(`
    "1            image.build       demo-a        image is not there
    2 after 1    network.create    demo_default  is not there
    3 after 1,2  container.create  a-1           is not there
    4 after 3    container.start   a-1           is new"
  `);
});

test('nothing is created before every image is there, whatever else it waits for', () => {
  const alone: Service = { image: 'x', network_mode: 'none' };
  const plan = planUp(project({ services: { a: alone, b: { ...built, network_mode: 'none' } } }), nothingObserved);
  const of = (word: string) => plan.steps.filter(({ operation }) => operation.kind.startsWith(word));
  const images = of('image.').map(({ id }) => id);
  expect(images).toHaveLength(2);
  expect(of('container.create').map(({ after }) => after)).toEqual([images, images]);
});

test('one image of several services is fetched once', () => {
  const desired = project({ services: { a: { image: 'x' }, b: { image: 'x' } } });
  expect(images(desired, nothingObserved)).toEqual(['image.pull x: image is not there']);
});

test('a named image that can be built is pulled first, and built if that fails', () => {
  const desired = project({ services: { a: { ...built, image: 'x' } } });
  expect(renderPlan(planUp(desired, nothingObserved))).toMatchInlineSnapshot(`
    "1            image.pull        x             image is not there
    2 after 1    image.build       x             in case it cannot be pulled
    3 after 2    network.create    demo_default  is not there
    4 after 2,3  container.create  a-1           is not there
    5 after 4    container.start   a-1           is new"
  `);
  const fetched = { pulled: ['x'], built: [] };
  expect(images(desired, nothingObserved, { fetched })).toEqual(['image.build x: image is not there']);
  expect(images(desired, has('x'), { fetched })).toEqual([]);
});

test('a pull that nothing can stand in for before it is tried is followed by a plan of its own', () => {
  const tried = 'image.pull x: image is not there';
  const desired = project({ services: { a: { ...built, image: 'x' } } });
  expect(images(desired, nothingObserved, { build: 'never' })).toEqual([tried, 'again']);
  expect(images(desired, has('x'), { pull: 'always' })).toEqual(['image.pull x: pull policy is always', 'again']);
  const over = { ...built, image: 'x', build: { context: '/srv', additional_contexts: { base: 'service:z' } } };
  expect(images(project({ services: { a: over, z: built } }), has('demo-z'))).toEqual([tried, 'again']);
});

test('--build builds what is there; what exists is compared with the new image in the next round', () => {
  const desired = project({ services: { a: built } });
  expect(images(desired, has('demo-a'), { build: 'always' })).toEqual(['image.build demo-a: asked to build']);
  const observed = running(desired);
  expect(images(desired, observed, { build: 'always' })).toEqual(['image.build demo-a: asked to build', 'again']);
  expect(images(desired, observed, { build: 'always', fetched: { pulled: [], built: ['demo-a'] } })).toEqual([]);
});

test.each<[string, Service, UpOptions, string[]]>([
  ['always', { image: 'x', pull_policy: 'always' }, {}, ['image.pull x: pull policy is always']],
  ['missing', { image: 'x', pull_policy: 'missing' }, {}, []],
  ['never', { image: 'x', pull_policy: 'never' }, {}, []],
  ['build', { ...built, pull_policy: 'build' }, {}, ['image.build demo-a: pull_policy is build']],
  ['build, but --no-build', { ...built, pull_policy: 'build' }, { build: 'never' }, []],
  [
    '--pull always over missing',
    { image: 'x', pull_policy: 'missing' },
    { pull: 'always' },
    ['image.pull x: pull policy is always'],
  ],
])('pull policy of an image that is there: %s', (_, service, options, steps) => {
  expect(images(project({ services: { a: service } }), has('x', 'demo-a'), options)).toEqual(steps);
});

test('an image that may not be fetched is told with its place', () => {
  const desired = project({
    services: { a: { image: 'x', pull_policy: 'never' } },
    lines: { 'services.a.image': 3 },
  });
  expect(failureOf(() => planUp(desired, nothingObserved))).toMatchObject({
    code: 'plan/image-missing',
    at: { line: 3 },
  });
  const unbuilt = project({ services: { a: built } });
  expect(() => planUp(unbuilt, nothingObserved, { build: 'never' })).toThrow(
    'image "demo-a" of service "a" is not there',
  );
});

test('an image for another platform counts as missing', () => {
  const desired = project({ services: { a: { image: 'x', platform: 'linux/arm64' } } });
  expect(images(desired, has('x'))).toEqual(['image.pull x: image is for linux/amd64']);
});

test('build builds the named services whatever is there', () => {
  const desired = project({ services: { a: built, b: { ...built, image: 'x' }, c: { image: 'y' } } });
  expect(renderPlan(planBuild(desired))).toMatchInlineSnapshot(`
    "1  image.build  demo-a  asked to build
    2  image.build  x       asked to build"
  `);
  expect(renderPlan(planBuild(desired, { services: ['b'] }))).toMatchInlineSnapshot(
    `"1  image.build  x  asked to build"`,
  );
});

test('a build carries names, labels and arguments; those of the command line win', () => {
  const desired = project({
    services: {
      a: {
        image: 'x',
        build: {
          context: '/srv',
          args: { A: '1', B: '2' },
          labels: { own: 'yes' },
          tags: ['x:extra'],
          target: 'dev',
          shm_size: '1048576',
        },
      },
    },
  });
  const [step] = planBuild(desired, { args: { B: '3' } }).steps;
  expect(step?.operation).toMatchObject({
    request: {
      context: '/srv',
      tags: ['x', 'x:extra'],
      args: { A: '1', B: '3' },
      target: 'dev',
      shmSize: 1048576,
      labels: { own: 'yes', 'com.docker.compose.project': 'demo', 'com.docker.compose.service': 'a' },
    },
  });
});

test('an SBOM that is wanted is said to be left out, at its place', () => {
  const build = { context: '/src', dockerfile: 'Dockerfile' };
  const services = { a: { build: { ...build, sbom: 'true' } }, b: { build: { ...build, sbom: 'false' } } };
  const { warnings } = planBuild(project({ services, lines: { 'services.a.build.sbom': 5 } }));
  expect(warnings).toMatchObject([{ subject: 'Service a', at: { line: 5 } }]);
});

test('a build comes after those whose images it names as contexts, also where they were not asked for', () => {
  const over = { build: { context: '/srv', additional_contexts: { base: 'service:z', src: '/src' } } };
  const desired = project({ services: { a: over, z: built } });
  const expected = { base: 'docker-image://demo-z', src: '/src' };
  const plan = planBuild(desired, { services: ['a'] });
  expect(renderPlan(plan)).toMatchInlineSnapshot(`
    "1          image.build  demo-z  another build starts from it
    2 after 1  image.build  demo-a  asked to build"
  `);
  expect(plan.steps[1]?.operation).toMatchObject({ request: { additionalContexts: expected } });
  expect(images(desired, nothingObserved)).toEqual([
    'image.build demo-z: image is not there',
    'image.build demo-a: image is not there',
  ]);
  expect(images(desired, has('demo-z'))).toEqual(['image.build demo-a: image is not there']);
});

test('a build comes after those of the services it depends on, for its Dockerfile may start from their images', () => {
  const started = { condition: 'service_started', required: true } as const;
  const services = {
    app: { build: { context: '/app' }, depends_on: { tools: started, db: started } },
    db: { image: 'postgres' },
    other: { build: { context: '/other' } },
    tools: { image: 'busybox', depends_on: { base: started } },
    base: { build: { context: '/base' } },
  };
  const plan = planBuild(project({ services }));
  expect(renderPlan(plan)).toMatchInlineSnapshot(`
    "1          image.build  demo-base   asked to build
    2          image.build  demo-other  asked to build
    3 after 1  image.build  demo-app    asked to build"
  `);
  const observed = { ...nothingObserved, images: has('postgres', 'busybox').images };
  const steps = planUp(project({ services }), observed).steps.filter(
    ({ operation }) => operation.kind === 'image.build',
  );
  expect(steps.map(({ id, operation, after }) => ({ id, after, ...operation }))).toMatchObject([
    { id: 1, service: 'base', after: [] },
    { id: 2, service: 'other', after: [] },
    { id: 3, service: 'app', after: [1] },
  ]);
});

test('builds that wait for each other are an error', () => {
  const on = (service: string): Service => ({
    build: { context: '/srv', additional_contexts: { base: `service:${service}` } },
  });
  const failure = failureOf(() => planBuild(project({ services: { a: on('b'), b: on('a') } })));
  expect(failure).toMatchObject({ code: 'plan/build-cycle', facts: { services: ['a', 'b', 'a'] } });
});

test('a build carries where its secrets and agents are, and what it is entitled to', () => {
  const desired = project({
    environment: { TOKEN: 't0ken' },
    secrets: {
      s: { name: 's', file: '/run/s' },
      v: { name: 'v', environment: 'TOKEN' },
      u: { name: 'u', environment: 'NO' },
    },
    services: {
      a: {
        build: {
          context: '/srv',
          secrets: [{ source: 's', target: 'other' }, { source: 'v' }, { source: 'u' }],
          ssh: ['default', 'key: /run/agent'],
          privileged: true,
          ulimits: { nofile: 12 },
        },
      },
    },
  });
  expect(planBuild(desired).steps[0]?.operation).toMatchObject({
    request: {
      secrets: { other: { file: '/run/s' }, v: { variable: 'TOKEN', text: 't0ken' } },
      ssh: { default: null, key: '/run/agent' },
      entitlements: ['security.insecure'],
      ulimits: [{ Name: 'nofile', Soft: 12, Hard: 12 }],
    },
  });
});

test("the ssh agent of a build is the one of the project's environment", () => {
  const desired = project({
    environment: { SSH_AUTH_SOCK: '/run/mine' },
    services: { a: { build: { context: '/srv', ssh: ['default', 'key: /run/agent'] } } },
  });
  const agents = { ssh: { default: '/run/mine', key: '/run/agent' } };
  expect(planBuild(desired).steps[0]?.operation).toMatchObject({ request: agents });
  const { operation } = planBuild(desired, { ssh: { default: null } }).steps[0] ?? {};
  expect(operation).toMatchObject({ request: agents });
});
