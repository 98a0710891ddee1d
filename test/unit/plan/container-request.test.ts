import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { ContainerCreateRequest } from '../../../src/api/container.js';
import { composeLabels } from '../../../src/api/labels.js';
import type { ProjectModel, Service } from '../../../src/compose/index.js';
import { planUp } from '../../../src/plan/index.js';
import { withImages } from '../../support/observed.js';
import { failureOf } from '../../support/failure.js';
import { project, type ProjectParts } from '../../support/project.js';

function golden(name: string): unknown {
  return JSON.parse(readFileSync(new URL(name, import.meta.url), 'utf8'));
}

/** Create requests of a fresh `up`, by container name. */
function requests(parts: ProjectParts): Record<string, ContainerCreateRequest> {
  const desired = project(parts);
  const observed = {
    ...withImages(desired),
    volumes: Object.values(parts.volumes ?? {}).flatMap(({ name, external }) =>
      external === true ? [{ name, labels: {} }] : [],
    ),
  };
  return Object.fromEntries(
    planUp(desired, observed).steps.flatMap(({ operation }) =>
      operation.kind === 'container.create' ? [[operation.finalName, operation.request]] : [],
    ),
  );
}

function request(service: Service, rest: Omit<ProjectParts, 'services'> = {}): ContainerCreateRequest {
  return requests({ services: { a: { image: 'busybox', ...service } }, ...rest })['demo-a-1'] ?? {};
}

/** Without empty members, lists sorted, ids of containers and images all alike. */
function essence(value: unknown): unknown {
  if (typeof value === 'string')
    return value.replace(/(sha256:)?[0-9a-f]{64}|\uE000step:\d+\uE000|sha256:busybox/g, 'ID');
  if (Array.isArray(value)) {
    return value.map(essence).sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  }
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .map(([key, item]) => [key, essence(item)] as const)
      .map(([key, item]) => [/^\d+$/.test(key) ? `${key}/tcp` : key, item] as const) // a port without protocol
      .filter(([key, item]) => !isEmpty(item) || /^\d+\//.test(key))
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}

function isEmpty(value: unknown): boolean {
  if (typeof value === 'object' && value !== null) return Object.keys(value).length === 0;
  return value === undefined || value === null || value === '' || value === 0 || value === false;
}

test('a create request is what docker compose would send', () => {
  const [first] = (golden('docker-compose-hashes.json') as { cases: [{ model: ProjectModel }] }).cases;
  const { model } = first;
  const { requests: theirs } = golden('docker-compose-requests.json') as {
    requests: Record<string, ContainerCreateRequest>;
  };
  const services = Object.fromEntries(Object.entries(model.services).filter(([name]) => name !== 'odd'));
  const ours = requests({ ...model, services });
  for (const [name, expected] of Object.entries(theirs)) {
    const actual = { ...ours[name], Labels: { ...ours[name]?.Labels } };
    delete actual.Labels['io.tscompose.definition'];
    const wanted: ContainerCreateRequest = structuredClone(expected);
    if (name === 'demo-a-1') {
      // docker compose 2.26 loses the access mode of volumes_from and the driver options of an endpoint.
      wanted.HostConfig = { ...wanted.HostConfig, VolumesFrom: ['ID:ro'] };
      const front = wanted.NetworkingConfig?.EndpointsConfig?.['demo_front'];
      if (front) {
        front.DriverOpts = { a: 'b' };
        delete front.IPAddress; // stands in IPAMConfig as well
      }
    }
    if (wanted.Labels?.[composeLabels.dependencies] !== undefined) {
      wanted.Labels[composeLabels.dependencies] =
        wanted.Labels[composeLabels.dependencies]?.split(',').sort().join(',') ?? '';
    }
    expect({ name, request: essence(actual) }).toEqual({ name, request: essence(wanted) });
  }
});

test.each<[string, Service, unknown]>([
  ['no restart', { restart: 'no' }, { Name: 'no' }],
  ['on-failure with a count', { restart: 'on-failure:3' }, { Name: 'on-failure', MaximumRetryCount: 3 }],
  ['deploy wins', { restart: 'always', deploy: { restart_policy: { condition: 'none' } } }, { Name: 'no' }],
  ['any is always', { deploy: { restart_policy: { condition: 'any' } } }, { Name: 'always' }],
  [
    'attempts',
    { deploy: { restart_policy: { condition: 'on-failure', max_attempts: 2 } } },
    { Name: 'on-failure', MaximumRetryCount: 2 },
  ],
])('restart policy: %s', (_, service, policy) => {
  expect(request(service).HostConfig?.RestartPolicy).toEqual(policy);
});

test('a health check is passed in nanoseconds, and switched off in two ways', () => {
  const check = { test: ['CMD', 'true'], interval: '1m30s', timeout: '500ms', start_period: '1.5s', retries: 4 };
  expect(request({ healthcheck: check }).Healthcheck).toEqual({
    Test: ['CMD', 'true'],
    Interval: 90_000_000_000,
    Timeout: 500_000_000,
    StartPeriod: 1_500_000_000,
    Retries: 4,
  });
  expect(request({ healthcheck: { disable: true } }).Healthcheck).toEqual({ Test: ['NONE'] });
  expect(request({ healthcheck: { test: ['NONE'] } }).Healthcheck).toEqual({ Test: ['NONE'] });
  expect(request({}).Healthcheck).toBeUndefined();
});

test("entrypoint and command: absent keeps the image's, empty takes it away", () => {
  expect(request({ command: null, entrypoint: null })).not.toHaveProperty('Cmd');
  expect(request({ command: [], entrypoint: [] })).toMatchObject({ Cmd: [], Entrypoint: [] });
});

test('binds that may make their source are texts, the others are mounts', () => {
  const { HostConfig } = request({
    volumes: [
      { type: 'bind', source: '/src', target: '/a', bind: { create_host_path: true, selinux: 'Z' }, read_only: true },
      { type: 'bind', source: '/src', target: '/b', bind: {} },
      { type: 'bind', source: '/src', target: '/c', bind: { create_host_path: true, recursive: 'disabled' } },
    ],
  });
  expect(HostConfig?.Binds).toEqual(['/src:/a:ro,Z']);
  expect(HostConfig?.Mounts).toEqual([
    { Type: 'bind', Source: '/src', Target: '/b', BindOptions: {} },
    { Type: 'bind', Source: '/src', Target: '/c', BindOptions: { CreateMountpoint: true, NonRecursive: true } },
  ]);
});

test('the network of highest priority is the first, then by name', () => {
  const networks = { a: { name: 'demo_a' }, b: { name: 'demo_b' }, c: { name: 'demo_c' } };
  const mode = (service: Service) => request(service, { networks }).HostConfig?.NetworkMode;
  expect(mode({ networks: { c: null, b: null } })).toBe('demo_b');
  expect(mode({ networks: { a: null, c: { priority: 9 } } })).toBe('demo_c');
  expect(mode({ network_mode: 'host' })).toBe('host');
  expect(mode({ network_mode: 'container:other' })).toBe('container:other');
});

test('a MAC address goes to the first endpoint, and to the container where it has none', () => {
  const mac_address = '02:42:ac:11:00:02';
  const on = request({ mac_address });
  expect(on.MacAddress).toBeUndefined();
  expect(on.NetworkingConfig?.EndpointsConfig?.['demo_default']?.MacAddress).toBe(mac_address);
  expect(request({ mac_address, network_mode: 'bridge' }).MacAddress).toBe(mac_address);
});

test('exposed ports are expanded, published ones exposed too', () => {
  const { ExposedPorts, HostConfig } = request({
    expose: ['5000-5002', '53/udp'],
    ports: [
      { target: 80, published: '8000-8010' },
      { target: 80, host_ip: '127.0.0.1', published: '9000' },
    ],
  });
  expect(Object.keys(ExposedPorts ?? {})).toEqual(['5000/tcp', '5001/tcp', '5002/tcp', '53/udp', '80/tcp']);
  expect(HostConfig?.PortBindings).toEqual({
    '80/tcp': [
      { HostIp: '', HostPort: '8000-8010' },
      { HostIp: '127.0.0.1', HostPort: '9000' },
    ],
  });
});

test('links name every container of the linked service', () => {
  const all = requests({ services: { a: { image: 'x', links: ['b:alias'] }, b: { image: 'x', scale: 2 } } });
  expect(all['demo-a-1']?.HostConfig?.Links).toEqual([
    'demo-b-1:alias',
    'demo-b-1:b-1',
    'demo-b-1:demo-b-1',
    'demo-b-2:alias',
    'demo-b-2:b-2',
    'demo-b-2:demo-b-2',
  ]);
});

test('devices, GPUs and CDI names become the requests the engine knows', () => {
  const { HostConfig } = request({
    devices: [{ source: '/dev/null', permissions: 'r' }, { source: 'vendor.com/class=one' }],
    gpus: [{ count: -1, driver: 'nvidia' }],
  });
  expect(HostConfig?.Devices).toEqual([
    { PathOnHost: '/dev/null', PathInContainer: '/dev/null', CgroupPermissions: 'r' },
  ]);
  expect(HostConfig?.DeviceRequests).toEqual([
    { Driver: 'nvidia', Count: -1, Capabilities: [['gpu']] },
    { Driver: 'cdi', DeviceIDs: ['vendor.com/class=one'] },
  ]);
});

test('unconfined system paths clear what is masked, seccomp profiles are absolute', () => {
  const { HostConfig } = request({
    security_opt: ['systempaths=unconfined', 'seccomp:profile.json', 'no-new-privileges:true'],
  });
  expect(HostConfig).toMatchObject({
    MaskedPaths: [],
    ReadonlyPaths: [],
    SecurityOpt: ['seccomp=/srv/demo/profile.json', 'no-new-privileges:true'],
  });
});

test('configs and secrets given as text are put in before the start, files are mounted', () => {
  const desired = project({
    services: {
      a: {
        image: 'x',
        configs: [{ source: 'text', target: '/etc/app.conf', mode: 0o400, uid: '5' }],
        secrets: [{ source: 'variable' }, { source: 'file', target: 'named' }],
      },
    },
    configs: { text: { name: 'demo_text', content: 'hello' } },
    secrets: {
      variable: { name: 'demo_variable', environment: 'TOKEN' },
      file: { name: 'demo_file', file: '/srv/secret' },
    },
    environment: { TOKEN: 'geheim' },
  });
  const operations = planUp(desired, withImages(desired)).steps.map(({ operation }) => operation);
  expect(operations.map(({ kind }) => kind)).toEqual([
    'network.create',
    'container.create',
    'container.upload',
    'container.start',
  ]);
  expect(operations[2]).toMatchObject({
    files: [
      { path: '/etc/app.conf', content: 'hello', mode: 0o400, uid: 5, gid: 0 },
      { path: '/run/secrets/variable', content: 'geheim', mode: 0o444, uid: 0, gid: 0 },
    ],
  });
  expect(operations[1]).toMatchObject({
    request: {
      HostConfig: { Mounts: [{ Type: 'bind', Source: '/srv/secret', Target: '/run/secrets/named', ReadOnly: true }] },
    },
  });
});

test('text cannot be put into a read-only root, and external secrets are for swarms', () => {
  const plan = (parts: ProjectParts) => () => planUp(project(parts), withImages(project(parts)));
  const use: Service = { image: 'x', secrets: [{ source: 's' }] };
  const lines = { 'services.a.secrets.0': 7 };
  expect(
    failureOf(
      plan({ services: { a: { ...use, read_only: true } }, secrets: { s: { name: 's', content: 'x' } }, lines }),
    ),
  ).toMatchObject({ code: 'plan/read-only-file', at: { line: 7 } });
  expect(failureOf(plan({ services: { a: use }, secrets: { s: { name: 's', external: true } }, lines }))).toMatchObject(
    { code: 'plan/unsupported-file', at: { line: 7 } },
  );
});

test('sharing with a service that has no containers is refused', () => {
  const parts: ProjectParts = {
    services: { a: { image: 'x', network_mode: 'service:b' }, b: { image: 'x', scale: 0 } },
  };
  expect(failureOf(() => planUp(project(parts), withImages(project(parts))))).toMatchObject({
    code: 'plan/nothing-to-share',
  });
});
