import { describe, expect, test } from 'vitest';
import { BadPattern, globToRegExp } from '../../../src/base/glob.js';
import { parseIgnore } from '../../../src/base/ignore-rules.js';

const ignored = (rules: string, ...paths: string[]) => paths.filter((path) => parseIgnore(rules).ignores(path));

describe('.dockerignore', () => {
  test('a pattern matches from the root, and all below a directory it matches', () => {
    expect(ignored('node_modules', 'node_modules', 'node_modules/a/b', 'x/node_modules', 'node_modules2')).toEqual([
      'node_modules',
      'node_modules/a/b',
    ]);
  });
  test('one star stays within a name, two cross directories, any number of them', () => {
    expect(ignored('*.md', 'a.md', 'b/a.md')).toEqual(['a.md']);
    expect(ignored('**/*.md', 'a.md', 'b/a.md', 'b/c/a.md', 'a.mdx')).toEqual(['a.md', 'b/a.md', 'b/c/a.md']);
    expect(ignored('a/**', 'a', 'a/b', 'a/b/c')).toEqual(['a/b', 'a/b/c']);
    expect(ignored('a/**/z', 'a/z', 'a/b/z', 'a/b/c/z', 'az')).toEqual(['a/z', 'a/b/z', 'a/b/c/z']);
    expect(ignored('**', 'a', 'a/b')).toEqual(['a', 'a/b']);
  });
  test('a question mark, a class and an escape match one character', () => {
    expect(ignored('?.txt\n[a-c]x\n[^a]y\n\\*z', 'q.txt', 'qq.txt', 'bx', 'dx', 'ay', 'by', '*z', 'az')).toEqual([
      'q.txt',
      'bx',
      'by',
      '*z',
    ]);
  });
  test('the last match decides, and an exclamation mark lets in again', () => {
    expect(ignored('*\n!keep\n!sub/in', 'a', 'keep', 'keep/b', 'sub', 'sub/in', 'sub/out')).toEqual([
      'a',
      'sub',
      'sub/out',
    ]);
    expect(ignored('!a\n*', 'a')).toEqual(['a']);
    expect(ignored('*.md\n!README*.md\nREADME-secret.md', 'x.md', 'README.md', 'README-secret.md')).toEqual([
      'x.md',
      'README-secret.md',
    ]);
  });
  test('comments, blanks, slashes at either end and dots are no part of a pattern', () => {
    expect(ignored('# a\n  b  \n/c/\n./d\ne/../f\n.\n', '# a', 'a', 'b', 'c', 'd', 'e', 'f')).toEqual([
      'b',
      'c',
      'd',
      'f',
    ]);
  });
  test('an exclamation mark alone and an open class are refused', () => {
    expect(() => parseIgnore('!')).toThrow(BadPattern);
    expect(() => parseIgnore('a[')).toThrow(BadPattern);
  });
  test('an ignored directory is entered only when something in it may be let in again', () => {
    expect(parseIgnore('a\nb').prunes('a')).toBe(true);
    expect(parseIgnore('a\n!a/x/y').prunes('a')).toBe(false);
    expect(parseIgnore('a\n!a/x/y').prunes('a/x')).toBe(false);
    expect(parseIgnore('a\n!b/x').prunes('a')).toBe(true);
    expect(parseIgnore('a\n!**/x').prunes('a')).toBe(false);
  });
});

describe("Go's filepath.Match", () => {
  test.each([
    ['abc', 'abc', true],
    ['*c', 'abc', true],
    ['a*/b', 'abc/b', true],
    ['a*/b', 'a/c/b', false],
    ['a?c', 'a/c', false],
    ['[a-b]*', 'bcd', true],
    ['[^a-b]', 'c', true],
    ['[^a-b]', '/', false],
    ['[\\]a]', ']', true],
    ['a\\*', 'a*', true],
    ['a\\*', 'ab', false],
    ['a.c', 'abc', false],
    ['[!a]', 'a', true],
  ])('%s against %s is %s', (pattern, text, expected) => {
    expect(globToRegExp(pattern).test(text)).toBe(expected);
  });
  test.each([['['], ['[]'], ['[a'], ['a\\'], ['[-x]'], ['[a-]']])('%s is refused', (pattern) => {
    expect(() => globToRegExp(pattern)).toThrow(BadPattern);
  });
});
