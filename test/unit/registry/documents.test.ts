import { expect, test } from 'vitest';
import { parseObject } from '../../../src/registry/index.js';

test('a document of brackets is refused before it fills the memory, however they lie', () => {
  for (const text of ['['.repeat(1_000_000), `{"a":[${'[],'.repeat(1_000_000)}[]]}`, `{"a":${'{"b":'.repeat(300)}1`]) {
    expect(() => parseObject('manifest', text)).toThrow(/invalid manifest: (nested|more than)/);
  }
});

test('brackets and commas in strings are text, also after an escaped quote', () => {
  const value = { a: `\\"${'['.repeat(1_000)}`, b: ','.repeat(600_000), '"[': '\\' };
  expect(parseObject('config', JSON.stringify(value))).toEqual(value);
});

test('what is no object is refused with its name', () => {
  expect(() => parseObject('config', '[]')).toThrow('invalid config: not a JSON object');
  expect(() => parseObject('config', '{')).toThrow('invalid config: not JSON');
});
