import { TscomposeError } from '../base/errors.js';
import { serviceKeys } from './first-format.js';
import { knownKeys, vcurrent } from './generated/validate-current.js';
import type { NodePath } from './model.js';
import { isMap, nodeAt, placeAt, toPlain, type MapNode, type Node } from './node.js';
import { pathText, type Problems } from './problems.js';
import { kindOf } from './scalar.js';
import {
  pointerSteps,
  settleAlternatives,
  typesOf,
  type KnownKeys,
  type SchemaError,
  type Validator,
} from './schema-error.js';
import { locationOf, type SourceText } from './source-text.js';
import { didYouMean } from './suggest.js';

/** A schema ready to use. */
export interface Schema {
  /** Name of the validator. */
  readonly name: string;
  /** The stated version it belongs to. */
  readonly version?: string;
  readonly validate: Validator;
  readonly knownKeys: KnownKeys;
}

/** The current format; old and new keys together, as docker compose reads files of any version. */
export const currentSchema: Schema = { name: 'vcurrent', validate: vcurrent, knownKeys };

/** The schema of a stated version such as `2.1` or `3`; undefined when there is no such version. */
export async function schemaOfVersion(version: string): Promise<Schema | undefined> {
  const series = await import('./generated/validate-series.js');
  const full = /^[23]$/.test(version) ? `${version}.0` : version;
  if (!/^(?:2\.[0-4]|3\.[0-8])$/.test(full)) return undefined;
  const name = `v${full.replace('.', '_')}`;
  const validate = (series as unknown as Record<string, Validator | undefined>)[name];
  return validate === undefined ? undefined : { name, version, validate, knownKeys: series.knownKeys };
}

/**
 * Checks a tree against a schema, adding every violation to `problems`.
 * @returns the tree without the parts that violate it, so that later stages can go on looking for problems
 */
export function validateSchema(root: MapNode, schema: Schema, source: SourceText, problems: Problems): MapNode {
  if (schema.validate(toPlain(root))) return root;
  const errors = settleAlternatives(schema.validate.errors ?? []);
  if (looksLikeFirstFormat(root, errors)) {
    problems.add({
      code: 'compose/v1-file',
      message: 'this file is in the first Compose format, with services at the top level',
      facts: { file: source.file },
      hint: '"tscompose migrate" writes it in today\'s format',
      at: locationOf(placeAt(root, firstKey(root), 'key')),
    });
    return { ...root, entries: new Map() };
  }
  const faulty: NodePath[] = [];
  for (const error of errors) {
    const path = dataPath(root, error.instancePath);
    problems.keep(describe(error, path, root, schema));
    faulty.push(
      error.keyword === 'additionalProperties' ? [...path, String(error.params['additionalProperty'])] : path,
    );
  }
  return prune(root, faulty);
}

function describe(error: SchemaError, path: NodePath, root: MapNode, schema: Schema): TscomposeError {
  const node = nodeAt(root, path) ?? root;
  const place = pathText(path);
  const at = locationOf(placeAt(root, path));
  switch (error.keyword) {
    case 'additionalProperties': {
      const key = String(error.params['additionalProperty']);
      const known = keysKnownAt(path, schema);
      const keyAt = locationOf(placeAt(root, [...path, key], 'key'));
      if (known === undefined) {
        return new TscomposeError({
          code: 'compose/invalid-value',
          message: `"${key}" is not a valid name in ${place}`,
          facts: { path: place },
          hint: 'names consist of letters, digits, dots, dashes and underscores',
          at: keyAt,
        });
      }
      const suggestion = didYouMean(key, known);
      return new TscomposeError({
        code: 'compose/unknown-key',
        message: path.length === 0 ? `unknown top-level key "${key}"` : `unknown key "${key}" in ${place}`,
        facts: { path: place, key },
        hint: suggestion ?? unknownKeyHint(path, schema),
        at: keyAt,
      });
    }
    case 'required':
    case 'dependencies':
    case 'dependentRequired': {
      const key = String(error.params['missingProperty']);
      return new TscomposeError({
        code: 'compose/missing-key',
        message: `${place} needs a key "${key}"`,
        facts: { path: place, key },
        at: locationOf(placeAt(root, path, 'key')) ?? at,
      });
    }
    case 'type': {
      const expected = expectation(typesOf(error));
      const actual = kindOf(node);
      return new TscomposeError({
        code: 'compose/wrong-type',
        message: `${place} must be ${expected}, got ${actual}`,
        facts: { path: place, expected, actual },
        at,
      });
    }
    case 'uniqueItems': {
      const [later, earlier] = [Number(error.params['i']), Number(error.params['j'])].sort((a, b) => b - a);
      return new TscomposeError({
        code: 'compose/duplicate-item',
        message: `${place} holds the same item twice, at ${earlier ?? 0} and ${later ?? 0}`,
        facts: { path: place },
        at: locationOf(placeAt(root, [...path, later ?? 0])),
      });
    }
    default:
      return new TscomposeError({
        code: 'compose/invalid-value',
        message: `${place} ${constraint(error, path)}`,
        facts: { path: place },
        hint: error.keyword === 'enum' ? didYouMean(plainText(node), allowed(error)) : undefined,
        at,
      });
  }
}

function unknownKeyHint(path: NodePath, schema: Schema): string | undefined {
  if (schema.version !== undefined) return `version ${schema.version} of the format has no such key`;
  return path.length === 0 ? 'keys of your own start with x-' : undefined;
}

/** Undefined where the keys are names of the user's choice. */
function keysKnownAt(path: NodePath, schema: Schema): readonly string[] | undefined {
  let candidates = [''];
  for (const [index, step] of path.entries()) {
    const dot = index === 0 ? '' : '.';
    candidates = candidates.flatMap((prefix) => [
      `${prefix}${dot}*`,
      ...(typeof step === 'string' ? [`${prefix}${dot}${step}`] : []),
    ]);
    const places = Object.keys(schema.knownKeys[schema.name] ?? {});
    candidates = candidates.filter((prefix) =>
      places.some((place) => place === prefix || place.startsWith(`${prefix}.`)),
    );
  }
  for (const candidate of candidates) {
    const keys = schema.knownKeys[schema.name]?.[candidate];
    if (keys !== undefined) return keys;
  }
  return undefined;
}

function constraint(error: SchemaError, path: NodePath): string {
  switch (error.keyword) {
    case 'enum':
      return `must be one of ${allowed(error).join(', ')}`;
    case 'minimum':
      return `must be at least ${String(error.params['limit'])}`;
    case 'maximum':
      return `must be at most ${String(error.params['limit'])}`;
    case 'pattern':
      return path.at(-1) === 'pull_policy'
        ? 'must be one of always, never, missing, build, daily, weekly, every_<duration>'
        : 'has a form that is not allowed';
    default:
      return 'is not valid';
  }
}

function allowed(error: SchemaError): readonly string[] {
  const values = error.params['allowedValues'];
  return Array.isArray(values) ? values.map(String) : [];
}

function plainText(node: Node): string {
  return node.kind === 'scalar' ? String(node.value) : '';
}

const typeNames: readonly (readonly [type: string, name: string])[] = [
  ['object', 'a mapping'],
  ['array', 'a list'],
  ['boolean', 'true or false'],
  ['integer', 'a whole number'],
  ['number', 'a number'],
  ['string', 'text'],
];

function expectation(types: readonly string[]): string {
  const wanted = new Set(types);
  // Where a number or a boolean is meant, text is only allowed for the sake of variables.
  if (wanted.has('boolean') && wanted.size === 2) wanted.delete('string');
  if (wanted.has('number')) wanted.delete('integer');
  const names = typeNames.filter(([type]) => wanted.has(type)).map(([, name]) => name);
  const last = names.pop();
  if (last === undefined) return 'nothing';
  return names.length === 0 ? last : `${names.join(', ')} or ${last}`;
}

function dataPath(root: Node, pointer: string): NodePath {
  const path: (string | number)[] = [];
  let node: Node | undefined = root;
  for (const step of pointerSteps(pointer)) {
    const key: string | number = node?.kind === 'list' ? Number(step) : step;
    path.push(key);
    node = node === undefined ? undefined : nodeAt(node, [key]);
  }
  return path;
}

function prune(root: MapNode, paths: readonly NodePath[]): MapNode {
  let pruned: Node = root;
  // Longest and last first, so that list indexes stay right.
  const ordered = [...paths].sort((a, b) => b.length - a.length || ((a.at(-1) ?? '' < (b.at(-1) ?? '')) ? 1 : -1));
  for (const path of ordered) if (path.length > 0) pruned = without(pruned, path);
  return isMap(pruned) ? pruned : root;
}

function without(node: Node, path: NodePath): Node {
  const [step, ...rest] = path;
  if (step === undefined) return node;
  if (node.kind === 'map') {
    const entries = new Map(node.entries);
    const member = entries.get(String(step));
    if (member === undefined) return node;
    if (rest.length === 0) entries.delete(String(step));
    else entries.set(String(step), without(member, rest));
    return { ...node, entries };
  }
  if (node.kind === 'list') {
    const items =
      rest.length === 0
        ? node.items.filter((_, index) => index !== step)
        : node.items.map((item, index) => (index === step ? without(item, rest) : item));
    return { ...node, items };
  }
  return node;
}

function looksLikeFirstFormat(root: MapNode, errors: readonly SchemaError[]): boolean {
  if (root.entries.has('services')) return false;
  return errors.some((error) => {
    if (error.instancePath !== '' || error.keyword !== 'additionalProperties') return false;
    const member = root.entries.get(String(error.params['additionalProperty']));
    return isMap(member) && [...member.entries.keys()].some((key) => serviceKeys.has(key));
  });
}

function firstKey(root: MapNode): NodePath {
  const [first] = root.entries.keys();
  return first === undefined ? [] : [first];
}
