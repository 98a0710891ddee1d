import { isGroup, type CommandEntry } from '../command.js';
import { longName, type Flag, type Flags } from '../flags.js';
import { globalFlags, persistentFlags } from '../global-flags.js';

/** One thing the word under the cursor may become. */
export interface Candidate {
  readonly word: string;
  /** One line. */
  readonly description?: string;
}

export interface Completion {
  readonly candidates: readonly Candidate[];
  /** What the shell adds of its own. */
  readonly paths: 'none' | 'files' | 'folders';
}

/** What only the project knows; asked for when it is needed. */
export interface ProjectNames {
  services(): Promise<readonly string[]>;
  profiles(): Promise<readonly string[]>;
}

/** Reads the words before the cursor as the program would, and offers what may stand there. */
export async function complete(
  words: readonly string[],
  table: readonly CommandEntry[],
  names: ProjectNames,
): Promise<Completion> {
  const current = words.at(-1) ?? '';
  const place = await placeOf(words.slice(0, -1), table);
  const assigned = /^(--[^=]+)=(.*)$/s.exec(current);
  if (place.pending !== undefined) return startingWith(current, await valuesOf(place.pending, names));
  if (assigned !== null && !place.flagsOver) {
    const [, name = '', value = ''] = assigned;
    const flag = flagNamed(place.flags, name);
    if (flag === undefined) return nothing;
    const found = startingWith(value, await valuesOf(flag, names));
    return { ...found, candidates: found.candidates.map((one) => ({ ...one, word: `${name}=${one.word}` })) };
  }
  if (current.startsWith('-') && !place.flagsOver) return startingWith(current, flagsOf(place));
  return startingWith(current, await argumentsOf(place, names));
}

interface Place {
  readonly flags: Flags;
  /** Flags given so far, by key. */
  readonly given: ReadonlySet<string>;
  /** Positional arguments so far. */
  readonly position: number;
  /** The flag whose value comes next. */
  readonly pending: Flag<unknown> | undefined;
  readonly flagsOver: boolean;
  readonly subcommands: readonly CommandEntry[] | undefined;
  readonly usage: string;
}

interface Level {
  readonly flags: Flags;
  readonly subcommands?: readonly CommandEntry[];
  readonly usage: string;
  readonly stopsAtFirstArgument: boolean;
}

async function placeOf(words: readonly string[], table: readonly CommandEntry[]): Promise<Place> {
  let level: Level = { flags: globalFlags, subcommands: table, usage: '', stopsAtFirstArgument: false };
  let given = new Set<string>();
  let [position, flagsOver] = [0, false];
  let pending: Flag<unknown> | undefined;
  for (const word of words) {
    if (pending !== undefined) pending = undefined;
    else if (word === '--' && !flagsOver) flagsOver = true;
    else if (word.startsWith('-') && word !== '-' && !flagsOver) {
      const found = read(word, level.flags);
      if (found === undefined) continue;
      given.add(found.key);
      if (found.flag.type !== 'switch' && !found.hasValue) pending = found.flag;
    } else if (level.subcommands !== undefined) {
      level = await below(level.subcommands, word, table);
      given = new Set();
    } else {
      position += 1;
      flagsOver ||= level.stopsAtFirstArgument;
    }
  }
  const { flags, subcommands, usage } = level;
  return { flags, given, position, pending, flagsOver, subcommands, usage };
}

async function below(
  subcommands: readonly CommandEntry[],
  word: string,
  table: readonly CommandEntry[],
): Promise<Level> {
  if (word === 'help' && subcommands === table) {
    return { flags: {}, subcommands: table, usage: '', stopsAtFirstArgument: false };
  }
  const entry = subcommands.find(({ name }) => name === word);
  const loaded = await entry?.load();
  if (loaded === undefined) return { flags: {}, usage: '', stopsAtFirstArgument: false };
  if (isGroup(loaded)) {
    return { flags: {}, subcommands: loaded.subcommands, usage: '', stopsAtFirstArgument: false };
  }
  const { flags, usage, stopsAtFirstArgument = false } = loaded;
  return { flags: { ...flags, ...persistentFlags }, usage, stopsAtFirstArgument };
}

/** The last flag of a word: `-ds` may set several. */
function read(word: string, flags: Flags): { key: string; flag: Flag<unknown>; hasValue: boolean } | undefined {
  if (word.startsWith('--')) {
    const [name = ''] = word.slice(2).split('=');
    const [key] = Object.entries(flags).find(([own, { oldName }]) => longName(own) === name || oldName === name) ?? [];
    const flag = key === undefined ? undefined : flags[key];
    return key === undefined || flag === undefined ? undefined : { key, flag, hasValue: word.includes('=') };
  }
  for (let at = 1; at < word.length; at += 1) {
    const [key, flag] = Object.entries(flags).find(([, { short }]) => short === word[at]) ?? [];
    if (key === undefined || flag === undefined) return undefined;
    if (flag.type !== 'switch' || at === word.length - 1) return { key, flag, hasValue: at < word.length - 1 };
  }
  return undefined;
}

function flagNamed(flags: Flags, name: string): Flag<unknown> | undefined {
  return read(`${name}=`, flags)?.flag;
}

/** Long names; those that count once are not offered again. */
function flagsOf({ flags, given }: Place): Completion {
  const offered = Object.entries(flags).filter(
    ([key, { hidden, type }]) => hidden !== true && (type === 'list' || !given.has(key)),
  );
  const candidates = offered.map(([key, { summary }]) => ({ word: `--${longName(key)}`, description: summary }));
  return { candidates: [...candidates, { word: '--help', description: 'Show this help' }], paths: 'none' };
}

async function valuesOf({ choices, placeholder = '' }: Flag<unknown>, names: ProjectNames): Promise<Completion> {
  if (choices !== undefined) return { candidates: choices.map((word) => ({ word })), paths: 'none' };
  return await named(placeholder, names);
}

/** The words of a command's usage tell what its arguments are; the last one may repeat. */
async function argumentsOf({ subcommands, usage, position }: Place, names: ProjectNames): Promise<Completion> {
  if (subcommands !== undefined) {
    const shown = subcommands.filter(({ hidden }) => hidden !== true);
    return { candidates: shown.map(({ name, summary }) => ({ word: name, description: summary })), paths: 'none' };
  }
  const kinds = usage.split(' ').filter((word) => word !== '');
  const last = kinds.at(-1);
  const kind = kinds[position] ?? (last?.includes('...') === true ? last : '');
  return await named(kind.replace(/[[\].]/g, ''), names);
}

async function named(kind: string, names: ProjectNames): Promise<Completion> {
  const services = async (suffix = ''): Promise<Candidate[]> =>
    (await names.services()).map((name) => ({ word: `${name}${suffix}` }));
  switch (kind) {
    case 'SERVICE':
    case 'SERVICES':
      return { candidates: await services(), paths: 'none' };
    case 'SERVICE=NUM':
      return { candidates: await services('='), paths: 'none' };
    case 'SOURCE':
    case 'TARGET': // of cp: a path here, or one in a service
      return { candidates: await services(':'), paths: 'files' };
    case 'PROFILE':
      return { candidates: (await names.profiles()).map((word) => ({ word })), paths: 'none' };
    case 'SHELL':
      return { candidates: ['bash', 'fish', 'zsh'].map((word) => ({ word })), paths: 'none' };
    case 'FILE':
    case 'COMMAND':
    case 'ARGS':
      return { candidates: [], paths: 'files' };
    case 'FOLDER':
      return { candidates: [], paths: 'folders' };
    default:
      return nothing;
  }
}

const nothing: Completion = { candidates: [], paths: 'none' };

function startingWith(prefix: string, { candidates, paths }: Completion): Completion {
  return { candidates: candidates.filter(({ word }) => word.startsWith(prefix)), paths };
}
