import { expect, test } from 'vitest';
import { hasCode } from '../../../../src/base/errors.js';
import { parseFilters, parseQuery } from '../../../../src/engine/server/query.js';

test.each([
  ['', false],
  ['a=', false],
  ['a=0', false],
  ['a=No', false],
  ['a=FALSE', false],
  ['a=none', false],
  ['a=1', true],
  ['a=true', true],
  ['a=2', true],
  ['a=anything', true],
])('the flag in %j is %j', (search, value) => {
  expect(parseQuery(search).flag('a')).toBe(value);
});

test('an absent flag may default to true, an empty one is false all the same', () => {
  expect(parseQuery('').flag('stream', true)).toBe(true);
  expect(parseQuery('stream=').flag('stream', true)).toBe(false);
});

test('integers are decimal, signed or not, and nothing else', () => {
  expect(parseQuery('t=-1').integer('t')).toBe(-1);
  expect(parseQuery('t=').integer('t')).toBeUndefined();
  for (const bad of ['1.5', '0x10', 'ten', '1e3']) {
    expect(() => parseQuery(`t=${bad}`).integer('t')).toThrow(/not a number/);
  }
});

test.each([
  ['1700000000', '1_700_000_000_000_000_000'],
  ['1700000000.5', '1_700_000_000_500_000_000'],
  ['1700000000.000000001', '1_700_000_000_000_000_001'],
  ['0', '0'],
  ['1970-01-01T00:00:01Z', '1_000_000_000'],
  ['1970-01-01T01:00:00.123456789+01:00', '123_456_789'],
])('the time %j is %s nanoseconds', (text, ns) => {
  expect(parseQuery(`since=${encodeURIComponent(text)}`).timeNs('since')).toBe(BigInt(ns.replaceAll('_', '')));
});

test.each(['yesterday', '1970-13-01T00:00:00Z', '1-2'])('%j is no time', (text) => {
  expect(() => parseQuery(`since=${text}`).timeNs('since')).toThrow(/not a time/);
});

test('filters come as sets or as lists', () => {
  expect(parseFilters('{"label":{"a=b":true,"off":false},"status":["exited","dead"]}')).toEqual({
    label: ['a=b'],
    status: ['exited', 'dead'],
  });
});

test.each(['[]', '"x"', '{"a":1}', '{"a":[1]}', '{'])('the filters %j are refused', (text) => {
  expect(() => parseFilters(text)).toThrow(/filter/);
});

test('an unknown filter is named', () => {
  const query = parseQuery(`filters=${encodeURIComponent('{"colour":["red"]}')}`);
  let failure: unknown;
  try {
    query.filters(['label']);
  } catch (error) {
    failure = error;
  }
  expect(hasCode(failure, 'request/bad-parameter') && failure.message).toBe("invalid filter 'colour'");
});
