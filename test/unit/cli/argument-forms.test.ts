import { describe, expect, test } from 'vitest';
import { flag, flagOn, integer, list, text } from '../../../src/cli/flags.js';
import { helpOf, parseCommand } from '../../../src/cli/parse-command.js';

const shape = {
  name: 'tscompose sample',
  summary: 'A sample',
  usage: '[SERVICE...]',
  flags: {
    detach: flag('Detach', { short: 'd' }),
    build: flag('Build'),
    noBuild: flag('No build'),
    follow: flag('Follow', { short: 'f' }),
    orphans: flagOn('Orphans'),
    timeout: integer('Timeout', { short: 't' }),
    rmi: text('Images'),
    noAttach: list('No attach'),
    scale: list('Scale'),
    noTty: flag('No tty', { short: 'T', oldName: 'no-TTY' }),
  },
};
const parse = (...argv: string[]) => parseCommand(shape, argv);

describe("flags follow docker's forms", () => {
  test('without flags each has its fallback', () => {
    expect(parse().flags).toEqual({
      detach: false,
      build: false,
      noBuild: false,
      follow: false,
      orphans: true,
      timeout: undefined,
      rmi: undefined,
      noAttach: [],
      scale: [],
      noTty: false,
    });
  });

  test('short switches stand together, and the last may carry a value', () => {
    expect(parse('-dft5').flags).toMatchObject({ detach: true, follow: true, timeout: 5 });
    expect(parse('-dt', '5', 'web')).toMatchObject({ flags: { detach: true, timeout: 5 }, args: ['web'] });
    expect(parse('-t=5').flags.timeout).toBe(5);
  });

  test('a switch takes =true and =false, and the last one counts', () => {
    expect(parse('--orphans=false').flags.orphans).toBe(false);
    expect(parse('-d=false').flags.detach).toBe(false);
    expect(parse('--detach', '--detach=0').flags.detach).toBe(false);
    expect(parse('--detach=F', '-d=T').flags.detach).toBe(true);
  });

  test('--no-x is a flag of its own beside --x', () => {
    expect(parse('--build').flags).toMatchObject({ build: true, noBuild: false });
    expect(parse('--no-build').flags).toMatchObject({ build: false, noBuild: true });
    expect(parse('--no-attach', 'web', '--no-attach=db').flags.noAttach).toEqual(['web', 'db']);
  });

  test('flags and arguments may be mixed, and -- ends the flags', () => {
    expect(parse('web', '-d', 'db', '--', '-x').args).toEqual(['web', 'db', '-x']);
  });

  test('a value may look like a flag or hold an equals sign', () => {
    expect(parse('--rmi', '-x').flags.rmi).toBe('-x');
    expect(parse('--scale=web=3', '--scale', 'db=2').flags.scale).toEqual(['web=3', 'db=2']);
  });

  test('old spellings are understood', () => {
    expect(parse('--no-TTY').flags.noTty).toBe(true);
  });

  test('-h asks for help wherever a flag may stand, but not behind --', () => {
    expect(parse('web', '-h').help).toBe(true);
    expect(parse('--', '-h')).toMatchObject({ help: false, args: ['-h'] });
    expect(parse('-dh').help).toBe(true);
  });

  test.each([
    [['--detahc'], 'tscompose sample: unknown option "--detahc"', 'did you mean --detach?'],
    [['-z'], 'tscompose sample: unknown option "-z"', 'see tscompose sample --help'],
    [['--timeout', 'soon'], '--timeout: "soon" is not a whole number', undefined],
    [['--detach=perhaps'], '--detach=perhaps: "perhaps" is neither true nor false', undefined],
  ])('%j is refused', (argv, message, hint) => {
    expect(() => parse(...argv)).toThrow(expect.objectContaining({ code: 'usage/invalid', message, hint }));
  });
});

describe('a command that runs another command line', () => {
  const exec = { ...shape, usage: 'SERVICE COMMAND [ARGS...]', stopsAtFirstArgument: true };

  test('leaves everything behind its first argument alone', () => {
    const parsed = parseCommand(exec, ['-d', 'web', 'ls', '-l', '--detach=x', '--', '-h']);
    expect(parsed.flags.detach).toBe(true);
    expect(parsed.args).toEqual(['web', 'ls', '-l', '--detach=x', '--', '-h']);
  });

  test('says which argument is missing', () => {
    expect(() => parseCommand(exec, ['web'])).toThrow('tscompose sample: missing required argument "COMMAND"');
  });
});

test('help names every flag that is not hidden, within the width', () => {
  const help = helpOf({ ...shape, flags: { ...shape.flags, secret: flag('Secret', { hidden: true }) } }, 60);
  expect(help).toContain('-t, --timeout <N>');
  expect(help).not.toContain('secret');
  expect(Math.max(...help.split('\n').map((line) => line.length))).toBeLessThanOrEqual(60);
});
