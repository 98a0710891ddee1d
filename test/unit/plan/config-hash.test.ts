import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { ProjectModel, Service } from '../../../src/compose/index.js';
import { networkHash, serviceHash, volumeHash } from '../../../src/plan/index.js';

interface Golden {
  readonly cases: readonly Case[];
}

interface Case {
  readonly hashes: Readonly<Record<string, string>>;
  readonly model: ProjectModel;
}

const golden = JSON.parse(readFileSync(new URL('docker-compose-hashes.json', import.meta.url), 'utf8')) as Golden;

const services = golden.cases.flatMap(({ hashes, model }) =>
  Object.entries(hashes).map(([name, hash]) => ({ name, hash, service: model.services[name] ?? {} })),
);

test.each(services)('service $name has the hash that docker compose gives it', ({ service, hash }) => {
  expect(serviceHash(service)).toBe(hash);
});

test('what is no part of a container is no part of its hash', () => {
  const service: Service = { image: 'x', deploy: { mode: 'replicated' } };
  const same: Service = {
    ...service,
    build: { context: '/srv' },
    pull_policy: 'always',
    scale: 3,
    env_file: [{ path: '/srv/.env' }],
    deploy: { mode: 'replicated', replicas: 4 },
    'x-note': 'mine',
  };
  expect(serviceHash(same)).toBe(serviceHash(service));
  expect(serviceHash({ ...service, user: '1' })).not.toBe(serviceHash(service));
});

test('the order of keys does not matter', () => {
  const one: Service = { image: 'x', user: '1', environment: { A: '1', B: '2' } };
  const other: Service = { environment: { B: '2', A: '1' }, user: '1', image: 'x' };
  expect(serviceHash(one)).toBe(serviceHash(other));
});

test('networks and volumes change their hash with their definition', () => {
  expect(networkHash({ name: 'n' })).toBe(networkHash({ name: 'n', ipam: {} }));
  expect(networkHash({ name: 'n' })).not.toBe(networkHash({ name: 'n', internal: true }));
  expect(volumeHash({ name: 'v' })).toBe(volumeHash({ name: 'v', driver: 'local' }));
  expect(volumeHash({ name: 'v' })).not.toBe(volumeHash({ name: 'v', labels: { a: 'b' } }));
});
