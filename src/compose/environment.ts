import { readFileSync, statSync } from 'node:fs';
import { errnoOf, messageOf, TscomposeError } from '../base/errors.js';
import type { SourceLocation } from '../base/source-location.js';
import { decodeText } from './decode-text.js';
import { DotenvError, parseDotenv, parseRawEnv, type DotenvOptions } from './dotenv.js';
import type { Node } from './node.js';
import type { Problems } from './problems.js';
import { locationOf, SourceText } from './source-text.js';
import type { Lookup } from './template.js';

/** One statement of an env file. */
export interface EnvEntry {
  readonly name: string;
  /** Undefined for a name without a value that is not set elsewhere either. */
  readonly value: string | undefined;
  /** The statement as it is written. */
  readonly written: string;
  readonly file: string;
  readonly at: SourceLocation;
}

interface EnvContext {
  readonly environment: ReadonlyMap<string, string>;
  readonly problems: Problems;
  readonly onUnset: (variable: string, at: SourceLocation | undefined) => void;
  readonly onEntry?: ((entry: EnvEntry) => void) | undefined;
  readonly nameOf?: ((file: string) => string) | undefined;
}

/** Variables of several env files; later files win, and each sees the process environment and the files before it. */
export function readEnvFiles(
  files: readonly { readonly path: string; readonly from?: Node }[],
  context: EnvContext,
): Map<string, string> {
  const values = new Map<string, string>();
  for (const { path, from } of files) {
    const read = readEnvFile(path, {
      from,
      problems: context.problems,
      onUnset: context.onUnset,
      onEntry: context.onEntry,
      nameOf: context.nameOf,
      lookup: (name) => context.environment.get(name) ?? values.get(name),
    });
    for (const [name, value] of read) values.set(name, value);
  }
  return values;
}

export interface EnvFileOptions {
  readonly lookup: Lookup;
  readonly problems: Problems;
  readonly onUnset: (variable: string, at: SourceLocation | undefined) => void;
  readonly from?: Node | undefined;
  /** A missing file is no problem. */
  readonly optional?: boolean;
  /** `raw` or dotenv. */
  readonly format?: string | undefined;
  readonly onEntry?: ((entry: EnvEntry) => void) | undefined;
  /** A file as messages call it. */
  readonly nameOf?: ((file: string) => string) | undefined;
}

/** Variables of one env file; none when it cannot be read, and the problem is noted. */
export function readEnvFile(path: string, options: EnvFileOptions): ReadonlyMap<string, string> {
  const nothing = new Map<string, string>();
  const at = locationOf(options.from?.at);
  if (options.format !== undefined && options.format !== '' && options.format !== 'raw' && options.format !== '.env') {
    options.problems.add({
      code: 'compose/invalid-value',
      message: `unsupported env_file format "${options.format}"`,
      facts: { path },
      hint: 'write raw, or leave the format out',
      at,
    });
    return nothing;
  }
  const shown = path === '' ? 'without a name' : (options.nameOf?.(path) ?? path);
  const text = readText(path, shown, options, at);
  if (text === undefined) return nothing;
  const dotenv = {
    lookup: options.lookup,
    onUnset: (variable: string) => options.onUnset(variable, { file: shown, line: 1, column: 1 }),
    onEntry:
      options.onEntry === undefined ? undefined : entryTeller(path, new SourceText(shown, text), options.onEntry),
  };
  try {
    return options.format === 'raw' ? parseRawEnv(text, dotenv) : parseDotenv(text, dotenv);
  } catch (error) {
    if (!(error instanceof DotenvError)) throw error;
    options.problems.add({
      code: 'compose/env-file-syntax',
      message: `cannot read env file: ${error.message}`,
      facts: { file: path, line: error.line },
      at: lineOf(shown, text, error.line),
    });
    return nothing;
  }
}

function entryTeller(file: string, source: SourceText, tell: (entry: EnvEntry) => void): DotenvOptions['onEntry'] {
  return (name, value, start, end) => {
    const written = source.text.slice(start, end).trimEnd();
    tell({ name, value, written, file, at: source.locate(start, start + written.length) });
  };
}

function readText(
  path: string,
  shown: string,
  options: EnvFileOptions,
  at: SourceLocation | undefined,
): string | undefined {
  try {
    if (statSync(path).isDirectory()) throw new Error('it is a directory');
    return decodeLenient(readFileSync(path));
  } catch (error) {
    const missing = errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR';
    if (missing && options.optional === true) return undefined;
    options.problems.keep(
      new TscomposeError({
        code: 'compose/env-file-missing',
        message: missing ? `env file ${shown} not found` : `cannot read env file ${shown}: ${messageOf(error)}`,
        facts: { file: path },
        hint: missing && at !== undefined ? 'mark it `required: false` if it may be missing' : undefined,
        at,
      }),
    );
    return undefined;
  }
}

function decodeLenient(bytes: Uint8Array): string {
  try {
    return decodeText(bytes);
  } catch {
    return Buffer.from(bytes).toString('latin1'); // variables are bytes to the engine; a stray accent is no reason to stop
  }
}

function lineOf(file: string, text: string, line: number): SourceLocation {
  const source = new SourceText(file, text);
  let start = 0;
  for (let current = 1; current < line; current++) {
    const end = text.indexOf('\n', start);
    if (end === -1) break;
    start = end + 1;
  }
  const end = text.indexOf('\n', start);
  return source.locate(start, end === -1 ? text.length : end);
}
