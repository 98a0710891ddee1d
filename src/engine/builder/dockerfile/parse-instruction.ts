import { posix } from 'node:path';
import type {
  CommandLine,
  DeviceWish,
  HealthcheckSettings,
  Instruction,
  InstructionOf,
  Keyword,
  NamedValue,
  TransferFacts,
} from './ast.js';
import { type Flags, takeFlags } from './flags.js';
import { parseHeredocMark } from './heredoc.js';
import type { LogicalLine } from './lines.js';
import { nearest } from './nearest.js';
import { syntaxError } from './syntax-error.js';
import { leadingJsonArray, splitPlain, splitWords } from './words.js';
import { TscomposeError } from '../../../base/errors.js';
import { parseGoDuration } from '../../../base/go-duration.js';

type Parsers = { [K in Keyword]: (input: Input) => Omit<InstructionOf<K>, 'keyword' | 'text' | 'at'> };

interface Input {
  readonly line: LogicalLine;
  readonly keyword: Keyword;
  readonly rest: string;
  readonly escape: string;
  readonly flags: Flags;
}

/** Flags by instruction; the others take none. */
export const knownFlags: Partial<Record<Keyword, readonly string[]>> = {
  FROM: ['platform'],
  RUN: ['mount', 'network', 'security', 'device'],
  COPY: ['from', 'chown', 'chmod', 'link', 'parents', 'exclude'],
  ADD: ['chown', 'chmod', 'link', 'checksum', 'keep-git-dir', 'unpack', 'exclude'],
  HEALTHCHECK: ['interval', 'timeout', 'start-period', 'start-interval', 'retries'],
};

const parsers: Parsers = {
  FROM: ({ line, rest, flags }) => {
    const [image, as, name, ...more] = splitPlain(rest);
    const platform = flags.text('platform');
    if (image === undefined || more.length > 0 || (as !== undefined && name === undefined)) {
      throw syntaxError(line.at, 'FROM requires either one or three arguments', 'FROM');
    }
    if (as !== undefined && as.toLowerCase() !== 'as') {
      throw syntaxError(line.locate(as), 'FROM requires either one or three arguments', 'FROM');
    }
    if (name !== undefined && !/^[a-z][a-z0-9-_.]*$/.test(name.toLowerCase())) {
      throw syntaxError(
        line.locate(name),
        `invalid name for build stage: "${name}", name can't start with a number or contain symbols`,
        'FROM',
      );
    }
    return {
      image,
      ...(platform === undefined ? {} : { platform }),
      ...(name === undefined ? {} : { name: name.toLowerCase() }),
    };
  },
  RUN: ({ line, rest, flags }) => {
    const network = flags.text('network');
    if (network !== undefined && network !== 'default' && network !== 'none' && network !== 'host') {
      throw syntaxError(line.locate(network), `invalid network mode: "${network}"`, 'RUN');
    }
    const security = flags.text('security');
    if (security !== undefined && security !== 'sandbox' && security !== 'insecure') {
      throw syntaxError(line.locate(security), `security "${security}" is not valid`, 'RUN');
    }
    return {
      command: commandLine(line, rest, 'RUN requires at least one argument'),
      mounts: flags.list('mount'),
      devices: flags.list('device').map((text) => deviceWish(line, text)),
      ...(network === undefined ? {} : { network }),
      ...(security === undefined ? {} : { security }),
    };
  },
  COPY: (input) => {
    const from = input.flags.text('from');
    return { ...transfer(input), ...(from === undefined ? {} : { from }) };
  },
  ADD: (input) => {
    const checksum = input.flags.text('checksum');
    const unpack = input.flags.choice('unpack');
    return {
      ...transfer(input),
      keepGitDir: input.flags.boolean('keep-git-dir'),
      ...(checksum === undefined ? {} : { checksum }),
      ...(unpack === undefined ? {} : { unpack }),
    };
  },
  ENV: (input) => ({ pairs: namedValues(input) }),
  LABEL: (input) => ({ pairs: namedValues(input) }),
  ARG: ({ line, rest, escape }) => {
    const words = splitWords(rest, escape);
    if (words.length === 0) throw syntaxError(line.at, 'ARG requires at least one argument', 'ARG');
    return {
      args: words.map((word) => {
        const equals = word.indexOf('=');
        const name = equals < 0 ? word : word.slice(0, equals);
        if (name === '') throw syntaxError(line.locate(word), 'ARG names can not be blank', 'ARG');
        return equals < 0 ? { name } : { name, value: word.slice(equals + 1) };
      }),
    };
  },
  WORKDIR: (input) => ({ path: oneString(input) }),
  USER: (input) => ({ user: oneString(input) }),
  EXPOSE: ({ line, rest }) => {
    const ports = splitPlain(rest);
    if (ports.length === 0) throw syntaxError(line.at, 'EXPOSE requires at least one argument', 'EXPOSE');
    return { ports };
  },
  VOLUME: ({ line, rest }) => {
    const paths = stringArray(line, rest) ?? splitPlain(rest);
    if (paths.length === 0) throw syntaxError(line.at, 'VOLUME requires at least one argument', 'VOLUME');
    if (paths.some((path) => path.trim() === '')) {
      throw syntaxError(line.at, 'VOLUME specified can not be an empty string', 'VOLUME');
    }
    return { paths };
  },
  ENTRYPOINT: ({ line, rest }) => ({ command: commandLine(line, rest, undefined) }),
  CMD: ({ line, rest }) => ({ command: commandLine(line, rest, undefined) }),
  MAINTAINER: (input) => ({ author: oneString(input) }),
  STOPSIGNAL: (input) => ({ signal: oneString(input) }),
  HEALTHCHECK: healthcheck,
  SHELL: ({ line, rest }) => {
    const args = stringArray(line, rest);
    if (args === undefined) throw syntaxError(line.at, 'SHELL requires the arguments to be in JSON form', 'SHELL');
    if (args.length === 0) throw syntaxError(line.at, 'SHELL requires at least one argument', 'SHELL');
    return { args };
  },
  ONBUILD: ({ line, rest, escape }) => {
    const keyword = /^\S+/.exec(rest)?.[0] ?? '';
    const upper = keyword.toUpperCase();
    if (upper === '') throw syntaxError(line.at, 'ONBUILD requires at least one argument', 'ONBUILD');
    if (upper === 'ONBUILD') {
      throw syntaxError(line.locate(keyword), "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed", 'ONBUILD');
    }
    if (upper === 'FROM' || upper === 'MAINTAINER') {
      throw syntaxError(line.locate(keyword), `${upper} isn't allowed as an ONBUILD trigger`, 'ONBUILD');
    }
    const trigger = { ...line, keyword, rest: rest.slice(keyword.length).trimStart() };
    parseInstruction({ ...trigger, locate: (token) => line.locate(token) }, escape);
    return { trigger: [rest, ...line.heredocs.map(({ name, content }) => `${content}${name}`)].join('\n') };
  },
};

/** Every keyword, for suggestions and tests. */
export const keywords = Object.keys(parsers) as Keyword[];

/**
 * One instruction from its line.
 * @throws `build/unknown-instruction`, `build/syntax`
 */
export function parseInstruction(line: LogicalLine, escape: string): Instruction {
  const upper = line.keyword.toUpperCase();
  const keyword = keywords.find((known) => known === upper);
  if (keyword === undefined) {
    const suggestion = nearest(upper, keywords);
    throw new TscomposeError({
      code: 'build/unknown-instruction',
      message: `dockerfile parse error on line ${line.at.line}: unknown instruction: ${line.keyword}${
        suggestion === undefined ? '' : ` (did you mean ${suggestion}?)`
      }`,
      facts: { line: line.at.line, instruction: line.keyword },
      at: line.at,
    });
  }
  return build(keyword, line, escape);
}

function build(keyword: Keyword, line: LogicalLine, escape: string): Instruction {
  const { flags, rest } =
    line.rest.startsWith('--') || knownFlags[keyword] !== undefined
      ? takeFlags(line, escape, knownFlags[keyword] ?? [])
      : takeFlags({ ...line, rest: '' }, escape, []);
  const facts = parsers[keyword]({
    line,
    keyword,
    rest: knownFlags[keyword] === undefined ? line.rest : rest,
    escape,
    flags,
  });
  // The table's type ties the facts to the keyword, which the compiler cannot see through a spread.
  return { keyword, text: `${keyword} ${line.rest}`.trimEnd(), at: line.at, ...facts } as unknown as Instruction;
}

/** `vendor.com/class=name`, `name=…`, with `,required` behind it. */
function deviceWish(line: LogicalLine, text: string): DeviceWish {
  let name = '';
  let required = false;
  for (const field of text.split(',')) {
    if (/^required(=true)?$/i.test(field)) required = true;
    else if (/^required=false$/i.test(field)) required = false;
    else if (name === '') name = field.replace(/^name=/i, '');
    else throw syntaxError(line.locate(text), `unexpected key '${field}' in --device=${text}`, 'RUN');
  }
  if (name === '') throw syntaxError(line.locate(text), `--device=${text} names no device`, 'RUN');
  return { name, required };
}

/** The exec form; undefined where it is none. @throws `build/syntax` for an array of something else than strings */
function stringArray(line: LogicalLine, rest: string): string[] | undefined {
  const array = leadingJsonArray(rest);
  if (array === undefined || array.every((item) => typeof item === 'string')) return array;
  throw syntaxError(line.at, 'when using JSON array syntax, arrays must be comprised of strings only', line.keyword);
}

function commandLine(line: LogicalLine, rest: string, whenEmpty: string | undefined): CommandLine {
  const args = stringArray(line, rest);
  if (args !== undefined) {
    if (args.length === 0 && whenEmpty !== undefined) throw syntaxError(line.at, whenEmpty, line.keyword);
    if (line.heredocs.length > 0) {
      throw syntaxError(line.at, 'heredocs are only for the shell form', line.keyword);
    }
    return { form: 'exec', args };
  }
  if (rest === '') {
    if (whenEmpty !== undefined) throw syntaxError(line.at, whenEmpty, line.keyword);
    return { form: 'exec', args: [] };
  }
  return { form: 'shell', text: rest, heredocs: line.heredocs };
}

function transfer({ line, keyword, rest, flags }: Input): TransferFacts {
  const words = stringArray(line, rest) ?? splitPlain(rest);
  const destination = words.at(-1);
  if (destination === undefined || words.length < 2) {
    throw syntaxError(
      line.at,
      `${keyword} requires at least two arguments, but only ${words.length === 1 ? 'one was' : `${words.length} were`} provided. Destination could not be determined`,
      keyword,
    );
  }
  const sources = words
    .slice(0, -1)
    .filter((word) => parseHeredocMark(word) === undefined || line.heredocs.length === 0);
  if (parseHeredocMark(destination) !== undefined && line.heredocs.length > 0) {
    throw syntaxError(line.locate(destination), `${keyword} requires a destination after its heredocs`, keyword);
  }
  const chown = flags.text('chown');
  const chmod = flags.text('chmod');
  return {
    sources,
    heredocs: line.heredocs.map((heredoc) => ({ ...heredoc, name: inlineFileName(line, heredoc.name) })),
    destination,
    link: flags.boolean('link'),
    parents: keyword === 'COPY' && flags.boolean('parents'),
    exclude: flags.list('exclude'),
    ...(chown === undefined ? {} : { chown }),
    ...(chmod === undefined ? {} : { chmod }),
  };
}

/** What a heredoc is called as a file: one element, as BuildKit has it. @throws `build/syntax` */
function inlineFileName(line: LogicalLine, mark: string): string {
  const name = posix.normalize(`/${mark}`).slice(1);
  if (name !== '' && !name.includes('/')) return name;
  throw syntaxError(line.at, `the heredoc ${JSON.stringify(mark)} has no name that a file can have`, line.keyword);
}

function namedValues({ line, keyword, rest, escape }: Input): NamedValue[] {
  const words = splitWords(rest, escape);
  const first = words[0];
  if (first === undefined) throw syntaxError(line.at, `${keyword} requires at least one argument`, keyword);
  if (!first.includes('=')) {
    const [, name = '', value = ''] = /^(\S+)\s+([^]*)$/.exec(rest) ?? [];
    if (name === '') throw syntaxError(line.locate(first), `${keyword} must have two arguments`, keyword);
    return [{ name, value }];
  }
  return words.map((word) => {
    const equals = word.indexOf('=');
    if (equals < 0) {
      throw syntaxError(
        line.locate(word),
        `Syntax error - can't find = in "${word}". Must be of the form: name=value`,
        keyword,
      );
    }
    if (equals === 0) throw syntaxError(line.locate(word), `${keyword} names can not be blank`, keyword);
    return { name: word.slice(0, equals), value: word.slice(equals + 1) };
  });
}

function oneString({ line, keyword, rest }: Input): string {
  if (rest === '') throw syntaxError(line.at, `${keyword} requires exactly one argument`, keyword);
  return rest;
}

function healthcheck({
  line,
  keyword,
  rest,
  flags,
}: Input): Omit<InstructionOf<'HEALTHCHECK'>, 'keyword' | 'text' | 'at'> {
  const [, word = '', tail = ''] = /^(\S+)\s*([^]*)$/.exec(rest) ?? [];
  const kind = word.toUpperCase();
  if (kind === 'NONE') {
    if (tail !== '') throw syntaxError(line.locate(tail), 'HEALTHCHECK NONE takes no arguments', keyword);
    return { command: 'none', settings: {} };
  }
  if (kind === '') throw syntaxError(line.at, 'HEALTHCHECK requires at least one argument', keyword);
  if (kind !== 'CMD') {
    throw syntaxError(line.locate(word), `unknown type "${word}" in HEALTHCHECK (try CMD)`, keyword);
  }
  const duration = (name: string): number | undefined => {
    const text = flags.text(name);
    if (text === undefined) return undefined;
    const valueNs = parseGoDuration(text);
    if (valueNs === undefined) throw syntaxError(line.locate(text), `invalid duration "${text}" of --${name}`, keyword);
    if (valueNs !== 0 && valueNs < 1e6) {
      throw syntaxError(line.locate(text), `Interval "${name}" cannot be less than 1ms`, keyword);
    }
    return valueNs;
  };
  const retriesText = flags.text('retries');
  const retries = retriesText === undefined ? undefined : Number(retriesText);
  if (retries !== undefined && (!Number.isInteger(retries) || retries < 0)) {
    throw syntaxError(
      line.locate(retriesText ?? ''),
      `--retries must be a whole number, not ${retriesText ?? ''}`,
      keyword,
    );
  }
  const intervalNs = duration('interval');
  const timeoutNs = duration('timeout');
  const startPeriodNs = duration('start-period');
  const startIntervalNs = duration('start-interval');
  const settings: HealthcheckSettings = {
    ...(intervalNs === undefined ? {} : { intervalNs }),
    ...(timeoutNs === undefined ? {} : { timeoutNs }),
    ...(startPeriodNs === undefined ? {} : { startPeriodNs }),
    ...(startIntervalNs === undefined ? {} : { startIntervalNs }),
    ...(retries === undefined ? {} : { retries }),
  };
  return { command: commandLine(line, tail, 'Missing command after HEALTHCHECK CMD'), settings };
}
