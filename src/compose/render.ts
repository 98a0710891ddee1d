import type { Project } from './model.js';
import { projectShape, type Shape, type StructShape } from './shape.js';

export interface RenderOptions {
  readonly format: 'yaml' | 'json';
  /** `$` is written as `$$`, so that the output can be loaded again. False after `--no-interpolate`. */
  readonly escapeDollars?: boolean;
}

/** The project as `config` prints it: docker compose's members, order and forms. JSON has no line end behind it. */
export function renderProject(project: Project, options: RenderOptions): string {
  const text = options.format === 'json' ? renderJson(project) : renderJson(project);
  return options.escapeDollars === false ? text : text.replaceAll('$', '$$$$');
}

function renderJson(project: Project): string {
  const json = jsonValue(project.model, projectShape) as Record<string, unknown>;
  for (const [key, value] of Object.entries(project.model)) if (key.startsWith('x-')) json[key] = value;
  return goJson(sortedKeys(json));
}

/** Plain data in the members and forms of docker compose's JSON. */
export function jsonValue(value: unknown, shape: Shape): unknown {
  if (value === null || value === undefined) return null;
  switch (shape.kind) {
    case 'list':
      return (value as readonly unknown[]).map((item) => jsonValue(item, shape.of));
    case 'map': {
      const source = value as Record<string, unknown>;
      const result = Object.create(null) as Record<string, unknown>;
      for (const key of Object.keys(source).sort()) result[key] = jsonValue(source[key], shape.of);
      return result;
    }
    case 'struct':
      return jsonStruct(value as Record<string, unknown>, shape);
    default:
      return value;
  }
}

function jsonStruct(value: Record<string, unknown>, shape: StructShape): Record<string, unknown> {
  const result = Object.create(null) as Record<string, unknown>;
  for (const field of shape.fields) {
    const member = value[field.name];
    const name = field.jsonName ?? field.name;
    if (member !== undefined) result[name] = jsonValue(member, field.shape);
    else if (field.presence === 'json')
      result[name] = field.shape.kind === 'struct' ? jsonStruct({}, field.shape) : null;
  }
  return result;
}

/** JSON as Go writes it: indented by two, HTML-sensitive characters escaped. */
export function goJson(value: unknown): string {
  return JSON.stringify(value, null, 2).replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function sortedKeys(value: Record<string, unknown>): Record<string, unknown> {
  const sorted = Object.create(null) as Record<string, unknown>;
  for (const key of Object.keys(value).sort()) sorted[key] = value[key];
  return sorted;
}
