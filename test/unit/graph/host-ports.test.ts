import { expect, test } from 'vitest';
import { TscomposeError } from '../../../src/base/errors.js';
import type { Port, Service } from '../../../src/compose/index.js';
import { checkHostPorts } from '../../../src/graph/index.js';
import { project } from '../../support/project.js';

function problem(
  services: Record<string, Service>,
  lines: Record<string, number> = {},
  scale: Record<string, number> = {},
): TscomposeError | undefined {
  try {
    checkHostPorts(project({ services, lines }), scale);
    return undefined;
  } catch (error) {
    if (error instanceof TscomposeError) return error;
    throw error;
  }
}

const port = (published: string, more: Partial<Port> = {}): Service => ({
  ports: [{ target: 80, published, ...more }],
});

test('two services with one host port are told so, with both places', () => {
  const lines = { 'services.api.ports.0': 9, 'services.web.ports.0': 4 };
  const found = problem({ api: port('8080'), web: port('8080') }, lines);
  expect(found).toMatchObject({
    code: 'graph/port-claimed-twice',
    message: 'service "api" wants host port 8080/tcp, which service "web" has (/srv/demo/compose.yaml:4:5)',
    at: { line: 9 },
    facts: { first: { service: 'web', at: { line: 4 } }, second: { service: 'api', at: { line: 9 } } },
  });
});

test.each<[string, Partial<Port>, Partial<Port>, boolean]>([
  ['other protocols', {}, { protocol: 'udp' }, false],
  ['two loopback addresses', { host_ip: '127.0.0.1' }, { host_ip: '127.0.0.2' }, false],
  ['one address and every address', { host_ip: '127.0.0.1' }, {}, true],
  ['one address and 0.0.0.0', { host_ip: '127.0.0.1' }, { host_ip: '0.0.0.0' }, true],
  ['IPv4 and IPv6 loopback', { host_ip: '127.0.0.1' }, { host_ip: '::1' }, false],
  ['every IPv4 and every IPv6 address', { host_ip: '0.0.0.0' }, { host_ip: '::' }, false],
  ['IPv6 loopback and every IPv6 address', { host_ip: '::1' }, { host_ip: '::' }, true],
])('%s', (_, a, b, collides) => {
  expect(problem({ a: port('53', a), b: port('53', b) }) !== undefined).toBe(collides);
});

test('replicas cannot share a fixed port, whether the file or the command line asks for them', () => {
  expect(problem({ web: { ...port('80'), deploy: { replicas: 2 } } })?.message).toBe(
    'every replica of service "web" wants host port 80/tcp',
  );
  expect(problem({ web: port('80') }, {}, { web: 3 })).toBeDefined();
  expect(problem({ web: { ...port('80'), scale: 3 } }, {}, { web: 1 })).toBeUndefined();
});

test('a range has room for as many containers as it has free ports', () => {
  expect(problem({ web: { ...port('8000-8002'), scale: 3 } })).toBeUndefined();
  expect(problem({ web: { ...port('8000-8002'), scale: 4 } })?.message).toContain('8000-8002');
  expect(problem({ web: { ...port('8000-8001'), scale: 2 }, api: port('8001') })).toBeDefined();
  expect(problem({ web: { ...port('8000-8001') }, api: port('8001') })).toBeUndefined();
});

test('ephemeral ports and services on the network of the host claim nothing', () => {
  expect(problem({ a: { ports: [{ target: 80 }] }, b: { ports: [{ target: 80 }] } })).toBeUndefined();
  const host: Service = { ...port('80'), network_mode: 'host' };
  expect(problem({ a: host, b: port('80') })).toBeUndefined();
});

test('several collisions are reported together', () => {
  const found = problem({ a: port('1'), b: port('1'), c: port('2'), d: port('2') });
  expect(found?.code).toBe('problems/several');
});
