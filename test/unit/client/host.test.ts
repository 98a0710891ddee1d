import { expect, test } from 'vitest';
import { hasCode } from '../../../src/base/errors.js';
import { parseHost } from '../../../src/client/host.js';
import { encodeFilters, encodeQuery } from '../../../src/client/query.js';

test.each([
  ['unix:///run/engine.sock', { kind: 'unix', path: '/run/engine.sock' }],
  ['tcp://10.0.0.1:2375', { kind: 'tcp', host: '10.0.0.1', port: 2375, tls: undefined }],
  ['tcp://docker', { kind: 'tcp', host: 'docker', port: 2375, tls: undefined }],
  ['http://docker:99', { kind: 'tcp', host: 'docker', port: 99, tls: undefined }],
  ['tcp://[::1]:2375', { kind: 'tcp', host: '::1', port: 2375, tls: undefined }],
  ['ssh://me@box', { kind: 'ssh', destination: 'me@box', port: undefined, socket: undefined }],
  ['ssh://box:2222/run/d.sock', { kind: 'ssh', destination: 'box', port: 2222, socket: '/run/d.sock' }],
])('%s is an address', (host, address) => {
  expect(parseHost(host)).toEqual(address);
});

test('TLS moves the default port', () => {
  const tls = { caFile: '/c/ca.pem', certFile: '/c/cert.pem', keyFile: '/c/key.pem', verify: true };
  expect(parseHost('tcp://docker', tls)).toEqual({ kind: 'tcp', host: 'docker', port: 2376, tls });
});

test.each(['', 'docker', 'unix://relative', 'npipe:////./pipe/x', 'tcp://', 'ssh://-oProxyCommand=x', 'ssh://a:b@c'])(
  '%j is refused with what is known',
  (host) => {
    let failure: unknown;
    try {
      parseHost(host);
    } catch (error) {
      failure = error;
    }
    expect(hasCode(failure, 'engine/bad-host') && failure.hint).toBeTruthy();
  },
);

test('a password does not reach the message', () => {
  expect(() => parseHost('ssh://me:secret@box')).toThrow(/me:\*\*\*@box/);
});

test('queries leave out what is not said, and repeat lists', () => {
  expect(encodeQuery({ a: undefined, b: false, c: true, t: ['x:1', 'y'], n: 0, s: '' })).toBe(
    '?c=1&t=x%3A1&t=y&n=0&s=',
  );
  expect(encodeQuery({})).toBe('');
});

test('filters go out as sets', () => {
  expect(encodeFilters({ label: ['a=b', 'c'], empty: [] })).toBe('{"label":{"a=b":true,"c":true}}');
  expect(encodeFilters({ empty: [] })).toBeUndefined();
});
