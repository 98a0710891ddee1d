import { parseBool } from '../base/go-bool.js';
import { invalidUsage } from '../base/invalid-usage.js';
import { longName, type Flag, type Flags } from './flags.js';

export interface NormalArguments {
  /** The same arguments in the forms commander reads. */
  readonly args: readonly string[];
  /** Switches turned off by `--name=false`, by key. */
  readonly off: ReadonlySet<string>;
  /** What stands from the first argument that is no flag on, when asked to stop there. */
  readonly rest: readonly string[];
}

/**
 * docker's flag syntax in commander's: `--switch=true|false`, `-s=value` and `-ds=value`, old long names.
 * With `stop` the first argument that is neither a flag nor a flag's value ends the flags.
 * @throws `usage/invalid` for `--switch=` with something that is no boolean
 */
export function normaliseArguments(flags: Flags, argv: readonly string[], stop: boolean): NormalArguments {
  const { long, short } = index(flags);
  const args: string[] = [];
  const off = new Set<string>();
  let position = 0;
  const takeValue = (): void => {
    const value = argv[position];
    if (value === undefined) return;
    args.push(value);
    position += 1;
  };

  while (position < argv.length) {
    const word = argv[position] ?? '';
    if (word === '--') break;
    if (!word.startsWith('-') || word === '-') {
      if (stop) break;
      args.push(word);
      position += 1;
    } else if (word.startsWith('--')) {
      position += 1;
      const [name = '', ...values] = word.slice(2).split('=');
      const found = long.get(name);
      if (found === undefined) args.push(word);
      else if (found.flag.type === 'switch')
        switchValue(found, word, values.length === 0 ? undefined : values.join('='));
      else if (values.length > 0) args.push(`--${longName(found.key)}=${values.join('=')}`);
      else {
        args.push(`--${longName(found.key)}`);
        takeValue();
      }
    } else {
      position += 1;
      shortCluster(word);
    }
  }
  if (stop) {
    const rest = argv.slice(argv[position] === '--' ? position + 1 : position);
    return { args, off, rest };
  }
  return { args: [...args, ...argv.slice(position)], off, rest: [] };

  function switchValue(found: Indexed, word: string, value: string | undefined): void {
    const on = value === undefined ? true : parseSwitch(word, value);
    if (on) {
      off.delete(found.key);
      args.push(`--${longName(found.key)}`);
    } else off.add(found.key);
  }

  function shortCluster(word: string): void {
    for (let at = 1; at < word.length; at += 1) {
      const letter = word.charAt(at);
      const found = short.get(letter);
      if (found === undefined) {
        args.push(`-${word.slice(at)}`);
        return;
      }
      const remainder = word.slice(at + 1);
      const value = remainder.startsWith('=') ? remainder.slice(1) : undefined;
      if (found.flag.type === 'switch') {
        switchValue(found, word, value);
        if (value !== undefined) return;
      } else {
        if (remainder === '') {
          args.push(`--${longName(found.key)}`);
          takeValue();
        } else args.push(`--${longName(found.key)}=${value ?? remainder}`);
        return;
      }
    }
  }
}

interface Indexed {
  readonly key: string;
  readonly flag: Flag<unknown>;
}

function index(flags: Flags): { long: Map<string, Indexed>; short: Map<string, Indexed> } {
  const long = new Map<string, Indexed>();
  const short = new Map<string, Indexed>();
  for (const [key, flag] of Object.entries(flags)) {
    long.set(longName(key), { key, flag });
    if (flag.oldName !== undefined) long.set(flag.oldName, { key, flag });
    if (flag.short !== undefined) short.set(flag.short, { key, flag });
  }
  return { long, short };
}

function parseSwitch(word: string, value: string): boolean {
  const flag = parseBool(value);
  if (flag !== undefined) return flag;
  throw invalidUsage(word, `${word}: "${value}" is neither true nor false`);
}
