import { expect, test } from 'vitest';
import { hasLabel } from '../../../src/base/label-filter.js';

test.each([
  ['tier', true],
  ['tier=web', true],
  ['tier=we', false],
  ['note=a=b', true],
  ['empty=', true],
  ['other', false],
  ['constructor', false], // which every object has
])('labels asked for %s', (wanted, has) => {
  expect(hasLabel({ tier: 'web', note: 'a=b', empty: '' }, wanted)).toBe(has);
});
