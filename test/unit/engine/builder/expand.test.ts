import { describe, expect, test } from 'vitest';
import { expandWord, expandWords, ExpansionFailure } from '../../../../src/engine/builder/dockerfile/expand.js';

const variables: Record<string, string> = { A: 'one', B: 'two words', EMPTY: '', P: '/usr/lib/x.tar.gz' };
const expand = (text: string) => expandWord(text, (name) => variables[name], { escape: '\\' });

describe('a word', () => {
  test.each([
    ['$A-$B', 'one-two words'],
    ['${A}x$NOPE', 'onex'],
    ['"$A" \'$A\' \\$A', 'one $A $A'],
    ['"a\\"b\\x"', 'a"b\\x'],
    ['a\\ b', 'a b'],
    ['${A:-d}${NOPE:-d}${EMPTY:-d}', 'onedd'],
    ['${EMPTY-d}${NOPE-d}', 'd'],
    ['${A:+y}${EMPTY:+y}${EMPTY+z}', 'yz'],
    ['${NOPE:-${A}-$B}', 'one-two words'],
    ['${P#*/}|${P##*/}', 'usr/lib/x.tar.gz|x.tar.gz'],
    ['${P%.*}|${P%%.*}', '/usr/lib/x.tar|/usr/lib/x'],
    ['${P/usr/opt}|${P//\\//_}', '/opt/lib/x.tar.gz|_usr_lib_x.tar.gz'],
    ['$', '$'],
    ['$1a', 'a'],
    ['a$$b$?c$10d$-', 'abcd'],
    ['${@}${10}', ''],
    ['${A#"on"}|${P%\'.gz\'}', 'e|/usr/lib/x.tar'],
    ['${A/n/\\/}', 'o\\/e'],
  ])('%s becomes %s', (text, expected) => {
    expect(expand(text)).toBe(expected);
  });

  test.each([['${A'], ['"a'], ["'a"], ['${A:x}'], ['${A^}'], ['${}'], ['${NOPE:?gone}']])('%s is refused', (text) => {
    expect(() => expand(text)).toThrow(ExpansionFailure);
  });

  test('a required variable is named with its message', () => {
    expect(() => expand('${NOPE:?set it}')).toThrow('NOPE: set it');
  });

  test('the escape character of the file is the one that counts', () => {
    expect(expandWord('a`$A\\$A', (name) => variables[name], { escape: '`' })).toBe('a$A\\one');
  });
});

test('a heredoc keeps its quotes and loses the escape of a dollar sign only', () => {
  expect(expandWord(`"$A" '$A' \\$A \\n`, (name) => variables[name], { escape: '\\', quotes: 'raw' })).toBe(
    `"one" 'one' $A \\n`,
  );
});

test('words of a list may come from one variable', () => {
  expect(expandWords('80 $B', (name) => variables[name], { escape: '\\' })).toEqual(['80', 'two', 'words']);
});
