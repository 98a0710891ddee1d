import { dirname, isAbsolute, join } from 'node:path';
import { isDirectory, isFile, relativeDirectory, type LoadContext } from './documents.js';
import { readEnvFiles } from './environment.js';
import { mergeFiles } from './merge.js';
import { child, emptyMap, isMap, isNull, map, sameData, textOf, withMember, type MapNode, type Node } from './node.js';
import { pathText } from './problems.js';
import { kindOf } from './scalar.js';
import { locationOf } from './source-text.js';
import { LayerReader, whole } from './trace.js';

/** Loads the files of one include as a model of their own; their paths come out relative to the including project. */
export type LoadNested = (
  files: readonly { readonly path: string; readonly from: Node }[],
  pathBase: string,
  context: LoadContext,
  included: readonly string[],
) => MapNode;

const sections = ['services', 'volumes', 'networks', 'secrets', 'configs', 'models'];

/**
 * Takes the projects named by `include` into the model (Compose Specification, "include"). What the including file
 * says itself lies over what it includes.
 */
export function applyInclude(
  root: MapNode,
  context: LoadContext,
  included: readonly string[],
  load: LoadNested,
): MapNode {
  const include = child(root, 'include');
  if (include === undefined) return root;
  let model = withMember(root, 'include', undefined);
  context.trace?.made(model, { stage: 'kept', from: whole(root) });
  if (include.kind !== 'list') {
    if (include.kind === 'scalar' && include.value === null) return model;
    context.problems.add({
      code: 'compose/wrong-type',
      message: `include must be a list, got ${kindOf(include)}`,
      facts: { path: 'include', expected: 'a list', actual: kindOf(include) },
      hint: 'write it as a list: "- file.yaml"',
      at: locationOf(include.at),
    });
    return model;
  }
  for (const [index, entry] of include.items.entries()) {
    const nested = loadEntry(entry, index, context, included, load);
    if (nested === undefined) continue;
    const joined = importSections(nested, model, context);
    context.trace?.made(joined, { stage: 'included', from: whole(nested), over: whole(model), entry });
    model = joined;
  }
  return model;
}

function loadEntry(
  entry: Node,
  index: number,
  context: LoadContext,
  included: readonly string[],
  load: LoadNested,
): MapNode | undefined {
  const paths = textsOf(textOf(entry) === undefined ? child(entry, 'path') : entry);
  const [first] = paths;
  warnOfUnknownKeys(entry, index, context);
  if (first === undefined) {
    if (namesNothing(entry)) {
      const place = pathText(['include', index]);
      context.onWarning(`${place} names no file, and includes nothing`, locationOf(entry.at));
    } else wrongEntry(entry, index, context);
    return undefined;
  }
  const files = filesOf(paths, context);
  const main = files?.[0]?.path;
  if (files === undefined || main === undefined) return undefined;
  if (included.includes(main)) {
    const chain = [...included.slice(included.indexOf(main)), main].map(context.nameOf);
    context.problems.add({
      code: 'compose/include-cycle',
      message: `include cycle detected: ${chain.join(' includes ')}`,
      facts: { chain },
      hint: 'take one of these files out of the other’s include',
      at: locationOf(first.at),
    });
    return undefined;
  }
  const directoryText = textOf(child(entry, 'project_directory'));
  const directory =
    directoryText === undefined || directoryText === '' ? dirname(main) : absolute(directoryText, context.directory);
  const environment = new Map(context.environment);
  const envFiles = envFilesOf(entry, directory, context);
  const reader = context.trace === undefined ? undefined : new LayerReader();
  for (const [name, value] of readEnvFiles(envFiles, { ...context, onEntry: reader?.take })) {
    if (!environment.has(name)) environment.set(name, value);
  }
  if (reader !== undefined) {
    const paths = envFiles.map(({ path }) => path);
    const own = reader.layers(paths, child(entry, 'env_file') === undefined ? 'found' : 'include');
    context.trace?.addLayers(environment, context.environment, own);
  }
  // A project directory that is not there stands for the one above it, as docker compose has it for local files.
  const missing =
    directoryText !== undefined && directoryText !== '' && !isAbsolute(directoryText) && !isDirectory(directory);
  const base = missing && !context.remotes.accepts(textOf(first) ?? '') ? dirname(directory) : directory;
  // Files that include each other's includes would be loaded twice as often with every level.
  const circumstances = [context.directory, directory, files.map(({ path }) => path), [...environment]];
  const known = JSON.stringify(circumstances);
  const model =
    context.included.get(known) ??
    load(files, relativeDirectory(context.directory, base), { ...context, directory, environment }, included);
  context.included.set(known, model);
  return model;
}

/** Undefined when one that is elsewhere is not here (yet). */
function filesOf(
  paths: readonly Node[],
  context: LoadContext,
): readonly { readonly path: string; readonly from: Node }[] | undefined {
  const lists = paths.map((from) => {
    const text = textOf(from) ?? '';
    if (!context.remotes.accepts(text)) return [{ path: absolute(text, context.directory), from }];
    return context.remotes.find(text, context.problems, from)?.files.map((path) => ({ path, from }));
  });
  return lists.some((list) => list === undefined) ? undefined : lists.flatMap((list) => list ?? []);
}

function envFilesOf(entry: Node, directory: string, context: LoadContext): readonly { path: string; from?: Node }[] {
  const named = textsOf(child(entry, 'env_file'));
  if (named.length > 0) {
    return named
      .map((from) => ({ path: absolute(textOf(from) ?? '', context.directory), from }))
      .filter(({ path }) => path !== '/dev/null');
  }
  const path = join(directory, '.env');
  return isFile(path) ? [{ path }] : [];
}

function importSections(nested: MapNode, model: MapNode, context: LoadContext): MapNode {
  let result = model;
  for (const section of sections) {
    const from = child(nested, section);
    if (!isMap(from)) continue;
    const own = child(result, section);
    const base = map(new Map([[section, from]]));
    const over = isMap(own) ? map(new Map([[section, withoutSame(own, from)]])) : emptyMap();
    const merged = child(mergeFiles(base, over, context.problems), section);
    result = withMember(result, section, merged);
  }
  return result;
}

/** Members that say something of their own; what two files include alike stays as it is. */
function withoutSame(own: MapNode, included: MapNode): MapNode {
  const differing = [...own.entries].filter(([name, value]) => {
    const other = included.entries.get(name);
    return other === undefined || !sameData(value, other);
  });
  return differing.length === own.entries.size ? own : map(new Map(differing), own);
}

function textsOf(node: Node | undefined): readonly Node[] {
  if (node === undefined) return [];
  if (textOf(node) !== undefined) return [node];
  return node.kind === 'list' ? node.items.filter((item) => textOf(item) !== undefined) : [];
}

function namesNothing(entry: Node): boolean {
  if (!isMap(entry)) return isNull(entry);
  const path = child(entry, 'path');
  const nothing = path === undefined || isNull(path) || (path.kind === 'list' && path.items.length === 0);
  return nothing && child(entry, 'env_file') === undefined;
}

/** Docker compose reads over keys it does not know here; they may well be a slip. */
function warnOfUnknownKeys(entry: Node, index: number, context: LoadContext): void {
  if (!isMap(entry)) return;
  for (const [key, value] of entry.entries) {
    if (['path', 'project_directory', 'env_file'].includes(key)) continue;
    context.onWarning(`unknown key "${key}" in ${pathText(['include', index])}`, locationOf(value.key ?? value.at));
  }
}

function wrongEntry(entry: Node, index: number, context: LoadContext): void {
  const place = pathText(['include', index]);
  context.problems.add({
    code: 'compose/wrong-type',
    message: `${place} must be a path, or a mapping with a path`,
    facts: { path: place, expected: 'a path', actual: kindOf(entry) },
    at: locationOf(entry.at),
  });
}

function absolute(path: string, directory: string): string {
  return isAbsolute(path) ? path : join(directory, path);
}
