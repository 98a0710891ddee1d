import { expect, test } from 'vitest';
import { choiceOf } from '../../../src/cli/choice.js';

test('a word that is known is given back', () => {
  expect(choiceOf('--format', 'json', ['table', 'json'])).toBe('json');
});

test('any other is refused with the words there are', () => {
  expect(() => choiceOf('--format', 'xml', ['table', 'json'])).toThrow('--format: "xml" is neither table nor json');
  expect(() => choiceOf('--ansi', '', ['a', 'b', 'c'])).toThrow('--ansi: "" is none of a, b and c');
});
