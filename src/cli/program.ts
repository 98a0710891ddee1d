import { hasCode, TscomposeError } from '../base/errors.js';
import { invalidUsage } from '../base/invalid-usage.js';
import { choiceOf } from './choice.js';
import { isGroup, type AnyCommand, type CommandEntry } from './command.js';
import { commandTable } from './command-table.js';
import type { CliContext } from './context.js';
import { createContext, type OpenContext } from './create-context.js';
import { metadataWord, pluginCall, pluginMetadata } from './docker-plugin.js';
import type { Flags } from './flags.js';
import { globalFlags, persistentFlags, type GlobalValues } from './global-flags.js';
import { exitCodes, type Interrupts } from './interrupts.js';
import { helpOf, parseCommand, type CommandShape } from './parse-command.js';
import { reportError, type ErrorFormat } from './report-error.js';
import { settingsFor } from './settings.js';
import type { Terminal } from './terminal.js';

const programName = 'tscompose';

const rootShape: CommandShape<typeof globalFlags> = {
  name: programName,
  summary: 'Run projects described in compose files, as docker compose does, on an engine of its own.',
  usage: '[ARGS...]',
  flags: globalFlags,
  stopsAtFirstArgument: true,
  subcommands: [...commandTable, { name: 'help', summary: 'Show help for a command' }],
  epilogue:
    'DOCKER_HOST, --host or a docker context choose another engine; without one the embedded engine is used\n' +
    `and started when needed. ${programName} COMMAND --help tells more about a command.`,
};

/** Of `runRelayed`: the command wants a process of its own. */
class NotRelayable extends Error {}

/**
 * Runs one command line to its end and gives the exit code. Failures are written to standard error; nothing is thrown.
 * @param given - without interpreter and script
 */
export async function runCli(given: readonly string[], outer: Terminal, interrupts: Interrupts): Promise<number> {
  if (given[0] === metadataWord) {
    outer.stdout.write(pluginMetadata());
    return exitCodes.success;
  }
  const { argv, environment } = pluginCall(given) ?? { argv: given, environment: {} };
  const terminal = withVariables(outer, environment);
  return await runChecked(argv, terminal, interrupts, () => undefined);
}

/**
 * The same on behalf of another process; undefined when the command is none that may, and nothing was done.
 * @param onAccepted - called before anything is
 */
export async function runRelayed(
  argv: readonly string[],
  terminal: Terminal,
  interrupts: Interrupts,
  onAccepted: () => void,
): Promise<number | undefined> {
  try {
    return await runChecked(argv, terminal, interrupts, (command, flags) => {
      if (command.relayable?.(flags) !== true) throw new NotRelayable();
      onAccepted();
    });
  } catch (error) {
    if (error instanceof NotRelayable) return undefined;
    throw error;
  }
}

async function runChecked(
  argv: readonly string[],
  terminal: Terminal,
  interrupts: Interrupts,
  check: (command: AnyCommand, flags: Readonly<Record<string, unknown>>) => void,
): Promise<number> {
  let format = guessErrorFormat(argv, terminal);
  let open: OpenContext | undefined;
  try {
    const { flags: globals, args, help } = parseCommand(rootShape, argv);
    format = errorFormat(globals, terminal) ?? format;
    const [name, ...rest] = globals.version ? ['version'] : args;
    if (help || name === undefined) return writeHelp(rootShape, terminal);
    if (name === 'help') return await helpFor(rest, terminal);
    const found = await find(commandTable, [name, ...rest], programName);
    if (found.command === undefined) return writeHelp(found.shape, terminal);
    const parsed = parseCommand(found.shape, found.rest);
    if (parsed.help) return writeHelp(found.shape, terminal);
    check(found.command, parsed.flags);
    const settings = await settingsFor(globals, terminal);
    format = errorFormat(globals, { ...terminal, environment: settings }) ?? format;
    const dryRun = globals.dryRun || parsed.flags['dryRun'] === true;
    open = createContext({ ...globals, dryRun }, terminal, settings, interrupts);
    return await run(found.command, parsed.flags, parsed.args, open.context);
  } catch (error) {
    if (error instanceof NotRelayable) throw error;
    await open?.settle();
    return reportError(interrupted(error, interrupts), format, terminal);
  } finally {
    await open?.settle();
  }
}

/** Leaves standard input unopened, as the terminal itself does. */
function withVariables(terminal: Terminal, more: Readonly<Record<string, string>>): Terminal {
  if (Object.keys(more).length === 0) return terminal;
  return {
    get stdin() {
      return terminal.stdin;
    },
    stdout: terminal.stdout,
    stderr: terminal.stderr,
    environment: { ...terminal.environment, ...more },
    cwd: terminal.cwd,
  };
}

async function run(
  command: AnyCommand,
  flags: Readonly<Record<string, unknown>>,
  args: readonly string[],
  context: CliContext,
): Promise<number> {
  return await command.run({ flags, args, context });
}

interface Found {
  readonly shape: CommandShape<Flags>;
  /** Undefined for a group named without one of its commands. */
  readonly command: AnyCommand | undefined;
  readonly rest: readonly string[];
}

async function find(table: readonly CommandEntry[], words: readonly string[], path: string): Promise<Found> {
  const [word = '', ...rest] = words;
  const entry = table.find(({ name }) => name === word);
  if (entry === undefined) throw unknownCommand(table, word, path);
  const name = `${path} ${entry.name}`;
  const loaded = await entry.load();
  const { summary } = entry;
  const details = loaded.details === undefined ? {} : { details: loaded.details };
  if (!isGroup(loaded)) {
    const { usage, flags } = loaded;
    const shape = { name, summary, ...details, usage, flags: { ...flags, ...persistentFlags } };
    const stops = loaded.stopsAtFirstArgument === true ? { stopsAtFirstArgument: true } : {};
    return { shape: { ...shape, ...stops }, command: loaded, rest };
  }
  const shape = { name, summary, ...details, usage: '', flags: {}, subcommands: loaded.subcommands };
  const [next] = rest;
  if (next === undefined || next === '--help' || next === '-h') return { shape, command: undefined, rest: [] };
  return await find(loaded.subcommands, rest, name);
}

async function helpFor(words: readonly string[], terminal: Terminal): Promise<number> {
  if (words.length === 0) return writeHelp(rootShape, terminal);
  const { shape } = await find(commandTable, words, programName);
  return writeHelp(shape, terminal);
}

function writeHelp(shape: CommandShape<Flags>, { stdout }: Terminal): number {
  stdout.write(helpOf(shape, Math.max(40, stdout.columns ?? 100)));
  return exitCodes.success;
}

function unknownCommand(table: readonly CommandEntry[], word: string, path: string): TscomposeError {
  const near = table.find(({ name }) => name.startsWith(word) || word.startsWith(name) || differByOne(name, word));
  return invalidUsage(
    word,
    word.startsWith('-') ? `${path}: unknown flag ${word}` : `unknown command: "${path} ${word}"`,
    near === undefined ? `${path} --help lists the commands` : `did you mean "${near.name}"?`,
  );
}

/** One letter missing, too much, wrong or swapped with its neighbour. */
function differByOne(a: string, b: string): boolean {
  if (Math.abs(a.length - b.length) > 1) return false;
  let start = 0;
  while (start < a.length && a[start] === b[start]) start += 1;
  const [tailA, tailB] = [a.slice(start), b.slice(start)];
  const swapped = `${tailA.charAt(1)}${tailA.charAt(0)}${tailA.slice(2)}` === tailB;
  return swapped || tailA.slice(1) === tailB.slice(1) || tailA.slice(1) === tailB || tailA === tailB.slice(1);
}

/** What was going on fails in its own way when it is cut off; for the user it is the interrupt. */
function interrupted(error: unknown, { signal }: Interrupts): unknown {
  if (!signal.aborted) return error;
  const isAbort = error === signal.reason || (error instanceof Error && error.name === 'AbortError');
  return isAbort || hasCode(error, 'cli/interrupted') ? signal.reason : error;
}

/** Before the flags are parsed, for failures of parsing them. */
function guessErrorFormat(argv: readonly string[], terminal: Terminal): ErrorFormat {
  const value = (name: string): string | undefined => {
    const at = argv.findIndex((word) => word === `--${name}` || word.startsWith(`--${name}=`));
    const word = at < 0 ? undefined : argv[at];
    return word?.includes('=') === true ? word.slice(word.indexOf('=') + 1) : word && argv[at + 1];
  };
  if (value('error-format') === 'json') return 'json';
  return (value('progress') ?? terminal.environment['COMPOSE_PROGRESS']) === 'json' ? 'progress-json' : 'text';
}

function errorFormat({ errorFormat, progress }: GlobalValues, { environment }: Terminal): ErrorFormat | undefined {
  if (errorFormat !== undefined) return choiceOf('--error-format', errorFormat, ['text', 'json']);
  return (progress ?? environment['COMPOSE_PROGRESS']) === 'json' ? 'progress-json' : 'text';
}
