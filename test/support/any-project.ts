import { createHash } from 'node:crypto';
import fc from 'fast-check';
import type { Dependency, Project, Service } from '../../src/compose/index.js';
import type { ObservedContainer, ObservedState, UpOptions } from '../../src/plan/index.js';
import { project } from './project.js';

/** `TSCOMPOSE_PROPERTY_RUNS=10000` is the long run, some minutes a file. */
export const propertyRuns = { numRuns: Number(process.env['TSCOMPOSE_PROPERTY_RUNS'] ?? 150) };

const names = ['a', 'b', 'c', 'd', 'e'] as const;

const dependency: fc.Arbitrary<Dependency> = fc.record({
  condition: fc.constantFrom('service_started', 'service_healthy', 'service_completed_successfully'),
  required: fc.boolean(),
  restart: fc.boolean(),
});

/** A service that needs only some of `earlier`, so that there are no cycles. */
function service(earlier: readonly string[]): fc.Arbitrary<Service> {
  const other =
    earlier.length === 0 ? fc.constant(undefined) : fc.option(fc.constantFrom(...earlier), { nil: undefined });
  const parts = {
    image: fc.constantFrom('busybox', 'alpine'),
    user: fc.constantFrom('1', '2'),
    needs: fc.dictionary(earlier.length === 0 ? fc.constant('a') : fc.constantFrom(...earlier), dependency, {
      maxKeys: 3,
    }),
    network: fc.constantFrom('none', 'front', 'back', 'both', 'share', 'share', 'default'),
    volumesFrom: other,
    pid: other,
    shared: other,
    link: other,
    scale: fc.constantFrom(undefined, undefined, 0, 1, 2, 3),
    volume: fc.constantFrom('none', 'named', 'anonymous'),
    secret: fc.boolean(),
    healthcheck: fc.boolean(),
  };
  return fc
    .record(parts)
    .map(({ needs, network, volumesFrom, pid, shared, link, scale, volume, secret, healthcheck, ...rest }) => {
      const networks: Partial<Service> =
        network === 'share' && shared !== undefined
          ? { network_mode: `service:${shared}` }
          : network === 'front' || network === 'back'
            ? { networks: { [network]: null } }
            : network === 'both'
              ? { networks: { front: { priority: 2 }, back: null } }
              : network === 'none'
                ? { network_mode: 'none' }
                : {};
      return {
        ...rest,
        ...networks,
        ...(earlier.length === 0 ? {} : { depends_on: needs }),
        ...(volumesFrom === undefined ? {} : { volumes_from: [`${volumesFrom}:ro`] }),
        ...(pid === undefined ? {} : { pid: `service:${pid}` }),
        ...(link === undefined ? {} : { links: [link] }),
        ...(scale === undefined ? {} : { scale }),
        ...(volume === 'none'
          ? {}
          : {
              volumes: [
                { type: 'volume' as const, target: '/data', ...(volume === 'named' ? { source: 'data' } : {}) },
              ],
            }),
        ...(secret ? { secrets: [{ source: 'token' }] } : {}),
        ...(healthcheck ? { healthcheck: { test: ['CMD', 'true'] } } : {}),
      };
    });
}

/** Up to five services that need, link to and share with each other, without a cycle. */
export const anyProject: fc.Arbitrary<Project> = fc
  .record({
    count: fc.integer({ min: 1, max: names.length }),
    services: fc.tuple(...names.map((_, index) => service(names.slice(0, index)))),
    internal: fc.boolean(),
  })
  .map(({ count, services, internal }) => {
    const chosen = names.slice(0, count).map((name, index) => [name, services[index] ?? {}] as const);
    const shared = new Set(
      chosen.flatMap(([, { pid, network_mode, volumes_from = [] }]) => [
        ...[pid, network_mode].flatMap((mode) => mode?.split(':')[1] ?? []),
        ...volumes_from.flatMap((from) => from.split(':')[0] ?? []),
      ]),
    );
    // Nothing can be shared with a service that has no container: that is a user's error, and tested as such.
    const sound = chosen.map(
      ([name, definition]) =>
        [name, shared.has(name) && definition.scale === 0 ? { ...definition, scale: 1 } : definition] as const,
    );
    return project({
      services: Object.fromEntries(sound),
      networks: { front: { name: 'demo_front' }, back: { name: 'demo_back', internal } },
      volumes: { data: { name: 'demo_data' } },
      secrets: { token: { name: 'demo_token', content: 's' } },
    });
  });

export const anyUpOptions: fc.Arbitrary<UpOptions> = fc.record(
  {
    services: fc.subarray(['a', 'b']),
    forceRecreate: fc.boolean(),
    alwaysRecreateDeps: fc.boolean(),
    renewAnonVolumes: fc.boolean(),
    noStart: fc.boolean(),
    wait: fc.boolean(),
    scale: fc.dictionary(fc.constantFrom('a', 'b'), fc.integer({ min: 1, max: 3 })),
    removeOrphans: fc.boolean(),
  },
  { requiredKeys: [] },
);

/** What may have become of one container since a run of ours: its index counts round. */
const mishap = fc.record({
  at: fc.nat({ max: 20 }),
  what: fc.constantFrom(
    ...(['status', 'status', 'status', 'gone', 'double', 'temporary', 'orphan', 'one-off', 'off-network'] as const),
    ...(['no-network', 'no-volume', 'other-image', 'unhealthy'] as const),
  ),
  status: fc.constantFrom('created', 'running', 'paused', 'restarting', 'exited', 'dead'),
  exitCode: fc.constantFrom(0, 3),
});

/** Changes to a state as users, crashes and other programs make them; at most eight. */
export const anyMishaps: fc.Arbitrary<(state: ObservedState) => ObservedState> = fc
  .array(mishap, { maxLength: 8 })
  .map((mishaps) => (state) => mishaps.reduce(after, state));

type Mishap = typeof mishap extends fc.Arbitrary<infer T> ? T : never;

function after(state: ObservedState, { at, what, status, exitCode }: Mishap): ObservedState {
  const { containers, networks, volumes } = state;
  const hit = containers[at % Math.max(1, containers.length)];
  if (hit === undefined) return state;
  const changed = (change: Partial<ObservedContainer>): ObservedState => ({
    ...state,
    containers: containers.map((container) => (container === hit ? { ...hit, ...change } : container)),
  });
  const another = (change: Partial<ObservedContainer>): ObservedState => {
    const id = createHash('sha256')
      .update(containers.map((container) => container.id).join())
      .digest('hex');
    const name = `${hit.name}-${id.slice(0, 4)}`;
    return { ...state, containers: [...containers, { ...hit, id, name, ...change }] };
  };
  switch (what) {
    case 'status':
      return changed({ status, exitCode: status === 'exited' ? exitCode : undefined, health: undefined });
    case 'unhealthy':
      return changed({ health: hit.health === undefined ? undefined : 'unhealthy' });
    case 'gone':
      return { ...state, containers: containers.filter((container) => container !== hit) };
    case 'double':
      return another({ status });
    case 'temporary':
      return /^[0-9a-f]{12}_/.test(hit.name) ? state : changed({ name: `${'ab'.repeat(6)}_${hit.name}` });
    case 'orphan':
      return another({ service: 'gone', status });
    case 'one-off':
      return another({ oneOff: true, number: 0, status });
    case 'other-image':
      return changed({ imageId: 'sha256:old', labels: { ...hit.labels, 'com.docker.compose.image': 'sha256:old' } });
    case 'off-network':
      return changed({ networks: {} });
    case 'no-network': {
      // The kernel of an engine keeps a network that has containers.
      const unused = networks.filter(({ name }) => !containers.some((container) => name in container.networks));
      return { ...state, networks: networks.filter((network) => network !== unused[0]) };
    }
    case 'no-volume': {
      const mounted = new Set(containers.flatMap(({ mounts }) => mounts.map(({ name }) => name)));
      return { ...state, volumes: volumes.filter(({ name }) => mounted.has(name)) };
    }
  }
}
