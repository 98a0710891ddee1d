import { expect, test } from 'vitest';
import { hasCode } from '../../../../src/base/errors.js';
import { createRouter } from '../../../../src/engine/server/router.js';
import { splitVersion } from '../../../../src/engine/server/version.js';

const nothing = () => undefined;
const router = createRouter([
  ['GET', '/images/json', nothing],
  ['GET', '/images/{name*}/json', nothing],
  ['DELETE', '/images/{name*}', nothing],
  ['GET', '/containers/{id}/json', nothing],
]);

test('image names hold slashes and escapes, ids do not', () => {
  expect(router.find('GET', '/images/reg.example/a/b:1/json').params).toEqual({ name: 'reg.example/a/b:1' });
  expect(router.find('DELETE', '/images/a%2Fb').params).toEqual({ name: 'a/b' });
  expect(() => router.find('GET', '/containers/a/b/json')).toThrow('page not found');
});

test('a fixed path is found before one with a name', () => {
  expect(router.find('GET', '/images/json').params).toEqual({});
});

test('another method is another page', () => {
  expect(() => router.find('POST', '/images/json')).toThrow('page not found');
});

test('a broken escape is the fault of the request', () => {
  let failure: unknown;
  try {
    router.find('GET', '/containers/%zz/json');
  } catch (error) {
    failure = error;
  }
  expect(hasCode(failure, 'request/bad-parameter')).toBe(true);
});

test.each([
  ['/info', { minor: 47, path: '/info' }],
  ['/v1.24/info', { minor: 24, path: '/info' }],
  ['/v1.47/_ping', { minor: 47, path: '/_ping' }],
  ['/volumes/v1.1', { minor: 47, path: '/volumes/v1.1' }],
])('%s is split into version and path', (path, parts) => {
  expect(splitVersion(path)).toEqual(parts);
});

test.each([
  ['/v1.23/info', 'client version 1.23 is too old. Minimum supported API version is 1.24'],
  ['/v1.48/info', 'client version 1.48 is too new. Maximum supported API version is 1.47'],
  ['/v2.0/info', 'client version 2.0 is too new'],
])('%s is refused', (path, message) => {
  expect(() => splitVersion(path)).toThrow(message);
});
