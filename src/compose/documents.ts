import { readFileSync, statSync } from 'node:fs';
import { relative } from 'node:path';
import { errnoOf, messageOf } from '../base/errors.js';
import type { SourceLocation } from '../base/source-location.js';
import { decodeText } from './decode-text.js';
import { interpolate } from './interpolate.js';
import { isMap, type MapNode } from './node.js';
import type { Problems } from './problems.js';
import { parseYaml, type YamlDocument } from './read-yaml.js';
import type { Schema } from './schema.js';
import type { RemoteShelf } from './remote.js';
import { locationOf, SourceText, type Place } from './source-text.js';
import { whole, type Trace } from './trace.js';

/** What the stages of one load share. A nested load (include) has its own directory and environment. */
export interface LoadContext {
  /** Absolute path; relative paths of the files are relative to it. */
  readonly directory: string;
  readonly home: string | undefined;
  readonly environment: ReadonlyMap<string, string>;
  readonly problems: Problems;
  readonly schema: Schema | undefined;
  readonly fillsVariables: boolean;
  readonly canonical: {
    readonly problems: Problems;
    readonly lenient: boolean;
    readonly onWarning: (message: string, at: SourceLocation | undefined) => void;
  };
  readonly onWarning: (message: string, at: SourceLocation | undefined) => void;
  readonly onUnset: (variable: string, at: SourceLocation | undefined) => void;
  readonly stdin: string | undefined;
  /** Models of files included so far, by the circumstances they were loaded in. */
  readonly included: Map<string, MapNode>;
  /** Told of every file that is read. */
  readonly onFile: (file: string) => void;
  /** Projects from elsewhere, as far as they are here. */
  readonly remotes: RemoteShelf;
  /** A file as messages call it: one from elsewhere by its reference. */
  readonly nameOf: (file: string) => string;
  /** Records the way of every value; only `explain` wants it. */
  readonly trace?: Trace | undefined;
}

export interface SourcedDocument extends YamlDocument {
  readonly source: SourceText;
}

/**
 * Reads and parses a file; `-` is standard input.
 * @param from - where the file is named, for the message when it cannot be read
 * @returns undefined when the file cannot be read; the problem is noted
 */
export function parseFile(
  file: string,
  context: LoadContext,
  from: Place | undefined,
): readonly SourcedDocument[] | undefined {
  const source = readSource(file, context, from);
  if (source === undefined) return undefined;
  return parseYaml(source, context.problems).map((document, index) => {
    context.trace?.read({ ...document, source, index, environment: context.environment });
    return { ...document, source };
  });
}

/** As {@link parseFile}, with variables filled in. */
export function readDocuments(
  file: string,
  context: LoadContext,
  from: Place | undefined,
): readonly SourcedDocument[] | undefined {
  return parseFile(file, context, from)?.map((document) => fillDocument(document, context));
}

export function fillDocument(document: SourcedDocument, context: LoadContext): SourcedDocument {
  const root = fill(document.root, document.source, context);
  context.trace?.made(root, { stage: 'filled', from: whole(document.root), environment: context.environment });
  return { ...document, root };
}

function fill(root: YamlDocument['root'], source: SourceText, context: LoadContext): YamlDocument['root'] {
  if (!isMap(root)) {
    context.problems.add({
      code: 'compose/not-a-mapping',
      message: 'the top level must be a mapping of names to values',
      facts: { path: '' },
      at: locationOf(root.at) ?? source.locate(0, 1),
    });
    return root;
  }
  if (!context.fillsVariables) return root;
  return interpolate(root, {
    lookup: (name) => context.environment.get(name),
    problems: context.problems,
    onUnset: context.onUnset,
    onWarning: context.onWarning,
  });
}

/** Text of a file, decoded; undefined, with the problem noted, when there is none to be had. */
export function readSource(file: string, context: LoadContext, from: Place | undefined): SourceText | undefined {
  if (file === '-') return new SourceText('-', withNewlines(withoutMark(context.stdin ?? '')));
  try {
    const bytes = readFileSync(file);
    context.onFile(file);
    return new SourceText(context.nameOf(file), withNewlines(decodeText(bytes)));
  } catch (error) {
    context.problems.add({
      code: 'compose/file-unreadable',
      message: `cannot read ${context.nameOf(file)}: ${whyUnreadable(error)}`,
      facts: { file },
      hint: from === undefined ? undefined : 'paths start from the folder of the file that names them',
      at: locationOf(from),
    });
    return undefined;
  }
}

/** What kept a file from being read, for the end of a message. */
export function whyUnreadable(error: unknown): string {
  if (error instanceof TypeError) return 'it is not UTF-8 text';
  switch (errnoOf(error)) {
    case 'ENOENT':
      return 'no such file';
    case 'EISDIR':
      return 'it is a directory';
    case 'EACCES':
    case 'EPERM':
      return 'permission denied';
    case 'ENOTDIR':
      return 'a part of its path is not a directory';
    case 'ELOOP':
      return 'its symbolic links go round in a circle';
    default:
      return messageOf(error);
  }
}

/** A carriage return, alone or before a line feed, ends a line too (YAML 1.2, 5.4); lines and columns stay the same. */
function withNewlines(text: string): string {
  return text.includes('\r') ? text.replace(/\r\n?/g, '\n') : text;
}

function withoutMark(text: string): string {
  return text.startsWith('\uFEFF') ? text.slice(1) : text;
}

export function isFile(path: string): boolean {
  try {
    return !statSync(path).isDirectory();
  } catch {
    return false; // missing or out of reach: not a file we could read
  }
}

export function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

/** How a nested file's directory reads from the one above, which resolves it further. */
export function relativeDirectory(directory: string, nested: string): string {
  return relative(directory, nested);
}
