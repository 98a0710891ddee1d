import { expect, test } from 'vitest';
import { checkPropagation } from '../../../../src/engine/containers/propagation.js';

const table = (tags: string) =>
  `1 0 8:1 / / rw,relatime - ext4 /dev/sda rw\n2 1 0:5 / /tmp rw ${tags}- tmpfs tmpfs rw\n`;
const check = (tags: string, propagation: string) => () => checkPropagation('/tmp', propagation, table(tags));

test('what shares can be shared and followed', () => {
  expect(check('shared:7 ', 'rshared')).not.toThrow();
  expect(check('shared:7 ', 'slave')).not.toThrow();
});

test('what follows can be followed, and shared one way only', () => {
  expect(check('master:7 ', 'rslave')()).toBe('as-asked');
  expect(check('master:7 ', 'shared')()).toBe('one-way');
  expect(check('shared:7 ', 'shared')()).toBe('as-asked');
});

test('what is private can be neither', () => {
  expect(check('', 'rslave')).toThrow('path /tmp is mounted on /tmp but it is not a shared or slave mount');
  expect(check('', 'rshared')).toThrow('but it is not a shared mount');
  expect(check('', 'rprivate')).not.toThrow();
});
