import { expect, test } from 'vitest';
import { encodeMoment } from '../../../src/client/moment.js';

test.each([
  [1_700_000_000, '1700000000'],
  ['1700000000.25', '1700000000.25'],
  ['1970-01-01T00:00:01Z', '1'],
  ['1970-01-01T01:00:00.123456789+01:00', '0.123456789'],
  ['10s', '90'],
  ['1m0.5s', '39.500000000'],
  [undefined, undefined],
])('%s goes out as %s', (value, encoded) => {
  expect(encodeMoment(value, 100_000)).toBe(encoded);
});

test('without a zone it is local time, and what is left out is zero', () => {
  const local = String(new Date(2026, 0, 31).getTime() / 1000);
  for (const text of ['2026-01-31', '2026-01-31T00', '2026-01-31T00:00', '2026-01-31T00:00:00']) {
    expect(encodeMoment(text)).toBe(local);
  }
});

test.each(['yesterday', '5 minutes ago', '2026-13-01', '10x'])('%j is refused', (text) => {
  expect(() => encodeMoment(text)).toThrow('is not a moment');
});
