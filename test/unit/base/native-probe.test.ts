import { expect, test } from 'vitest';
import { readNativeProbe } from '../../../src/base/native-probe.js';

const native = (...test: string[]) => {
  const reading = readNativeProbe(test);
  return reading?.kind === 'native' ? reading.probe : reading;
};
const problem = (...test: string[]) => {
  const reading = readNativeProbe(test);
  return reading?.kind === 'invalid' ? reading.problem : undefined;
};

test('an HTTP probe has a method, an address, a path and the statuses that are well', () => {
  expect(native('HTTP', 'GET :8080/health', '200-399')).toEqual({
    ...{ kind: 'HTTP', method: 'GET', host: undefined, port: 8080, path: '/health', statuses: [[200, 399]] },
  });
  expect(native('HTTP', 'HEAD 127.0.0.1:80/a?b=c', '204, 301-302')).toMatchObject({
    ...{ method: 'HEAD', host: '127.0.0.1', port: 80, path: '/a?b=c' },
    statuses: [
      [204, 204],
      [301, 302],
    ],
  });
});

test('an HTTP probe needs but a port', () => {
  expect(native('HTTP', ':80')).toEqual({
    ...{ kind: 'HTTP', method: 'GET', host: undefined, port: 80, path: '/', statuses: [[200, 399]] },
  });
});

test('a TCP probe has a port, and an address where it is not the loopback', () => {
  expect(native('TCP', ':5432')).toEqual({ kind: 'TCP', host: undefined, port: 5432 });
  expect(native('TCP', 'localhost:5432')).toEqual({ kind: 'TCP', host: undefined, port: 5432 });
  expect(native('TCP', '10.0.0.7:5432')).toEqual({ kind: 'TCP', host: '10.0.0.7', port: 5432 });
  expect(native('TCP', '[::1]:5432')).toEqual({ kind: 'TCP', host: '::1', port: 5432 });
});

test('a UNIX probe has a path, a LOG probe a regular expression', () => {
  expect(native('UNIX', '/run/app.sock')).toEqual({ kind: 'UNIX', path: '/run/app.sock' });
  expect(native('LOG', 'ready (in|after) \\d+')).toEqual({ kind: 'LOG', pattern: /ready (in|after) \d+/u });
});

test('other checks are nobody of ours', () => {
  for (const check of [[], ['NONE'], ['CMD', 'true'], ['CMD-SHELL', 'true'], ['http', ':80']]) {
    expect(readNativeProbe(check)).toBeUndefined();
  }
});

test('what cannot be meant is told in words', () => {
  expect(problem('TCP')).toBe('a health check of TCP is written ["TCP", ":5432"]');
  expect(problem('TCP', ':1', ':2')).toBe('a health check of TCP is written ["TCP", ":5432"]');
  for (const address of ['5432', ':0', ':65536', 'db:5432', '300.1.1.1:80', '[1::2::3]:80']) {
    expect(problem('TCP', address)).toBe(`${address} is no address: write it as ":5432"`);
  }
  expect(problem('HTTP', 'GET /health')).toMatch(/is no HTTP request/);
  expect(problem('HTTP', ':80', '2xx')).toMatch(/are no HTTP statuses/);
  expect(problem('HTTP', ':80', '399-200')).toMatch(/are no HTTP statuses/);
  expect(problem('UNIX', 'run/app.sock')).toMatch(/is no absolute path/);
  expect(problem('LOG', '(')).toMatch(/Invalid regular expression/);
});
