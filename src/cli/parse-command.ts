import { Command, CommanderError, Option } from 'commander';
import { TscomposeError } from '../base/errors.js';
import { invalidUsage } from '../base/invalid-usage.js';
import { normaliseArguments } from './argument-forms.js';
import { longName, type Flag, type Flags, type FlagValues } from './flags.js';

/** What parsing and help need to know of a command. */
export interface CommandShape<Table extends Flags> {
  /** Words before the flags: `tscompose up`. */
  readonly name: string;
  readonly summary: string;
  /** More for help, after the summary. */
  readonly details?: string;
  /** `SERVICE COMMAND [ARGS...]` */
  readonly usage: string;
  readonly flags: Table;
  /** Flags end at the first argument, which may then be a command line of its own. */
  readonly stopsAtFirstArgument?: boolean;
  readonly subcommands?: readonly { readonly name: string; readonly summary: string; readonly hidden?: boolean }[];
  /** Text after everything else in help. */
  readonly epilogue?: string;
}

export interface Parsed<Table extends Flags> {
  readonly flags: FlagValues<Table>;
  readonly args: readonly string[];
  readonly help: boolean;
}

/** @throws `usage/invalid` for whatever does not fit the shape */
export function parseCommand<Table extends Flags>(shape: CommandShape<Table>, argv: readonly string[]): Parsed<Table> {
  const withHelp = {
    ...shape.flags,
    help: { type: 'switch', summary: '', short: 'h', fallback: false },
  } satisfies Flags;
  const { args, off, rest } = normaliseArguments(withHelp, argv, shape.stopsAtFirstArgument === true);
  const command = build(shape);
  if (args.includes('--help') && !behindDashes(args, '--help')) {
    return { flags: valuesOf(shape.flags, {}, off), args: [], help: true };
  }
  try {
    command.parse(rest.length === 0 ? [...args] : [...args, '--', ...rest], { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) throw usageError(shape, error);
    throw error;
  }
  return { flags: valuesOf(shape.flags, command.opts(), off), args: command.args, help: false };
}

export function helpOf(shape: CommandShape<Flags>, width: number): string {
  const command = build(shape);
  for (const { name, summary, hidden } of shape.subcommands ?? []) {
    command.addCommand(new Command(name).description(summary).helpOption(false), { hidden: hidden === true });
  }
  if (shape.epilogue !== undefined) command.addHelpText('after', `\n${shape.epilogue}`);
  let help = '';
  command.configureOutput({
    writeOut: (piece) => (help += piece),
    getOutHelpWidth: () => width,
    getOutHasColors: () => false,
  });
  command.outputHelp();
  return help;
}

function build(shape: CommandShape<Flags>): Command {
  const command = new Command(shape.name)
    .description(shape.details === undefined ? shape.summary : `${shape.summary}\n\n${shape.details}`)
    .helpOption('-h, --help', 'Show this help')
    .helpCommand(false)
    .exitOverride()
    .configureOutput({ writeErr: () => undefined })
    .usage([`[flags]`, shape.subcommands === undefined ? '' : 'COMMAND', shape.usage].filter(Boolean).join(' '))
    .configureHelp({ showGlobalOptions: false, minWidthToWrap: 20 });
  for (const word of shape.usage.split(' ').filter(Boolean)) command.argument(commanderArgument(word));
  for (const [key, flag] of Object.entries(shape.flags)) command.addOption(commanderOption(key, flag));
  return command;
}

function commanderArgument(word: string): string {
  const name = word.replace(/[[\].]/g, '') || 'ARG';
  const many = word.includes('...') ? '...' : '';
  return word.startsWith('[') ? `[${name}${many}]` : `<${name}${many}>`;
}

function commanderOption(key: string, flag: Flag<unknown>): Option {
  const long = `--${longName(key)}`;
  const names = flag.short === undefined ? long : `-${flag.short}, ${long}`;
  const placeholder = flag.placeholder ?? { switch: '', text: 'TEXT', integer: 'N', list: 'TEXT' }[flag.type];
  const option = new Option(flag.type === 'switch' ? names : `${names} <${placeholder}>`, flag.summary);
  option.negate = false; // docker's `--no-x` are flags of their own
  if (flag.hidden === true) option.hideHelp();
  if (flag.type === 'list')
    option.argParser((value: string, all: readonly string[] | undefined) => [...(all ?? []), value]);
  if (flag.type === 'integer') option.argParser((value: string) => parseInteger(long, value));
  return option;
}

function parseInteger(name: string, value: string): number {
  if (/^[+-]?\d+$/.test(value)) return Number(value);
  throw invalidUsage(name, `${name}: "${value}" is not a whole number`);
}

function valuesOf<Table extends Flags>(
  flags: Table,
  given: Readonly<Record<string, unknown>>,
  off: ReadonlySet<string>,
): FlagValues<Table> {
  const value = (key: string, flag: Flag<unknown>): unknown => (off.has(key) ? false : (given[key] ?? flag.fallback));
  return Object.fromEntries(Object.entries(flags).map(([key, flag]) => [key, value(key, flag)])) as FlagValues<Table>; // each entry has the type of its flag
}

function behindDashes(args: readonly string[], word: string): boolean {
  const dashes = args.indexOf('--');
  return dashes >= 0 && dashes < args.indexOf(word);
}

function usageError(shape: CommandShape<Flags>, error: CommanderError): TscomposeError {
  const [first = '', ...more] = error.message.replace(/^error: /, '').split('\n');
  const suggestion = /\(Did you mean (.*)\?\)/.exec(more.join(' '))?.[1];
  return invalidUsage(
    undefined,
    `${shape.name}: ${first.replaceAll("'", '"')}`,
    suggestion === undefined ? `see ${shape.name} --help` : `did you mean ${suggestion}?`,
  );
}
