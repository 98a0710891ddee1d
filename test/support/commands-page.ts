import { longName, type Flag, type Flags } from '../../src/cli/flags.js';
import { globalFlags } from '../../src/cli/global-flags.js';
import type { CommandPage } from './command-uses.js';

/** Flags of docker's own that only choose the connection are shown with the others. */
export interface PageInput {
  readonly commands: readonly CommandPage[];
  readonly uses: ReadonlyMap<string, readonly string[]>;
  /** The page as it is: a test it names stays where it still holds, so that new tests do not make the page stale. */
  readonly previous: string;
}

/** docs/commands.md: every command and flag, and the test that runs it. */
export function commandsPage({ commands, uses, previous }: PageInput): string {
  const shown = commands.filter(({ entry }) => entry.name !== '__complete');
  const testOf = (key: string): string => {
    const files = uses.get(key) ?? [];
    const kept = files.find((file) => previous.includes(`<!-- ${key} -->${testLink(file)}`));
    const chosen = kept ?? files[0];
    return `<!-- ${key} -->${chosen === undefined ? 'none' : testLink(chosen)}`;
  };
  const sections = shown.map((page) => section(page, testOf));
  const own = shown.filter(({ aliasOf }) => aliasOf === undefined);
  const flags = own.reduce((sum, { command }) => sum + Object.keys(command?.flags ?? {}).length, 0);
  return [
    '# Commands',
    '',
    'Written by `sh scripts/write-commands.sh` from the tables the CLI itself parses with; a test fails when it is stale, or',
    'when a command or flag has no test that runs it. The last column names one such test.',
    '',
    `${shown.length} commands with ${flags} flags, and ${Object.keys(globalFlags).length} flags before the command.`,
    '',
    '## Flags before the command',
    '',
    ...table(globalFlags, (long) => testOf(long)),
    '',
    ...sections.flat(),
  ].join('\n');
}

function section(
  { name, entry, command, details, aliasOf }: CommandPage,
  testOf: (key: string) => string,
): readonly string[] {
  const summary = [`${entry.summary}.`, ...(details === undefined ? [] : [details])].map(escape).join(' ');
  if (aliasOf !== undefined) return [`## ${name}`, '', `${summary} Run by ${testOf(name)}.`, ''];
  if (command === undefined) return [`## ${name}`, '', summary, ''];
  const usage = ['tscompose', name, '[flags]', command.usage].filter(Boolean).join(' ');
  const flags =
    Object.keys(command.flags).length === 0 ? [] : [...table(command.flags, (long) => testOf(`${name} ${long}`)), ''];
  return [`## ${name}`, '', summary, '', '```', usage, '```', '', `Run by ${testOf(name)}.`, '', ...flags];
}

function table(flags: Flags, testOf: (long: string) => string): readonly string[] {
  const rows = Object.entries(flags).map(([key, flag]) => {
    const long = `--${longName(key)}`;
    return `| ${spelling(long, flag)} | ${escape(summaryOf(flag))} | ${testOf(long)} |`;
  });
  return ['| Flag | What | Test |', '| --- | --- | --- |', ...rows];
}

function spelling(long: string, flag: Flag<unknown>): string {
  const value = { switch: '', text: 'TEXT', integer: 'N', list: 'TEXT' }[flag.type];
  const full = flag.type === 'switch' ? long : `${long} ${flag.placeholder ?? value}`;
  return [...(flag.short === undefined ? [] : [`-${flag.short}`]), full].map((one) => `\`${one}\``).join(', ');
}

function summaryOf({ summary, fallback, type, hidden, oldName }: Flag<unknown>): string {
  const notes = [
    ...(type === 'list' ? ['may be repeated'] : []),
    ...(fallback === true ? ['on by default'] : []),
    ...(typeof fallback === 'string' || typeof fallback === 'number' ? [`default ${String(fallback)}`] : []),
    ...(oldName === undefined ? [] : [`formerly --${oldName}`]),
    ...(hidden === true ? ['not in help'] : []),
  ];
  return notes.length === 0 ? summary : `${summary} (${notes.join('; ')})`;
}

function testLink(file: string): string {
  return `[${file.replace(/^test\//, '').replace(/\.ts$/, '')}](../${file})`;
}

function escape(text: string): string {
  return text.replace(/[|<>*_[\]]/g, '\\$&');
}
