import { posix } from 'node:path';
import type { CommandLine, Instruction, InstructionOf, NamedValue } from '../dockerfile/ast.js';
import { type Lookup, expandWord, expandWords, ExpansionFailure } from '../dockerfile/expand.js';
import { syntaxError } from '../dockerfile/syntax-error.js';
import { goDuration, goList, goQuoteList } from './go-format.js';
import { type ImageState, envOf, shellOf, withConfig, withEnv } from './image-state.js';
import { parseExposed } from './port-spec.js';
import { isSignal } from './signals.js';

/** Instructions that change the image's config and nothing else. */
export type ConfigKeyword =
  | 'ENV'
  | 'LABEL'
  | 'USER'
  | 'EXPOSE'
  | 'VOLUME'
  | 'ENTRYPOINT'
  | 'CMD'
  | 'MAINTAINER'
  | 'STOPSIGNAL'
  | 'HEALTHCHECK'
  | 'SHELL'
  | 'ONBUILD'
  | 'WORKDIR';

export type ConfigInstruction = Extract<Instruction, { keyword: ConfigKeyword }>;

export interface Applied {
  readonly state: ImageState;
  /** As the history shows it behind `#(nop)`, Docker's blanks included. */
  readonly shown: string;
}

/** Expands words of one instruction; a failure tells its place. */
export interface Words {
  readonly one: (text: string) => string;
  readonly many: (text: string) => string[];
  /** Quotes stay. */
  readonly raw: (text: string) => string;
}

export function wordsOf(instruction: Instruction, lookup: Lookup, escape: string): Words {
  const at = <T>(work: () => T): T => {
    try {
      return work();
    } catch (error) {
      if (error instanceof ExpansionFailure) throw syntaxError(instruction.at, error.message, instruction.keyword);
      throw error;
    }
  };
  return {
    one: (text) => at(() => expandWord(text, lookup, { escape })),
    many: (text) => at(() => expandWords(text, lookup, { escape })),
    raw: (text) => at(() => expandWord(text, lookup, { escape, quotes: 'raw' })),
  };
}

type Appliers = { [K in ConfigKeyword]: (state: ImageState, instruction: InstructionOf<K>, words: Words) => Applied };

const appliers: Appliers = {
  ENV: (state, { pairs }, words) => {
    const expanded = expandPairs(pairs, words);
    const next = expanded.reduce((value, { name, value: text }) => withEnv(value, name, text), state);
    return { state: next, shown: ` ENV ${renderPairs(expanded)}` };
  },
  LABEL: (state, { pairs }, words) => {
    const expanded = expandPairs(pairs, words);
    const labels = { ...state.config.Labels };
    for (const { name, value } of expanded) labels[name] = value;
    return { state: withConfig(state, { Labels: labels }), shown: ` LABEL ${renderPairs(expanded)}` };
  },
  USER: (state, { user }, words) => {
    const expanded = words.one(user);
    return { state: withConfig(state, { User: expanded }), shown: ` USER ${expanded}` };
  },
  EXPOSE: (state, instruction, words) => {
    const specs = instruction.ports.flatMap((port) => words.many(port));
    const ports = { ...state.config.ExposedPorts };
    for (const spec of specs) {
      const keys = parseExposed(spec);
      if (keys === undefined) throw syntaxError(instruction.at, `invalid containerPort: ${spec}`, 'EXPOSE');
      for (const key of keys) ports[key] = {};
    }
    return { state: withConfig(state, { ExposedPorts: ports }), shown: ` EXPOSE ${specs.sort().join(' ')}` };
  },
  VOLUME: (state, { paths }, words) => {
    const expanded = paths.map(words.one);
    const volumes = { ...state.config.Volumes };
    for (const path of expanded) volumes[path] = {};
    return { state: withConfig(state, { Volumes: volumes }), shown: ` VOLUME ${goList(expanded)}` };
  },
  ENTRYPOINT: (state, { command }) => {
    const args = argumentsOf(state, command);
    const { Cmd, ...rest } = state.config;
    const config = state.cmdSet && Cmd != null ? { ...rest, Cmd } : rest;
    return { state: { ...state, config: { ...config, Entrypoint: args } }, shown: ` ENTRYPOINT ${goQuoteList(args)}` };
  },
  CMD: (state, { command }) => {
    const args = argumentsOf(state, command);
    return { state: { ...withConfig(state, { Cmd: args }), cmdSet: true }, shown: ` CMD ${goQuoteList(args)}` };
  },
  MAINTAINER: (state, { author }) => ({ state: { ...state, author }, shown: ` MAINTAINER ${author}` }),
  STOPSIGNAL: (state, instruction, words) => {
    const signal = words.one(instruction.signal);
    if (!isSignal(signal)) throw syntaxError(instruction.at, `invalid signal: ${signal}`, 'STOPSIGNAL');
    return { state: withConfig(state, { StopSignal: signal }), shown: ` STOPSIGNAL ${signal}` };
  },
  HEALTHCHECK: (state, { command, settings }) => {
    const test = healthTest(command);
    const { intervalNs = 0, timeoutNs = 0, startPeriodNs = 0, startIntervalNs = 0, retries = 0 } = settings;
    const healthcheck = {
      Test: test,
      ...(intervalNs === 0 ? {} : { Interval: intervalNs }),
      ...(timeoutNs === 0 ? {} : { Timeout: timeoutNs }),
      ...(startPeriodNs === 0 ? {} : { StartPeriod: startPeriodNs }),
      ...(startIntervalNs === 0 ? {} : { StartInterval: startIntervalNs }),
      ...(retries === 0 ? {} : { Retries: retries }),
    };
    const times = [intervalNs, timeoutNs, startPeriodNs, startIntervalNs].map((ns) => `"${goDuration(ns)}"`).join(' ');
    return {
      state: withConfig(state, { Healthcheck: healthcheck }),
      shown: ` HEALTHCHECK &{${goQuoteList(test)} ${times} '\\x${retries.toString(16).padStart(2, '0')}'}`,
    };
  },
  SHELL: (state, { args }) => ({ state: withConfig(state, { Shell: [...args] }), shown: ` SHELL ${goList(args)}` }),
  ONBUILD: (state, { trigger }) => ({
    state: withConfig(state, { OnBuild: [...(state.config.OnBuild ?? []), trigger] }),
    shown: ` ONBUILD ${trigger}`,
  }),
  WORKDIR: (state, instruction, words) => {
    const path = words.one(instruction.path);
    const from = state.config.WorkingDir ?? '/';
    const absolute = posix.resolve('/', from, path);
    return { state: withConfig(state, { WorkingDir: absolute }), shown: `WORKDIR ${absolute}` };
  },
};

/** @throws `build/syntax` for what can only be seen once variables are expanded */
export function applyToConfig(state: ImageState, instruction: ConfigInstruction, words: Words): Applied {
  // Every applier takes the instruction of its own keyword; the compiler cannot tie the two through the table.
  const apply = appliers[instruction.keyword] as (
    state: ImageState,
    instruction: ConfigInstruction,
    words: Words,
  ) => Applied;
  return apply(state, instruction, words);
}

/** ENV wins over ARG (Dockerfile reference, "Using ARG variables"). */
export function lookupIn(state: ImageState, argValue: Lookup): Lookup {
  const env = envOf(state.config);
  return (name) => env.get(name) ?? argValue(name);
}

/** The argv of a command: as given, or through the shell. */
function argumentsOf(state: ImageState, command: CommandLine): string[] {
  return command.form === 'exec' ? [...command.args] : [...shellOf(state), command.text];
}

function healthTest(command: CommandLine | 'none'): string[] {
  if (command === 'none') return ['NONE'];
  return command.form === 'exec' ? ['CMD', ...command.args] : ['CMD-SHELL', command.text];
}

/** All of an instruction's values see the variables as they were before it. */
function expandPairs(pairs: readonly NamedValue[], words: Words): NamedValue[] {
  return pairs.map(({ name, value }) => ({ name: words.one(name), value: words.one(value) }));
}

function renderPairs(pairs: readonly NamedValue[]): string {
  return pairs.map(({ name, value }) => `${name}=${value}`).join(' ');
}
