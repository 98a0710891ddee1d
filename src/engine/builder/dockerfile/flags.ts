import type { LogicalLine } from './lines.js';
import { syntaxError } from './syntax-error.js';
import { splitWords } from './words.js';

/** The `--name=value` words in front of an instruction's arguments. */
export interface Flags {
  /** Undefined also for an empty value. @throws `build/syntax` when given twice or without a value */
  text(name: string): string | undefined;
  list(name: string): string[];
  /** `--name`, `--name=true`, `--name=false`; undefined when it is not there. */
  choice(name: string): boolean | undefined;
  /** As `choice`, false when it is not there. */
  boolean(name: string): boolean;
}

/**
 * Takes the flags off the front of `line.rest`.
 * @throws `build/syntax` for a flag outside `known`
 */
export function takeFlags(line: LogicalLine, escape: string, known: readonly string[]): { flags: Flags; rest: string } {
  const given: { name: string; value: string | undefined; word: string }[] = [];
  let rest = line.rest;
  while (rest.startsWith('--')) {
    const word = splitWords(rest, escape)[0] ?? rest;
    rest = rest.slice(word.length).trimStart();
    if (word === '--') break;
    const [, name = '', value] = /^--([^=]*)(?:=([^]*))?$/.exec(word) ?? [];
    if (!known.includes(name)) {
      throw syntaxError(line.locate(word), `unknown flag: --${name}`, line.keyword, listed(known));
    }
    given.push({ name, value: value === undefined ? undefined : unquote(value, escape), word });
  }
  const one = (name: string): { value: string | undefined; word: string } | undefined => {
    const [first, second] = given.filter((flag) => flag.name === name);
    if (second !== undefined) {
      throw syntaxError(line.locate(second.word), `duplicate flag specified: --${name}`, line.keyword);
    }
    return first;
  };
  const needValue = (name: string, flag: { value: string | undefined; word: string }): string => {
    if (flag.value !== undefined && flag.value !== '') return flag.value;
    throw syntaxError(line.locate(flag.word), `missing a value on flag: --${name}`, line.keyword);
  };
  const choice = (name: string): boolean | undefined => {
    const flag = one(name);
    if (flag === undefined) return undefined;
    const value = flag.value?.toLowerCase() ?? 'true';
    if (value === 'true' || value === 'false') return value === 'true';
    throw syntaxError(
      line.locate(flag.word),
      `expecting boolean value for flag --${name}, not: ${flag.value ?? ''}`,
      line.keyword,
    );
  };
  return {
    rest,
    flags: {
      text: (name) => {
        const flag = one(name);
        return flag === undefined || flag.value === '' ? undefined : needValue(name, flag); // `--chown=` is as without
      },
      list: (name) => given.filter((flag) => flag.name === name).map((flag) => needValue(name, flag)),
      choice,
      boolean: (name) => choice(name) ?? false,
    },
  };
}

function listed(known: readonly string[]): string | undefined {
  return known.length === 0 ? undefined : `it takes ${known.map((name) => `--${name}`).join(', ')}`;
}

function unquote(value: string, escape: string): string {
  let out = '';
  let quote = '';
  for (let index = 0; index < value.length; index++) {
    const char = value.charAt(index);
    if (char === escape && quote !== "'" && index + 1 < value.length) out += value.charAt(++index);
    else if (quote === '' && (char === '"' || char === "'")) quote = char;
    else if (char === quote) quote = '';
    else out += char;
  }
  return out;
}
