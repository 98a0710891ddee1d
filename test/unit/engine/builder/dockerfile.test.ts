import { describe, expect, test } from 'vitest';
import { TscomposeError } from '../../../../src/base/errors.js';
import { parseDockerfile } from '../../../../src/engine/builder/dockerfile/parse.js';

const parse = (...lines: string[]) => parseDockerfile(lines.join('\n'), 'Dockerfile');
const instructions = (...lines: string[]) => parse('FROM x', ...lines).stages[0]?.instructions ?? [];

function failure(...lines: string[]): { code: string; message: string; at: string } {
  try {
    parse(...lines);
  } catch (error) {
    if (!(error instanceof TscomposeError)) throw error;
    const { at } = error;
    return {
      code: String(error.code),
      message: error.message,
      at: at === undefined ? '' : `${at.line}:${at.column}`,
    };
  }
  throw new Error('it parsed');
}

describe('lines', () => {
  test('a continued instruction loses its comments and empty lines and keeps the blanks of its lines', () => {
    expect(instructions('RUN a && \\', '  # why', '', '  b \\', '  c')).toMatchObject([
      { keyword: 'RUN', text: 'RUN a &&   b   c', command: { form: 'shell', text: 'a &&   b   c' } },
    ]);
  });
  test('a doubled escape character at the end of a line is no continuation', () => {
    expect(instructions('RUN a \\\\', 'RUN b')).toHaveLength(2);
  });
  test('the escape directive changes the continuation mark and counts only at the top', () => {
    const { escape, stages } = parse('# escape=`', 'FROM x', 'RUN a `', '  b');
    expect(escape).toBe('`');
    expect(stages[0]?.instructions).toMatchObject([{ text: 'RUN a   b' }]);
    expect(parse('# hello', '# escape=`', 'FROM x').escape).toBe('\\');
  });
  test('a byte order mark and carriage returns are no part of anything', () => {
    expect(parse('\u{feff}FROM x\r', 'RUN a \\\r', ' b\r').stages[0]?.instructions).toMatchObject([
      { text: 'RUN a  b' },
    ]);
  });
  test('keywords are known in any case and shown in capitals', () => {
    expect(instructions('run a')).toMatchObject([{ keyword: 'RUN', text: 'RUN a' }]);
  });
});

describe('heredocs', () => {
  test('a RUN takes the lines up to its end mark, comments and empty ones too', () => {
    expect(instructions('RUN <<EOF', '# not a comment', '', 'echo $A', 'EOF', 'CMD x')).toMatchObject([
      {
        command: { text: '<<EOF', heredocs: [{ name: 'EOF', content: '# not a comment\n\necho $A\n', expand: true }] },
      },
      { keyword: 'CMD' },
    ]);
  });
  test('a dash strips tabs, quotes forbid expansion, and one line may announce several', () => {
    expect(instructions('COPY <<-A <<"B" /d/', '\tone', '\tA', '\ttwo', 'B')).toMatchObject([
      {
        sources: [],
        destination: '/d/',
        heredocs: [
          { name: 'A', content: 'one\n', expand: true },
          { name: 'B', content: '\ttwo\n', expand: false },
        ],
      },
    ]);
  });
  test('carriage returns are part of a file, and not of what a shell runs', () => {
    const lines = ['COPY <<-A /d/\r', '\tone\r', 'two', 'A\r', 'RUN <<B\r', 'cd /d\r', 'B\r', 'CMD x\r'];
    expect(instructions(...lines)).toMatchObject([
      { heredocs: [{ name: 'A', content: 'one\r\ntwo\n' }] },
      { command: { heredocs: [{ name: 'B', content: 'cd /d\n' }] } },
      { keyword: 'CMD' },
    ]);
    const [onbuild] = instructions('ONBUILD COPY <<A /d/\r', 'one\r', 'A\r');
    expect(onbuild).toMatchObject({ trigger: 'COPY <<A /d/\none\r\nA' });
  });
  test('a here-string and a mark in quotes are left to the shell', () => {
    expect(instructions('RUN cat <<<EOF', 'RUN echo "<<EOF"')).toMatchObject([
      { command: { heredocs: [] } },
      { command: { heredocs: [] } },
    ]);
  });
  test('the name of one that becomes a file is one element, whatever the mark says', () => {
    expect(instructions('COPY <<a/../b /d/', 'x', 'a/../b')).toMatchObject([{ heredocs: [{ name: 'b' }] }]);
    for (const mark of ['../../etc/x', 'a/b', '..', '.', '/', 'x/..', '/etc/x'])
      for (const keyword of ['COPY', 'ADD'])
        expect(failure('FROM x', `${keyword} <<${mark} /d`, 'x', mark)).toMatchObject({
          code: 'build/syntax',
          at: '2:1',
        });
  });
  test('one without an end is an error at its instruction', () => {
    expect(failure('FROM x', 'RUN <<EOF', 'a')).toMatchObject({ code: 'build/syntax', at: '2:1' });
  });
});

describe('instructions', () => {
  test('JSON gives the exec form; what is almost JSON is a command', () => {
    expect(instructions('RUN ["a", "b c"]', "RUN ['a']")).toMatchObject([
      { command: { form: 'exec', args: ['a', 'b c'] } },
      { command: { form: 'shell', text: "['a']" } },
    ]);
  });
  test('flags stand in front of the arguments', () => {
    expect(
      instructions(
        'COPY --from=a --chown=1:2 --chmod=644 --exclude=*.md --exclude=x --link a b /d/',
        'RUN --mount=type=cache,target=/c --mount=type=tmpfs,target=/t --network=none echo --mount',
      ),
    ).toMatchObject([
      {
        from: 'a',
        chown: '1:2',
        chmod: '644',
        exclude: ['*.md', 'x'],
        link: true,
        sources: ['a', 'b'],
        destination: '/d/',
      },
      { mounts: ['type=cache,target=/c', 'type=tmpfs,target=/t'], network: 'none', command: { text: 'echo --mount' } },
    ]);
  });
  test('ENV and LABEL have an old form with one value and a new one with many', () => {
    expect(instructions('ENV A b  c', 'LABEL a=b "c d"="e f" g=\'h i\'')).toMatchObject([
      { pairs: [{ name: 'A', value: 'b  c' }] },
      {
        pairs: [
          { name: 'a', value: 'b' },
          { name: '"c d"', value: '"e f"' },
          { name: 'g', value: "'h i'" },
        ],
      },
    ]);
  });
  test('HEALTHCHECK reads durations in nanoseconds', () => {
    expect(
      instructions('HEALTHCHECK --interval=1m30s --timeout=500ms --retries=3 CMD ["a"]', 'HEALTHCHECK NONE'),
    ).toMatchObject([
      { settings: { intervalNs: 90e9, timeoutNs: 5e8, retries: 3 }, command: { form: 'exec', args: ['a'] } },
      { command: 'none' },
    ]);
  });
  test('ONBUILD keeps its trigger as text, heredoc and all', () => {
    expect(instructions('ONBUILD RUN <<E', 'a', 'E')).toMatchObject([{ trigger: 'RUN <<E\na\nE' }]);
  });
  test('stages have names in lower case and numbers', () => {
    const { globalArgs, stages } = parse('ARG V=1', 'FROM --platform=linux/arm64 a:$V AS Build', 'RUN x', 'FROM b');
    expect(globalArgs).toMatchObject([{ args: [{ name: 'V', value: '1' }] }]);
    expect(stages).toMatchObject([
      { index: 0, name: 'build', from: { image: 'a:$V', platform: 'linux/arm64' }, instructions: [{ keyword: 'RUN' }] },
      { index: 1, instructions: [] },
    ]);
  });
});

describe('mistakes are told with their place, in the words of Docker', () => {
  test.each([
    [
      ['FROM x', '', 'RUM a'],
      'build/unknown-instruction',
      '3:1',
      'dockerfile parse error on line 3: unknown instruction: RUM (did you mean RUN?)',
    ],
    [
      ['FROM x', 'BOGUS y'],
      'build/unknown-instruction',
      '2:1',
      'dockerfile parse error on line 2: unknown instruction: BOGUS',
    ],
    [['   '], 'build/dockerfile-empty', '', 'the Dockerfile (Dockerfile) cannot be empty'],
    [['# only'], 'build/dockerfile-empty', '1:1', 'failed to parse Dockerfile: file with no instructions'],
    [['RUN a', 'FROM x'], 'build/syntax', '1:1', 'dockerfile parse error on line 1: no build stage in current context'],
    [['FROM x', 'COPY --foo=1 a b'], 'build/syntax', '2:6', 'dockerfile parse error on line 2: unknown flag: --foo'],
    [['FROM x', 'COPY a'], 'build/syntax', '2:1', 'COPY requires at least two arguments'],
    [['FROM x', 'ENV A'], 'build/syntax', '2:5', 'ENV must have two arguments'],
    [['FROM x', 'ENV A=1 \\', '    B'], 'build/syntax', '3:5', `Syntax error - can't find = in "B"`],
    [['FROM x', 'RUN'], 'build/syntax', '2:1', 'RUN requires at least one argument'],
    [['FROM x y'], 'build/syntax', '1:1', 'FROM requires either one or three arguments'],
    [['FROM x AS 1a'], 'build/syntax', '1:11', 'invalid name for build stage: "1a"'],
    [['FROM x', 'SHELL sh -c'], 'build/syntax', '2:1', 'SHELL requires the arguments to be in JSON form'],
    [['FROM x', 'HEALTHCHECK --interval=x CMD a'], 'build/syntax', '2:24', 'invalid duration "x"'],
    [['FROM x', 'ONBUILD FROM y'], 'build/syntax', '2:9', "FROM isn't allowed as an ONBUILD trigger"],
    [['FROM x', 'ONBUILD RUMM y'], 'build/unknown-instruction', '2:1', 'unknown instruction: RUMM'],
    [['# escape=x', 'FROM x'], 'build/syntax', '1:1', "invalid escape token 'x'"],
  ])('%j', (lines, code, at, message) => {
    const found = failure(...lines);
    expect(found).toMatchObject({ code, at });
    expect(found.message).toContain(message);
  });

  test('all of them at once', () => {
    expect(failure('FROM x', 'RUM a', 'COPY b').code).toBe('problems/several');
  });
});
