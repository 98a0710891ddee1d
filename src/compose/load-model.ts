import { fillDefaults } from './defaults.js';
import { fillDocument, parseFile, readDocuments, type LoadContext, type SourcedDocument } from './documents.js';
import { applyExtends } from './extends.js';
import { applyInclude } from './include.js';
import { mergeFiles } from './merge.js';
import { child, emptyMap, isMap, isNull, mapChildren, textOf, withMember, type MapNode, type Node } from './node.js';
import { resolveListedVariables } from './normalize.js';
import { resolvePaths } from './paths.js';
import type { Problems } from './problems.js';
import { applyResets } from './reset.js';
import { checkResources } from './resource-checks.js';
import { schemaOfVersion, validateSchema } from './schema.js';
import { locationOf, type SourceText } from './source-text.js';
import { toCanonical } from './canonical.js';
import { keepLastDefinitions } from './unicity.js';
import { whole } from './trace.js';

/** A file of the command line, of `COMPOSE_FILE` or found. */
export interface InputFile {
  readonly path: string;
}

export interface ParsedFile {
  readonly path: string;
  readonly documents: readonly SourcedDocument[];
}

export function parseFiles(inputs: readonly InputFile[], context: LoadContext): readonly ParsedFile[] {
  return inputs.map(({ path }) => ({ path, documents: parseFile(path, context, undefined) ?? [] }));
}

/** `name:` of the last document that has one, as written. */
export function nameInDocuments(files: readonly ParsedFile[]): string | undefined {
  let name: string | undefined;
  for (const { documents } of files) {
    for (const { root } of documents) {
      const own = textOf(child(root, 'name'));
      if (own !== undefined && own !== '') name = own;
    }
  }
  return name;
}

/** Names each top-level section declares, as written. */
export function declaredNames(files: readonly ParsedFile[]): ReadonlyMap<string, ReadonlySet<string>> {
  const names = new Map<string, Set<string>>();
  for (const { documents } of files) {
    for (const { root } of documents) {
      if (!isMap(root)) continue;
      for (const [section, members] of root.entries) {
        const known = names.get(section) ?? new Set<string>();
        if (isMap(members)) for (const name of members.entries.keys()) known.add(name);
        names.set(section, known);
      }
    }
  }
  return names;
}

export interface ModelOptions {
  readonly paths: 'resolve' | 'keep';
  readonly strictVersion: boolean;
}

/** Merges parsed files into one canonical, validated tree with absolute paths. */
export async function loadModel(
  files: readonly ParsedFile[],
  context: LoadContext,
  options: ModelOptions,
): Promise<MapNode> {
  const filled = files.map((file) => ({
    path: file.path,
    documents: file.documents.map((document) => fillDocument(document, context)),
  }));
  if (options.strictVersion) await checkStatedVersions(filled, context);
  const model = mergeAll(filled, context, []);
  return finish(model, context, options.paths === 'keep' ? undefined : context.directory);
}

function loadNested(
  files: readonly { readonly path: string; readonly from: Node }[],
  pathBase: string,
  context: LoadContext,
  included: readonly string[],
): MapNode {
  const read = files.map(({ path, from }) => ({ path, documents: readDocuments(path, context, from.at) ?? [] }));
  return finish(mergeAll(read, context, included), context, pathBase);
}

function mergeAll(files: readonly ParsedFile[], context: LoadContext, included: readonly string[]): MapNode {
  let model = emptyMap();
  for (const file of files) {
    for (const document of file.documents) {
      if (isMap(document.root)) model = addDocument(model, document.root, document, file.path, context, included);
    }
  }
  return model;
}

/** Lays one document over the model so far. The order of these steps is part of the format. */
function addDocument(
  earlier: MapNode,
  root: MapNode,
  document: SourcedDocument,
  path: string,
  context: LoadContext,
  included: readonly string[],
): MapNode {
  const { problems, trace } = context;
  refuseEmptyServices(earlier, root, problems);
  let own = applyInclude(root, context, [...included, path], loadNested);
  own = applyExtends(own, document.resets, path, context);
  const base = applyResets(earlier, document.resets) as MapNode;
  trace?.made(base, { stage: 'reset', from: whole(earlier) });
  const merged = mergeFiles(base, own, problems);
  trace?.made(merged, { stage: 'merged', from: whole(base), over: whole(own) });
  const single = keepLastDefinitions(merged) as MapNode;
  trace?.made(single, { stage: 'unique', from: whole(merged) });
  const valid = validate(single, document.source, context);
  trace?.made(valid, { stage: 'kept', from: whole(single) });
  const expanded = toCanonical(valid, context.canonical);
  trace?.made(expanded, { stage: 'expanded', from: whole(valid) });
  const model = keepLastDefinitions(expanded) as MapNode;
  trace?.made(model, { stage: 'unique', from: whole(expanded) });
  return model;
}

/** The schema sees the merged model, where an empty section changes nothing; docker compose looks before. */
function refuseEmptyServices(earlier: MapNode, root: MapNode, problems: Problems): void {
  const services = child(root, 'services');
  if (services === undefined || !isNull(services) || !earlier.entries.has('services')) return;
  problems.add({
    code: 'compose/wrong-type',
    message: 'services must be a mapping, got nothing',
    facts: { path: 'services', expected: 'a mapping', actual: 'nothing' },
    hint: 'leave it out, or write `services: {}`',
    at: locationOf(services.key ?? services.at),
  });
}

function validate(single: MapNode, source: SourceText, context: LoadContext): MapNode {
  const model = withoutEmptyNames(single);
  const valid = context.schema === undefined ? model : validateSchema(model, context.schema, source, context.problems);
  const version = child(valid, 'version');
  if (version === undefined) return valid;
  context.onWarning(
    `${source.file}: the attribute \`version\` is obsolete, it will be ignored, please remove it to avoid potential confusion`,
    locationOf(version.key ?? version.at),
  );
  return withMember(valid, 'version', undefined);
}

/** An empty container name, most often an unset variable, asks for none; the schema would refuse it. */
function withoutEmptyNames(model: MapNode): MapNode {
  const services = child(model, 'services');
  if (!isMap(services)) return model;
  const named = mapChildren(services, (service) =>
    isMap(service) && textOf(child(service, 'container_name')) === ''
      ? withMember(service, 'container_name', undefined)
      : service,
  );
  return named === services ? model : withMember(model, 'services', named);
}

/** Defaults, checks within resources, paths and listed variables: once, after the last file. */
function finish(model: MapNode, context: LoadContext, pathBase: string | undefined): MapNode {
  const { problems, trace, environment, directory, home } = context;
  const complete = fillDefaults(model);
  trace?.made(complete, { stage: 'defaults', from: whole(model) });
  // With parts left out, what is missing may well be there.
  if (!problems.any) checkResources(complete, problems);
  const placed = pathBase === undefined ? complete : resolvePaths(complete, { directory: pathBase, home });
  trace?.made(placed, { stage: 'paths', from: whole(complete), directory });
  if (!context.fillsVariables) return placed;
  const result = resolveListedVariables(placed, environment);
  trace?.made(result, { stage: 'listed', from: whole(placed), environment });
  return result;
}

async function checkStatedVersions(files: readonly ParsedFile[], context: LoadContext): Promise<void> {
  for (const { documents } of files) {
    for (const { root, source } of documents) {
      const stated = textOf(child(root, 'version'));
      if (!isMap(root) || stated === undefined) continue;
      const schema = await schemaOfVersion(stated);
      if (schema !== undefined) validateSchema(root, schema, source, context.problems);
    }
  }
}
