import { jsonText } from './json-text.js';
import type { Project } from './model.js';
import { projectShape, type Field, type Shape, type StructShape } from './shape.js';
import { yamlText } from './yaml-text.js';

export interface RenderOptions {
  readonly format: 'yaml' | 'json';
  /** `$` is written as `$$`, so that the output can be loaded again. Give false after `--no-interpolate`. */
  readonly escapeDollars?: boolean;
}

type Members = Record<string, unknown>;

/**
 * The project as `config` prints it: docker compose's members, order and forms. JSON has no line end behind it.
 * A project loaded without filling in variables is printed as the merged tree it is, dollars and all.
 */
export function renderProject(project: Project, options: RenderOptions): string {
  if (project.raw !== undefined) {
    return options.format === 'json' ? jsonText(emptyListsAsNull(project.raw)) : yamlText(project.raw);
  }
  const text =
    options.format === 'json' ? jsonText(jsonProject(project)) : yamlText(yamlValue(project.model, projectShape));
  return options.escapeDollars === false ? text : text.replaceAll('$', '$$$$');
}

function jsonProject(project: Project): Members {
  const json = jsonValue(project.model, projectShape) as Members;
  // Only top-level extensions appear in JSON.
  for (const [key, value] of Object.entries(project.model))
    if (key.startsWith('x-')) json[key] = emptyListsAsNull(value);
  return withSortedKeys(json);
}

/** Plain data in the members and forms of docker compose's JSON, for rendering and hashing. */
function jsonValue(value: unknown, shape: Shape): unknown {
  if (value === null || value === undefined) return null;
  switch (shape.kind) {
    case 'list':
      return (value as readonly unknown[]).map((item) => jsonValue(item, shape.of));
    case 'map': {
      const source = value as Members;
      const result = Object.create(null) as Members;
      for (const key of Object.keys(source).sort()) result[key] = jsonValue(source[key], shape.of);
      return result;
    }
    case 'struct':
      return jsonStruct(value as Members, shape);
    case 'ulimit':
      return jsonUlimit(value);
    default:
      return value;
  }
}

// A limit of 0 cannot be told from none here, in docker compose's JSON.
function jsonUlimit(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value === 0 ? {} : value;
  return Object.fromEntries(Object.entries(value).filter(([, limit]) => limit !== 0));
}

function jsonStruct(value: Members, shape: StructShape): Members {
  const result = Object.create(null) as Members;
  for (const field of shape.fields) {
    const member = value[field.name];
    const name = field.jsonName ?? field.name;
    if (member !== undefined) result[name] = jsonValue(member, field.shape);
    else if (field.presence === 'json')
      result[name] = field.shape.kind === 'struct' ? jsonStruct({}, field.shape) : null;
  }
  return result;
}

function yamlValue(value: unknown, shape: Shape): unknown {
  if (value === null || value === undefined) return null;
  switch (shape.kind) {
    case 'list':
      return (value as readonly unknown[]).map((item) => yamlValue(item, shape.of));
    case 'map': {
      const source = value as Members;
      const result = Object.create(null) as Members;
      for (const key of Object.keys(source)) result[key] = yamlValue(source[key], shape.of);
      return result;
    }
    case 'struct':
      return { ordered: [...yamlFields(value as Members, shape.fields), ...extensionsOf(value as Members)] };
    case 'ulimit':
      return typeof value === 'object' ? { ordered: Object.entries(value) } : yamlUlimit(value);
    default:
      return value;
  }
}

function yamlUlimit(value: unknown): unknown {
  return value === 0
    ? {
        ordered: [
          ['soft', 0],
          ['hard', 0],
        ],
      }
    : value;
}

function* yamlFields(value: Members, fields: readonly Field[]): Iterable<readonly [string, unknown]> {
  for (const field of fields) {
    const member = value[field.name];
    if (member !== undefined) yield [field.name, yamlValue(member, field.shape)];
  }
}

function extensionsOf(value: Members): readonly (readonly [string, unknown])[] {
  return Object.entries(value)
    .filter(([key]) => key.startsWith('x-'))
    .sort(([left], [right]) => (left < right ? -1 : 1));
}

// Go cannot tell an empty list from none once it has been through the loader.
function emptyListsAsNull(value: unknown): unknown {
  if (Array.isArray(value)) return value.length === 0 ? null : value.map(emptyListsAsNull);
  if (typeof value !== 'object' || value === null || value instanceof Number || value instanceof String) return value;
  const result = Object.create(null) as Members;
  for (const key of Object.keys(value).sort()) result[key] = emptyListsAsNull((value as Members)[key]);
  return result;
}

function withSortedKeys(value: Members): Members {
  const sorted = Object.create(null) as Members;
  for (const key of Object.keys(value).sort()) sorted[key] = value[key];
  return sorted;
}
