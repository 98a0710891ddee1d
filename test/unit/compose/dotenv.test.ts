import { describe, expect, test } from 'vitest';
import { DotenvError, parseDotenv, parseRawEnv } from '../../../src/compose/dotenv.js';

const shell: Readonly<Record<string, string>> = { SHELL_VAR: 'from shell', A: 'shell a' };
const options = { lookup: (name: string): string | undefined => shell[name] };

function parse(text: string): Record<string, string> {
  return Object.fromEntries(parseDotenv(text, options));
}

describe('parseDotenv', () => {
  test.each([
    ['K=v', { K: 'v' }],
    ['K: v\nL:w', { K: 'v', L: 'w' }],
    ['\uFEFFK=v', { K: 'v' }],
    ['export K=v', { K: 'v' }],
    ['  K = v  \n', { K: 'v' }],
    ['# c\n\n  # d\nK=v # e', { K: 'v' }],
    ['K=a#b', { K: 'a#b' }],
    ['K=\nL=w', { K: '', L: 'w' }],
    ['K=v\r\nL=w\r\n', { K: 'v', L: 'w' }],
    ['K=$SHELL_VAR ${X:-d}', { K: 'from shell d' }],
    ['X=1\nK=${X}2', { X: '1', K: '12' }],
    ['A=file\nK=$A', { A: 'file', K: 'shell a' }],
    [`K='$SHELL_VAR \\n'`, { K: '$SHELL_VAR \\n' }],
    [`K='it\\'s'`, { K: "it's" }],
    ['K="a\\tb\\nc\\\\d\\"e"', { K: 'a\tb\nc\\d"e' }],
    ['K="\\$SHELL_VAR $SHELL_VAR"', { K: '$SHELL_VAR from shell' }],
    ['K="\\0101\\q\\077\\0400"', { K: 'A\\q\\77\\400' }],
    ['K="two\nlines"\nL=w', { K: 'two\nlines', L: 'w' }],
    ['SHELL_VAR\nNOT_SET\nL=w', { SHELL_VAR: 'from shell', L: 'w' }],
    ['a.b-c[0]_1=v', { 'a.b-c[0]_1': 'v' }],
    ['ключ=v', { ключ: 'v' }],
  ])('%j', (text, values) => {
    expect(parse(text)).toEqual(values);
  });

  test.each([
    ['A=1\nB C=2', 'key cannot contain a space', 2],
    ['K="open', 'unterminated quoted value "', 1],
    ["A=1\nK='open\n", "unterminated quoted value '", 2],
    ['K%=v', 'unexpected character "%" in variable name "K%=v"', 1],
    ['A=1\nK=${', 'invalid interpolation format: ${', 2],
  ])('%j fails', (text, message, line) => {
    const parsing = (): unknown => parse(text);
    expect(parsing).toThrow(DotenvError);
    expect(parsing).toThrow(message);
    expect(lineOf(parsing)).toBe(line);
  });
});

test('the raw format takes values literally', () => {
  const text = '# c\nK="a" $X #b\nL=\nSHELL_VAR\nNOT_SET\n';
  expect(Object.fromEntries(parseRawEnv(text, options))).toEqual({ K: '"a" $X #b', L: '', SHELL_VAR: 'from shell' });
});

function lineOf(parsing: () => unknown): number | undefined {
  try {
    parsing();
  } catch (error) {
    if (error instanceof DotenvError) return error.line;
  }
  return undefined;
}
