import { expect, test } from 'vitest';
import type { Project, Service } from '../../../src/compose/index.js';
import {
  checkPlan,
  planRestart,
  planUp,
  renderPlan,
  type ObservedState,
  type UpOptions,
} from '../../../src/plan/index.js';
import { running, withImages } from '../../support/observed.js';
import { failureOf } from '../../support/failure.js';
import { project } from '../../support/project.js';
import { simulate } from '../../support/simulate.js';

const started = { condition: 'service_started', required: true } as const;
const healthy = { condition: 'service_healthy', required: true } as const;
const completed = { condition: 'service_completed_successfully', required: true } as const;
const busybox: Service = { image: 'busybox' };

/** The plan as text, after its invariants have been checked. */
function up(desired: Project, observed: ObservedState, options: UpOptions = {}): string {
  const plan = planUp(desired, observed, options);
  expect(checkPlan(plan)).toEqual([]);
  return renderPlan(plan);
}

const pair = project({ services: { db: busybox, web: { ...busybox, depends_on: { db: started } } } });

test('a fresh project: network, containers all at once, starts in order', () => {
  expect(up(pair, withImages(pair))).toMatchInlineSnapshot(`
    "1            network.create    demo_default  is not there
    2 after 1    container.create  db-1          is not there
    3 after 1    container.create  web-1         is not there
    4 after 2    container.start   db-1          is new
    5 after 3,4  container.start   web-1         is new"
  `);
});

test('an unchanged project that runs plans to nothing', () => {
  const plan = planUp(pair, running(pair));
  expect(plan.steps).toEqual([]);
  expect(plan.unchanged).toMatchObject([
    { name: 'demo-db-1', running: true },
    { name: 'demo-web-1', running: true },
  ]);
});

test('stopped containers are started again, in order', () => {
  const observed = running(pair);
  const stopped = observed.containers.map((container) => ({ ...container, status: 'exited', exitCode: 1 }) as const);
  expect(up(pair, { ...observed, containers: stopped })).toMatchInlineSnapshot(`
    "1          container.start  db-1   is exited
    2 after 1  container.start  web-1  is exited"
  `);
});

test('a changed service is replaced under a temporary name, the others stay', () => {
  const before = project({ services: { db: busybox, web: { ...busybox, environment: { LEVEL: 'a' } } } });
  const after = project({
    services: {
      db: busybox,
      web: { ...busybox, environment: { LEVEL: 'b' }, ports: [{ target: 80, published: '8080' }] },
    },
    lines: { 'services.web.ports.0': 9 },
  });
  expect(up(after, running(before))).toMatchInlineSnapshot(`
    "1            container.create  web-1  environment.LEVEL changed; ports unset → [{"target":80,"published":"8080"}]
    2 after 1    container.stop    web-1  is replaced
    3 after 1,2  container.remove  web-1  is replaced
    4 after 3    container.rename  web-1  takes the place of the old one
    5 after 1,4  container.start   web-1  is new"
  `);
});

test('the reason of a replacement names the field, its values and its line', () => {
  const port = (published: string) => ({ ...busybox, ports: [{ target: 80, published }] });
  const before = project({ services: { web: port('8080') } });
  const after = project({ services: { web: port('8081') }, lines: { 'services.web.ports.0.published': 9 } });
  expect(planUp(after, running(before)).steps[0]?.operation.cause).toBe(
    'ports[0].published 8080 → 8081, compose.yaml:9',
  );
});

test('values of the environment are in no reason', () => {
  const before = project({ services: { web: { ...busybox, environment: { TOKEN: 'old-secret' } } } });
  const after = project({ services: { web: { ...busybox, environment: { TOKEN: 'new-secret' } } } });
  const plan = planUp(after, running(before));
  expect(renderPlan(plan)).not.toContain('secret');
  expect(renderPlan(plan)).toContain('environment.TOKEN');
});

test('a container made by docker compose itself is replaced without a field-level reason', () => {
  const observed = running(pair);
  const foreign = observed.containers.map((container) => ({
    ...container,
    labels: Object.fromEntries(Object.entries(container.labels).filter(([key]) => !key.startsWith('io.tscompose'))),
  }));
  const changed = project({
    services: { db: { ...busybox, user: '1' }, web: { ...busybox, depends_on: { db: started } } },
  });
  expect(up(changed, { ...observed, containers: foreign })).toContain('config hash differs');
});

test('another image under the same name replaces the container', () => {
  const observed = running(pair);
  const images = { busybox: { ...observed.images['busybox'], id: 'sha256:newer' } };
  expect(up(pair, { ...observed, images: images as ObservedState['images'] })).toMatchInlineSnapshot(`
    "1               container.create  db-1   image busybox is another one now
    2               container.create  web-1  image busybox is another one now
    3 after 2       container.stop    web-1  is replaced
    4 after 2,3     container.remove  web-1  is replaced
    5 after 4       container.rename  web-1  takes the place of the old one
    6 after 1       container.stop    db-1   is replaced
    7 after 1,6     container.remove  db-1   is replaced
    8 after 7       container.rename  db-1   takes the place of the old one
    9 after 1,8     container.start   db-1   is new
    10 after 2,5,9  container.start   web-1  is new"
  `);
});

test('dependents that ask for it are restarted when what they need is replaced', () => {
  const make = (user: string) =>
    project({
      services: {
        db: { ...busybox, user },
        web: { ...busybox, depends_on: { db: { ...started, restart: true } } },
        idle: { ...busybox, depends_on: { db: started } },
      },
    });
  expect(up(make('2'), running(make('1')))).toMatchInlineSnapshot(`
    "1            container.create  db-1   user 1 → 2
    2            container.stop    web-1  db is replaced
    3 after 1,2  container.stop    db-1   is replaced
    4 after 1,3  container.remove  db-1   is replaced
    5 after 4    container.rename  db-1   takes the place of the old one
    6 after 1,5  container.start   db-1   is new
    7 after 2,6  container.start   web-1  was stopped for the change"
  `);
});

test('who shares a namespace with a replaced container is replaced after it', () => {
  const make = (user: string) =>
    project({ services: { db: { ...busybox, user }, side: { ...busybox, network_mode: 'service:db' } } });
  expect(up(make('2'), running(make('1')))).toMatchInlineSnapshot(`
    "1               container.create  db-1    user 1 → 2
    2 after 1       container.create  side-1  shares with db, which is replaced
    3 after 2       container.stop    side-1  is replaced
    4 after 2,3     container.remove  side-1  is replaced
    5 after 4       container.rename  side-1  takes the place of the old one
    6 after 1,3     container.stop    db-1    is replaced
    7 after 1,6     container.remove  db-1    is replaced
    8 after 7       container.rename  db-1    takes the place of the old one
    9 after 1,8     container.start   db-1    is new
    10 after 2,5,9  container.start   side-1  is new"
  `);
});

test('where a network namespace outlives its owner, who shares it stays while the owner is replaced', () => {
  const side = { ...busybox, network_mode: 'service:db' };
  const make = (db: Service) => project({ services: { db: { ...busybox, ...db }, side } });
  const first = running(make({}));
  const idOf = (state: ObservedState, name: string) => state.containers.find((one) => one.name === name)?.id ?? '';
  const named = idOf(first, 'demo-db-1');
  const pinned = (state: ObservedState): ObservedState => ({
    ...state,
    containers: state.containers.map((one) =>
      one.service === 'side' ? { ...one, joined: { named, owner: idOf(state, 'demo-db-1') } } : one,
    ),
  });
  const next = make({ user: '2' });
  const plan = planUp(next, pinned(first));
  expect(renderPlan(plan)).toMatchInlineSnapshot(`
    "1            container.create  db-1  user unset → 2
    2 after 1    container.stop    db-1  is replaced
    3 after 1,2  container.remove  db-1  is replaced
    4 after 3    container.rename  db-1  takes the place of the old one
    5 after 1,4  container.start   db-1  is new"
  `);
  const second = simulate(pinned(first), plan);
  expect(idOf(second, 'demo-db-1')).not.toBe(named);
  expect(planUp(next, pinned(second)).steps).toEqual([]);
  expect(renderPlan(planUp(make({ network_mode: 'host' }), pinned(first)))).toContain('side-1  shares with db');
  expect(renderPlan(planRestart(pinned(first), next, { projectName: 'demo', services: ['db'] }))).toMatchInlineSnapshot(
    `"1  container.restart  db-1  restart"`,
  );
});

test('volumes_from follows a replaced container too', () => {
  const make = (user: string) =>
    project({ services: { config: { ...busybox, user }, web: { ...busybox, volumes_from: ['config:ro'] } } });
  const plan = planUp(make('2'), running(make('1')));
  const replaced = plan.steps.flatMap(({ operation }) =>
    operation.kind === 'container.create' ? [operation.service] : [],
  );
  expect(replaced).toEqual(['config', 'web']);
});

test('health and completion are waited for before a dependent starts, once for all who wait', () => {
  const desired = project({
    services: {
      db: { ...busybox, healthcheck: { test: ['CMD', 'true'] } },
      migrate: { ...busybox, depends_on: { db: healthy } },
      api: { ...busybox, depends_on: { db: healthy, migrate: completed } },
      web: { ...busybox, depends_on: { db: { ...healthy, required: false } } },
    },
  });
  expect(up(desired, withImages(desired))).toMatchInlineSnapshot(`
    "1                network.create    demo_default           is not there
    2 after 1        container.create  db-1                   is not there
    3 after 1        container.create  migrate-1              is not there
    4 after 1        container.create  web-1                  is not there
    5 after 1        container.create  api-1                  is not there
    6 after 2        container.start   db-1                   is new
    7 after 6        container.wait    db healthy             migrate needs it healthy
    8 after 3,7      container.start   migrate-1              is new
    9 after 6        container.wait    db healthy, if it can  web needs it healthy
    10 after 4,9     container.start   web-1                  is new
    11 after 8       container.wait    migrate completed      api needs it completed
    12 after 5,7,11  container.start   api-1                  is new"
  `);
});

test('nothing is waited for when the condition holds already', () => {
  const desired = project({
    services: {
      db: { ...busybox, healthcheck: { test: ['CMD', 'true'] } },
      web: { ...busybox, depends_on: { db: healthy } },
    },
  });
  const observed = running(desired);
  const containers = observed.containers.filter(({ service }) => service === 'db');
  expect(up(desired, { ...observed, containers })).toMatchInlineSnapshot(`
    "1          container.create  web-1  is not there
    2 after 1  container.start   web-1  is new"
  `);
});

test('more replicas get the next numbers, fewer lose the highest', () => {
  const one = project({ services: { web: busybox } });
  const observed = running(one, { scale: { web: 2 } });
  expect(up(one, observed, { scale: { web: 4 } })).toMatchInlineSnapshot(`
    "1          container.create  web-3  is not there
    2          container.create  web-4  is not there
    3 after 1  container.start   web-3  is new
    4 after 2  container.start   web-4  is new"
  `);
  expect(up(one, observed, { scale: { web: 1 } })).toMatchInlineSnapshot(`
    "1          container.stop    web-2  scale is 1
    2 after 1  container.remove  web-2  scale is 1"
  `);
  expect(up(one, observed, { scale: { web: 0 } })).toContain('scale is 0');
});

test('outdated replicas go first when there are too many', () => {
  const make = (user: string) => project({ services: { web: { ...busybox, user } } });
  const observed = running(make('1'), { scale: { web: 1 } });
  const both = simulate(observed, planUp(make('2'), observed, { scale: { web: 2 }, noRecreate: true }));
  expect(up(make('2'), both, { scale: { web: 1 } })).toMatchInlineSnapshot(`
    "1          container.stop    web-1  scale is 1
    2 after 1  container.remove  web-1  scale is 1"
  `);
});

test('a changed network is replaced under its containers, which are kept', () => {
  const make = (internal: boolean) =>
    project({
      services: {
        db: { ...busybox, networks: { back: null } },
        web: { ...busybox, networks: { back: null }, depends_on: { db: started } },
      },
      networks: { back: { name: 'demo_back', internal } },
    });
  expect(up(make(true), running(make(false)))).toMatchInlineSnapshot(`
    "1               container.stop      web-1            network back has another definition now
    2 after 1       container.stop      db-1             network back has another definition now
    3 after 2       network.disconnect  db-1 demo_back   network back has another definition now
    4 after 1       network.disconnect  web-1 demo_back  network back has another definition now
    5 after 3,4     network.remove      demo_back        network back has another definition now
    6 after 5       network.create      demo_back        has another definition now
    7 after 6       network.connect     db-1 demo_back   network back is new
    8 after 6       network.connect     web-1 demo_back  network back is new
    9 after 2,7     container.start     db-1             was stopped for the change
    10 after 1,8,9  container.start     web-1            was stopped for the change"
  `);
});

test('a changed network takes along what was not asked for, and gets it back', () => {
  const network = { networks: { back: null } };
  const make = (internal: boolean, services: Record<string, Service>) =>
    project({ services, networks: { back: { name: 'demo_back', internal } } });
  const web = { ...busybox, networks: { back: { aliases: ['www'] } }, depends_on: { db: started } };
  const before = running(make(false, { db: { ...busybox, ...network }, web, old: { ...busybox, ...network } }));
  const one = before.containers.find(({ service }) => service === 'db');
  if (one === undefined) throw new Error('db is not there');
  const oneOff = { ...one, id: 'f'.repeat(64), name: 'demo-db-run-1', number: 0, oneOff: true };
  const observed = { ...before, containers: [...before.containers, oneOff] };
  const after = make(true, { db: { ...busybox, ...network }, web });
  expect(up(after, observed, { services: ['db'], ignoreOrphans: true })).toMatchInlineSnapshot(`
    "1                 container.stop      web-1               network back has another definition now
    2 after 1         container.stop      db-1                network back has another definition now
    3 after 2         network.disconnect  db-1 demo_back      network back has another definition now
    4                 container.stop      old-1               network back has another definition now
    5 after 4         network.disconnect  old-1 demo_back     network back has another definition now
    6 after 1         network.disconnect  web-1 demo_back     network back has another definition now
    7                 network.disconnect  db-run-1 demo_back  network back has another definition now
    8 after 3,5,6,7   network.remove      demo_back           network back has another definition now
    9 after 8         network.create      demo_back           has another definition now
    10 after 9        network.connect     db-1 demo_back      network back is new
    11 after 9        network.connect     old-1 demo_back     network back is new
    12 after 9        network.connect     web-1 demo_back     network back is new
    13 after 9        network.connect     db-run-1 demo_back  network back is new
    14 after 2,10     container.start     db-1                was stopped for the change
    15 after 1,12,14  container.start     web-1               was stopped for the change
    16 after 4,11     container.start     old-1               was stopped for the change"
  `);
  const connected = planUp(after, observed, { services: ['db'] }).steps.flatMap(({ operation }) =>
    operation.kind === 'network.connect' ? [[operation.container.name, operation.endpoint.Aliases]] : [],
  );
  expect(connected).toEqual([
    ['demo-db-1', ['demo-db-1', 'db']],
    ['demo-old-1', ['demo-old-1', 'old']],
    ['demo-web-1', ['demo-web-1', 'web', 'www']],
    ['demo-db-run-1', ['demo-db-run-1']],
  ]);
  const run = { slug: 'ab'.repeat(32), attached: false, interactive: false, autoRemove: true, useAliases: false };
  const changes = { tty: false, environment: {}, labels: {}, capAdd: [], capDrop: [], volumes: [], ports: [] };
  const ran = simulate(
    observed,
    planUp(after, observed, { services: ['web'], oneOff: { ...run, service: 'web', changes } }),
  );
  expect(ran.containers.filter(({ status, networks }) => status !== 'running' || !networks['demo_back'])).toEqual([]);
  const swept = up(after, observed, { removeOrphans: true });
  expect(swept).toContain('container.remove    old-1');
  expect(swept).not.toMatch(/network.*old-1/);
});

test('a network that lost its record of how it was made stays as it is', () => {
  const observed = running(pair);
  const networks = observed.networks.map((network) => ({
    ...network,
    labels: Object.fromEntries(Object.entries(network.labels).filter(([key]) => !key.endsWith('config-hash'))),
  }));
  expect(up(pair, { ...observed, networks })).toBe('');
});

test('external networks and volumes must be there, and are told with their places', () => {
  const desired = project({
    services: {
      web: { ...busybox, networks: { out: null }, volumes: [{ type: 'volume', source: 'data', target: '/data' }] },
    },
    networks: { out: { name: 'shared', external: true } },
    volumes: { data: { name: 'shared-data', external: true } },
    lines: { 'networks.out': 12, 'volumes.data': 15 },
  });
  expect(failureOf(() => planUp(desired, withImages(desired)))).toMatchObject({
    code: 'problems/several',
    facts: {
      problems: [
        { code: 'plan/external-network-missing', at: { line: 12 } },
        { code: 'plan/external-volume-missing', at: { line: 15 } },
      ],
    },
  });
});

test('volumes are made before their containers, and a changed one keeps its data', () => {
  const make = (driver_opts: Record<string, string>) =>
    project({
      services: { db: { ...busybox, volumes: [{ type: 'volume', source: 'data', target: '/data' }] } },
      volumes: { data: { name: 'demo_data', driver_opts } },
    });
  expect(up(make({}), withImages(make({})))).toMatchInlineSnapshot(`
    "1            volume.create     demo_data     is not there
    2            network.create    demo_default  is not there
    3 after 1,2  container.create  db-1          is not there
    4 after 3    container.start   db-1          is new"
  `);
  expect(up(make({ type: 'tmpfs' }), running(make({})))).toMatchInlineSnapshot(
    `"warning: Volume demo_data was made with another definition; it is kept with its data"`,
  );
});

function withData(driver: string, more: Readonly<Record<string, Service>> = {}): Project {
  const volumes = [{ type: 'volume', source: 'data', target: '/data' }] as const;
  return project({
    services: {
      db: { ...busybox, volumes },
      tool: { ...busybox, volumes_from: ['db'], depends_on: { db: started } },
      ...more,
    },
    volumes: { data: { name: 'demo_data', driver_opts: { device: driver } } },
  });
}

test('a changed volume is offered for replacement, and made anew with all that mount it for a yes', () => {
  const observed = running(withData('a'));
  expect(planUp(withData('b'), observed).outdatedVolumes).toEqual(['demo_data']);
  const yes = { replaceVolumes: ['demo_data'] };
  expect(up(withData('b'), observed, yes)).toMatchInlineSnapshot(`
    "1             container.stop    tool-1     volume data has another definition now
    2 after 1     container.stop    db-1       volume data has another definition now
    3 after 2     container.remove  db-1       volume data has another definition now
    4 after 1     container.remove  tool-1     volume data has another definition now
    5 after 3,4   volume.remove     demo_data  volume data has another definition now
    6 after 5     volume.create     demo_data  volume data has another definition now
    7 after 3,6   container.create  db-1       volume demo_data is made anew
    8 after 4,7   container.create  tool-1     volume demo_data is made anew
    9 after 7     container.start   db-1       is new
    10 after 8,9  container.start   tool-1     is new"
  `);
  const after = simulate(observed, planUp(withData('b'), observed, yes));
  expect(planUp(withData('b'), after)).toMatchObject({ steps: [], warnings: [], outdatedVolumes: [] });
  expect(planUp(withData('b'), observed, { replaceVolumes: [] }).warnings).toMatchObject([
    { subject: 'Volume demo_data', message: 'was made with another definition; it is kept with its data' },
  ]);
});

test('a changed volume is not offered when what is not brought up has it too, or nothing may be replaced', () => {
  const observed = running(withData('a'));
  const one = planUp(withData('b'), observed, { services: ['db'], replaceVolumes: ['demo_data'] });
  expect(renderPlan(one)).toBe(
    'warning: Volume demo_data was made with another definition; it is kept with its data, which demo-tool-1 would lose',
  );
  expect(planUp(withData('b'), observed, { services: ['db'] }).outdatedVolumes).toEqual([]);
  expect(planUp(withData('b'), observed, { noRecreate: true }).outdatedVolumes).toEqual([]);
});

test('anonymous volumes move to the replacement, unless they are to be renewed', () => {
  const make = (user: string) =>
    project({ services: { db: { ...busybox, user, volumes: [{ type: 'volume', target: '/data' }] } } });
  const observed = running(make('1'));
  const name = observed.containers[0]?.mounts[0]?.name;
  const mountsOf = (options: UpOptions) =>
    planUp(make('2'), observed, options).steps.flatMap(({ operation }) =>
      operation.kind === 'container.create' ? (operation.request.HostConfig?.Mounts ?? []) : [],
    );
  expect(mountsOf({})).toEqual([{ Type: 'volume', Source: name, Target: '/data' }]);
  expect(mountsOf({ renewAnonVolumes: true })).toEqual([{ Type: 'volume', Target: '/data' }]);
});

test('orphans are warned about, and removed when asked', () => {
  const observed = running(pair);
  const less = project({ services: { db: busybox } });
  expect(up(less, observed)).toMatchInlineSnapshot(
    `"warning: Project demo has containers of services that its files do not have: demo-web-1; --remove-orphans removes them"`,
  );
  expect(up(less, observed, { removeOrphans: true })).toMatchInlineSnapshot(`
    "1          container.stop    web-1  service web is not in the project
    2 after 1  container.remove  web-1  service web is not in the project"
  `);
  expect(up(less, observed, { ignoreOrphans: true })).toBe('');
});

test('containers of services that a profile left out are no orphans', () => {
  const less = project({ services: { db: busybox }, disabledServices: { web: busybox } });
  expect(up(less, running(pair), { removeOrphans: true })).toBe('');
});

test('a selection brings what it needs along, unless told not to', () => {
  const desired = project({ services: { a: { ...busybox, depends_on: { b: started } }, b: busybox, c: busybox } });
  const servicesOf = (options: UpOptions) =>
    planUp(desired, withImages(desired), options).steps.flatMap(({ operation }) =>
      operation.kind === 'container.start' ? [operation.container.service] : [],
    );
  expect(servicesOf({ services: ['a'] })).toEqual(['b', 'a']);
  expect(servicesOf({ services: ['a'], noDeps: true })).toEqual(['a']);
  expect(() => planUp(desired, withImages(desired), { services: ['d'] })).toThrow('no such service: d');
});

test('policies of replacement: all named ones, what they need, none', () => {
  const replaced = (options: UpOptions) =>
    planUp(pair, running(pair), { services: ['web'], ...options }).steps.flatMap(({ operation }) =>
      operation.kind === 'container.create' ? [operation.service] : [],
    );
  expect(replaced({ forceRecreate: true })).toEqual(['web']);
  expect(replaced({ forceRecreate: true, alwaysRecreateDeps: true })).toEqual(['db', 'web']);
  expect(replaced({ alwaysRecreateDeps: true })).toEqual(['db']);
  const changed = project({ services: { db: { ...busybox, user: '1' }, web: busybox } });
  expect(up(changed, running(pair), { noRecreate: true })).toBe('');
});

test('without starting, containers are only made', () => {
  expect(up(pair, withImages(pair), { noStart: true })).not.toContain('container.start');
});

test('a host port that moves between services is free before it is taken', () => {
  const port: Service = { ...busybox, ports: [{ target: 80, published: '8080' }] };
  const before = project({ services: { a: port, b: busybox } });
  const after = project({ services: { a: busybox, b: port } });
  const observed = running(before);
  const containers = observed.containers.map((container) =>
    container.service === 'a' ? { ...container, hostPorts: [{ port: 8080, protocol: 'tcp' }] } : container,
  );
  const plan = planUp(after, { ...observed, containers });
  const stop = plan.steps.find(
    ({ operation }) => operation.kind === 'container.stop' && operation.container.service === 'a',
  );
  const start = plan.steps.find(
    ({ operation }) => operation.kind === 'container.start' && operation.container.service === 'b',
  );
  expect(start?.after).toContain(stop?.id);
});

test('a replacement that was cut short before its rename is finished', () => {
  const make = (user: string) => project({ services: { web: { ...busybox, user } } });
  const observed = running(make('1'));
  const plan = planUp(make('2'), observed);
  const cut = { ...plan, steps: plan.steps.filter(({ operation }) => operation.kind === 'container.create') };
  expect(up(make('2'), simulate(observed, cut))).toMatchInlineSnapshot(`
    "1          container.stop    web-1  another container is number 1
    2 after 1  container.remove  web-1  another container is number 1
    3 after 2  container.rename  web-1  finishes a replacement that was cut short
    4 after 3  container.start   web-1  is created"
  `);
});

test('--wait waits for all at the end', () => {
  const desired = project({
    services: { init: busybox, web: { ...busybox, depends_on: { init: completed } } },
  });
  expect(up(desired, withImages(desired), { wait: true })).toMatchInlineSnapshot(`
    "1            network.create    demo_default    is not there
    2 after 1    container.create  init-1          is not there
    3 after 1    container.create  web-1           is not there
    4 after 2    container.start   init-1          is new
    5 after 4    container.wait    init completed  web needs it completed
    6 after 3,5  container.start   web-1           is new
    7 after 6    container.wait    web ready       asked to wait"
  `);
});

test('two services with one container name, or replicas of one, are refused', () => {
  const named: Service = { ...busybox, container_name: 'the-one' };
  const twice = project({ services: { a: named, b: named }, lines: { 'services.b.container_name': 8 } });
  expect(failureOf(() => planUp(twice, withImages(twice)))).toMatchObject({
    code: 'plan/name-claimed-twice',
    at: { line: 8 },
  });
  const scaled = project({ services: { a: named } });
  expect(() => planUp(scaled, withImages(scaled), { scale: { a: 2 } })).toThrow('cannot have 2 containers');
});
