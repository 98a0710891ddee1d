import type { ContainerConfig, HealthConfig } from '../../api/container.js';
import { TscomposeError } from '../../base/errors.js';
import { parseGoDuration } from '../../base/go-duration.js';

const shell = ['/bin/sh', '-c'];
/**
 * Applies Dockerfile instructions to a config, as `docker import --change` and `docker commit --change` do. Those that
 * only a build can perform are refused.
 * @throws `image/invalid-change`
 */
export function applyChanges(config: ContainerConfig, changes: readonly string[]): ContainerConfig {
  const lines = changes
    .flatMap((change) => change.split(/\r?\n/))
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
  // A new entry point makes the old command meaningless, unless it was given along with it.
  const keepsCommand = lines.some((line) => /^cmd\s/i.test(line));
  return lines.reduce((changed, line) => applyChange(changed, line, keepsCommand), config);
}

function applyChange(config: ContainerConfig, change: string, keepsCommand: boolean): ContainerConfig {
  const [, keyword = '', rest = ''] = /^(\S+)\s*(.*)$/s.exec(change) ?? [];
  const instruction = keyword.toUpperCase();
  const one = () => single(change, instruction, rest);
  switch (instruction) {
    case 'CMD':
      return { ...config, Cmd: commandOf(rest, config) };
    case 'ENTRYPOINT':
      return { ...config, Entrypoint: commandOf(rest, config), ...(keepsCommand ? {} : { Cmd: null }) };
    case 'ENV':
      return { ...config, Env: mergeEnv(config.Env ?? [], pairs(change, instruction, rest)) };
    case 'LABEL':
      return { ...config, Labels: { ...config.Labels, ...Object.fromEntries(pairs(change, instruction, rest)) } };
    case 'EXPOSE':
      return {
        ...config,
        ExposedPorts: {
          ...config.ExposedPorts,
          ...keys(words(change, rest).flatMap((word) => portKeys(change, word))),
        },
      };
    case 'VOLUME':
      return { ...config, Volumes: { ...config.Volumes, ...keys(jsonWords(rest) ?? words(change, rest)) } };
    case 'USER':
      return { ...config, User: one() };
    case 'WORKDIR':
      return { ...config, WorkingDir: joined(config.WorkingDir ?? '/', one()) };
    case 'STOPSIGNAL':
      return { ...config, StopSignal: one() };
    case 'ONBUILD':
      return { ...config, OnBuild: [...(config.OnBuild ?? []), one()] };
    case 'SHELL': {
      const value = jsonWords(rest);
      if (value === undefined || value.length === 0) throw invalidChange(change, 'SHELL wants a JSON list');
      return { ...config, Shell: value };
    }
    case 'HEALTHCHECK':
      return { ...config, Healthcheck: healthOf(change, rest) };
    default:
      throw new TscomposeError({
        code: 'image/invalid-change',
        message: `${instruction} is not a valid change command`,
        facts: { change },
      });
  }
}

function commandOf(rest: string, config: ContainerConfig): string[] {
  return jsonWords(rest) ?? [...(config.Shell ?? shell), rest];
}

/** `["a","b"]`, or undefined when it is not such a list: then it is a shell's. */
function jsonWords(text: string): string[] | undefined {
  if (!text.startsWith('[')) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) && value.every((word) => typeof word === 'string') ? value : undefined;
  } catch {
    return undefined; // Docker too takes anything else as a command for the shell
  }
}

function single(change: string, instruction: string, rest: string): string {
  if (rest === '') throw invalidChange(change, `${instruction} requires exactly one argument`);
  return unquoted(rest);
}

/** `A=b "C=d e"`, or the old `A b c`. */
function pairs(change: string, instruction: string, rest: string): [string, string][] {
  const all = words(change, rest);
  const [first = ''] = all;
  if (!/^[^\s=]+=/.test(rest) && !first.includes('=')) {
    const [, name, value] = /^(\S+)\s+(.*)$/s.exec(rest) ?? [];
    if (name === undefined || value === undefined)
      throw invalidChange(change, `${instruction} must have two arguments`);
    return [[name, unquoted(value)]];
  }
  return all.map((word) => {
    const equals = word.indexOf('=');
    if (equals <= 0) throw invalidChange(change, `can't find = in ${JSON.stringify(word)}`);
    return [word.slice(0, equals), word.slice(equals + 1)];
  });
}

/** Words as a shell would part them: quotes group, a backslash takes the next character as it is. */
function words(change: string, text: string): string[] {
  const found: string[] = [];
  let word: string | undefined;
  let quote = '';
  for (let at = 0; at < text.length; at += 1) {
    const char = text.charAt(at);
    if (quote === '' && /\s/.test(char)) {
      if (word !== undefined) found.push(word);
      word = undefined;
    } else if (char === '\\' && quote !== "'" && at + 1 < text.length) {
      at += 1;
      word = (word ?? '') + text.charAt(at);
    } else if (char === quote) {
      quote = '';
    } else if (quote === '' && (char === '"' || char === "'")) {
      quote = char;
      word ??= '';
    } else {
      word = (word ?? '') + char;
    }
  }
  if (quote !== '') throw invalidChange(change, 'a quote is not closed');
  if (word !== undefined) found.push(word);
  return found;
}

function unquoted(text: string): string {
  const quoted = /^(["'])(.*)\1$/s.exec(text);
  return quoted?.[2] ?? text;
}

function mergeEnv(old: readonly string[], added: readonly (readonly [string, string])[]): string[] {
  const merged = new Map(old.map((entry) => [entry.split('=', 1)[0] ?? '', entry]));
  for (const [name, value] of added) merged.set(name, `${name}=${value}`);
  return [...merged.values()];
}

/** `80`, `80/udp`, `8000-8002/tcp` */
function portKeys(change: string, word: string): string[] {
  const [, from = '', to = from, protocol = 'tcp'] = /^(\d+)(?:-(\d+))?(?:\/(tcp|udp|sctp))?$/i.exec(word) ?? [];
  const [first, last] = [Number(from), Number(to)];
  if (from === '' || first > last || last > 65_535) throw invalidChange(change, `invalid containerPort: ${word}`);
  return Array.from({ length: last - first + 1 }, (_, offset) => `${first + offset}/${protocol.toLowerCase()}`);
}

function keys(names: readonly string[]): Record<string, object> {
  return Object.fromEntries(names.map((name) => [name, {}]));
}

function joined(base: string, path: string): string {
  const whole = path.startsWith('/') ? path : `${base}/${path}`;
  const parts: string[] = [];
  for (const part of whole.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return `/${parts.join('/')}`;
}

function healthOf(change: string, rest: string): HealthConfig {
  const health: HealthConfig = {};
  let text = rest;
  for (let match = /^--([a-z-]+)=(\S+)\s*/.exec(text); match !== null; match = /^--([a-z-]+)=(\S+)\s*/.exec(text)) {
    const [whole, flag, value = ''] = match;
    text = text.slice(whole.length);
    if (flag === 'interval') health.Interval = durationOf(change, value);
    else if (flag === 'timeout') health.Timeout = durationOf(change, value);
    else if (flag === 'start-period') health.StartPeriod = durationOf(change, value);
    else if (flag === 'start-interval') health.StartInterval = durationOf(change, value);
    else if (flag === 'retries' && /^\d+$/.test(value)) health.Retries = Number(value);
    else throw invalidChange(change, `unknown flag: --${flag ?? ''}`);
  }
  const [, type = '', command = ''] = /^(\S+)\s*(.*)$/s.exec(text) ?? [];
  if (type.toUpperCase() === 'NONE') return { Test: ['NONE'] };
  if (type.toUpperCase() !== 'CMD' || command === '') throw invalidChange(change, 'unknown type in HEALTHCHECK');
  const list = jsonWords(command);
  return { ...health, Test: list === undefined ? ['CMD-SHELL', command] : ['CMD', ...list] };
}

/** Go's durations: `1m30s`. @returns nanoseconds */
function durationOf(change: string, text: string): number {
  const ns = parseGoDuration(text);
  if (ns === undefined) throw invalidChange(change, `invalid duration ${text}`);
  return ns;
}

function invalidChange(change: string, reason: string): TscomposeError<'image/invalid-change'> {
  return new TscomposeError({
    code: 'image/invalid-change',
    message: `invalid change ${JSON.stringify(change)}: ${reason}`,
    facts: { change },
  });
}
