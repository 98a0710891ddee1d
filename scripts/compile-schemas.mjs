// Compiles schemas/*.json into standalone validators, so that no schema compiler is loaded at run time.
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Ajv2019 } from 'ajv/dist/2019.js';
import standalone from 'ajv/dist/standalone/index.js';
import { transform } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const generated = join(root, 'src/compose/generated');

/**
 * Writes `validate-current.js` (read at every start) and `validate-series.js` (read for `--strict-version` only).
 * Files that would not change are left alone.
 */
export async function compileSchemas(directory = generated) {
  const files = (await readdir(join(root, 'schemas'))).filter((name) => name.endsWith('.json')).sort();
  const schemas = new Map();
  for (const file of files) {
    const series = /^compose-(.+)\.json$/.exec(file)?.[1];
    if (series !== undefined) schemas.set(series, JSON.parse(await readFile(join(root, 'schemas', file), 'utf8')));
  }
  const current = schemas.get('current');
  schemas.delete('current');
  await write(join(directory, 'validate-current.js'), await moduleOf(new Map([['current', current]])));
  await write(join(directory, 'validate-series.js'), await moduleOf(schemas));
}

async function moduleOf(schemas) {
  const shared = new Definitions();
  for (const [series, schema] of schemas) shared.add(exportName(series), schema);
  const names = [...schemas.keys()].map(exportName);
  const ajv = new Ajv2019({
    allErrors: true,
    messages: false,
    strict: true,
    allowUnionTypes: true,
    strictRequired: false,
    inlineRefs: false,
    code: { source: true, esm: true, optimize: 1 },
  });
  ajv.addSchema({ $id: 'compose', $defs: shared.definitions });
  const code = standalone
    .default(ajv, Object.fromEntries(names.map((name) => [name, `compose#/$defs/${name}`])))
    // The library's own equality calls methods of the data, which are plain user data here.
    .replace(/const (\w+) = require\("ajv\/dist\/runtime\/equal"\)\.default;/g, 'const $1 = equalData;')
    .replace(
      /const (\w+) = require\("ajv\/dist\/runtime\/ucs2length"\)\.default;/g,
      'const $1 = (text) => [...text].length;',
    )
    .replace('"use strict";', '');
  if (code.includes('require('))
    throw new Error('bug: the compiled schemas need a run-time module that is not replaced');
  const text = [
    '// Made by scripts/compile-schemas.mjs from schemas/*.json.',
    "import { equalData } from '../equal-data.js';",
    code,
    '/** Fixed keys by validator and place. */',
    `export const knownKeys = ${JSON.stringify(knownKeysOf(schemas))};`,
    '',
  ].join('\n');
  // A third less to read at every start.
  return (await transform(text, { minify: true, format: 'esm', target: 'node20' })).code;
}

/** Names of fixed keys by place, such as `services.*.ports.*`, for suggestions. */
function knownKeysOf(schemas) {
  const keys = {};
  for (const [series, schema] of schemas) {
    const own = (keys[exportName(series)] = {});
    const visit = (part, path) => {
      if (part.$ref !== undefined) visit(schema.$defs[part.$ref.slice('#/$defs/'.length)], path);
      if (part.properties !== undefined) {
        own[path.join('.')] = [...(own[path.join('.')] ?? []), ...Object.keys(part.properties)];
        for (const [name, member] of Object.entries(part.properties)) visit(member, [...path, name]);
      }
      for (const [pattern, member] of Object.entries(part.patternProperties ?? {})) {
        if (pattern !== '^x-') visit(member, [...path, '*']);
      }
      for (const member of part.anyOf ?? []) visit(member, path);
      if (part.items !== undefined) visit(part.items, [...path, '*']);
    };
    visit(schema, []);
  }
  return keys;
}

/**
 * Definitions of all schemas of a module, each distinct one once: series differ in few places, and a validator is
 * generated for every definition. Titles and descriptions are left out.
 */
class Definitions {
  definitions = {};
  #names = new Map();

  add(name, schema) {
    const { $defs, $schema, ...root } = schema;
    void $schema;
    const resolved = new Map();
    const resolve = (reference) => {
      if (!resolved.has(reference)) resolved.set(reference, this.#hoist($defs[reference], resolve));
      return resolved.get(reference);
    };
    this.definitions[name] = this.#members(root, resolve);
  }

  /** A schema small enough to stand where it is used, or a reference to its one definition. */
  #hoist(schema, resolve) {
    if (schema.$ref !== undefined) return resolve(schema.$ref.slice('#/$defs/'.length));
    const slim = this.#members(schema, resolve);
    const text = JSON.stringify(slim);
    if (slim.properties === undefined && text.length < 60) return slim;
    let name = this.#names.get(text);
    if (name === undefined) {
      name = `s${this.#names.size}`;
      this.#names.set(text, name);
      this.definitions[name] = slim;
    }
    return { $ref: `#/$defs/${name}` };
  }

  #members(schema, resolve) {
    const slim = {};
    for (const [key, value] of Object.entries(schema)) {
      if (key === 'description' || key === 'title' || key === 'deprecated' || key === 'default') continue;
      if (key === 'properties' || key === 'patternProperties') {
        slim[key] = Object.fromEntries(
          Object.entries(value).map(([name, member]) => [name, this.#hoist(member, resolve)]),
        );
      } else if (key === 'items') slim[key] = this.#hoist(value, resolve);
      else if (key === 'anyOf') slim[key] = value.map((member) => this.#hoist(member, resolve));
      else slim[key] = value;
    }
    return slim;
  }
}

export function exportName(series) {
  return `v${series.replace('.', '_')}`;
}

async function write(file, text) {
  await mkdir(dirname(file), { recursive: true });
  const before = await readFile(file, 'utf8').catch(() => undefined);
  if (before !== text) await writeFile(file, text);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await compileSchemas();
