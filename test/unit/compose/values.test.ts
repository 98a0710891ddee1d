import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { durationText, float32, parseDuration, parseSize, splitCommand } from '../../../src/compose/go-values.js';
import { parseMount } from '../../../src/compose/mount-syntax.js';
import { parsePorts } from '../../../src/compose/port-syntax.js';
import { resolvePlain, scalarText } from '../../../src/compose/scalar.js';
import { closestName } from '../../../src/compose/suggest.js';

describe('plain scalars', () => {
  test.each([
    ['', null],
    ['~', null],
    ['Null', null],
    ['True', true],
    ['yes', 'yes'],
    ['off', 'off'],
    ['017', 15],
    ['0o17', 15],
    ['0x1F', 31],
    ['0b11', 3],
    ['1_000', 1000],
    ['12:30', '12:30'],
    ['-5', -5],
    ['1.50', 1.5],
    ['08', 8],
    ['1e3', 1000],
    ['.5', 0.5],
    ['9007199254740993', 9007199254740993n],
    ['0x', '0x'],
    ['1.2.3', '1.2.3'],
    ['-', '-'],
  ])('%s', (text, value) => {
    expect(resolvePlain(text).value).toEqual(value);
  });

  test.each([
    ['1e3', '1000'],
    ['1000000.0', '1e+06'],
    ['123456789.0', '1.23456789e+08'],
    ['0.00001', '1e-05'],
    ['123456789012345678901234567890', '1.2345678901234568e+29'],
    ['2020-01-01', '2020-01-01 00:00:00 +0000 UTC'],
    ['9007199254740993', '9007199254740993'],
    ['True', 'true'],
  ])('%s reads %s as a text', (text, expected) => {
    expect(scalarText({ kind: 'scalar', ...resolvePlain(text) })).toBe(expected);
  });
});

describe('durations and sizes', () => {
  test.each([
    ['90s', '1m30s'],
    ['1.5h', '1h30m0s'],
    ['100ms', '100ms'],
    ['1us', '1µs'],
    ['0', '0s'],
    ['1d', '24h0m0s'],
    ['1m1ms', '1m0.001s'],
    ['-1s', '-1s'],
  ])('%s is written %s', (text, written) => {
    expect(durationText(parseDuration(text) ?? -1n)).toBe(written);
  });

  test.each(['', '5', '5x', 's', '1 m', '1h-1m'])('%j is no duration', (text) => {
    expect(parseDuration(text)).toBeUndefined();
  });

  test('a written duration reads back as the same', () => {
    fc.assert(fc.property(fc.bigInt(0n, 10n ** 17n), (nanos) => parseDuration(durationText(nanos)) === nanos));
  });

  test.each([
    ['64m', 64 * 1024 ** 2],
    ['1.5GiB', 1.5 * 1024 ** 3],
    ['10 kb', 10240],
    ['5b', 5],
    ['1024', 1024],
  ])('%s', (text, bytes) => {
    expect(parseSize(text)).toBe(bytes);
  });

  test.each(['', 'x', '-1', '1x', '1mbb', 'm'])('%j is no size', (text) => {
    expect(parseSize(text)).toBeUndefined();
  });

  test('the shortest decimal of a 32-bit float', () => {
    expect([0.1, 0.3, 1.25, 2, 1 / 3].map(float32)).toEqual([0.1, 0.3, 1.25, 2, 0.33333334]);
  });
});

describe('command lines', () => {
  test.each([
    ['a "b c" \'d e\'', ['a', 'b c', 'd e']],
    ['a\\ b c\\nd', ['a b', 'c\nd']],
    ['a "" b', ['a', '', 'b']],
    ['sh -c "a && b"', ['sh', '-c', 'a && b']],
    ['a && b', ['a']],
    ['a 2> f', ['a']],
    ['echo $(date +%s) x', ['echo', '$(date +%s)', 'x']],
    ['  ', []],
    ["a'b'c", ['abc']],
  ])('%s', (line, words) => {
    expect(splitCommand(line)).toEqual(words);
  });

  test.each(['a "b', "a 'b", 'a \\', 'f(x)', 'a )', 'a `b'])('%s does not close', (line) => {
    expect(splitCommand(line)).toBeUndefined();
  });
});

describe('short ports', () => {
  test.each([
    ['80', [{ target: 80, protocol: 'tcp' }]],
    ['8080:80/udp', [{ target: 80, protocol: 'udp', published: '8080' }]],
    ['127.0.0.1:8080:80', [{ target: 80, protocol: 'tcp', published: '8080', hostIp: '127.0.0.1' }]],
    ['127.0.0.1::80', [{ target: 80, protocol: 'tcp', hostIp: '127.0.0.1' }]],
    ['[::1]:8080:80', [{ target: 80, protocol: 'tcp', published: '8080', hostIp: '::1' }]],
    ['8080-8081:80', [{ target: 80, protocol: 'tcp', published: '8080-8081' }]],
    [
      '1099-1100:99-100',
      [
        { target: 100, protocol: 'tcp', published: '1100' },
        { target: 99, protocol: 'tcp', published: '1099' },
      ],
    ],
  ])('%s', (spec, ports) => {
    expect(parsePorts(spec)).toEqual({ ports });
  });

  test.each(['', 'x', '80/xyz', '1-3:1-2', 'a:80', '70000', '5-3', '300.1.1.1:1:1', ':/u'])('%j is none', (spec) => {
    expect(parsePorts(spec)).toHaveProperty('problem');
  });
});

describe('short mounts', () => {
  test.each([
    ['/data', { type: 'volume', source: '', target: '/data' }],
    ['vol:/data:ro', { type: 'volume', source: 'vol', target: '/data', readOnly: true }],
    ['./a:/data', { type: 'bind', source: './a', target: '/data' }],
    ['~/a:/data:z,rshared', { type: 'bind', source: '~/a', selinux: 'z', propagation: 'rshared' }],
    ['C:\\a:/data', { type: 'bind', source: 'C:\\a', target: '/data' }],
    ['vol:/data:nocopy,unknown', { noCopy: true }],
  ])('%s', (spec, expected) => {
    expect(parseMount(spec)).toMatchObject(expected);
  });

  test.each(['', 'vol::b', ':/x', '/a:/b:', 'vol:/b:ro:x'])('%j is none', (spec) => {
    expect(parseMount(spec)).toHaveProperty('problem');
  });
});

test('a mistyped name finds its neighbour, a strange one finds none', () => {
  const known = ['ports', 'image', 'container_name', 'environment'];
  expect(
    ['prots', 'Image', 'container-name', 'enviroment', 'xyz', 'po'].map((name) => closestName(name, known)),
  ).toEqual(['ports', 'image', 'container_name', 'environment', undefined, undefined]);
});
