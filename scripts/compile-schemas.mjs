// Compiles schemas/*.json into standalone validators, so that no schema compiler is loaded at run time.
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Ajv2019 } from 'ajv/dist/2019.js';
import standalone from 'ajv/dist/standalone/index.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const generated = join(root, 'src/compose/generated');

/**
 * Writes `validate-current.js` (read at every start) and `validate-series.js` (read for `--strict-version` only).
 * Does nothing when both are newer than what they are made from, unless `force` is set.
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
  await write(join(directory, 'validate-current.js'), moduleOf(new Map([['current', current]])));
  await write(join(directory, 'validate-series.js'), moduleOf(schemas));
}

function moduleOf(schemas) {
  const ajv = new Ajv2019({
    allErrors: true,
    messages: false,
    strict: true,
    allowUnionTypes: true,
    strictRequired: false,
    inlineRefs: false,
    code: { source: true, esm: true, optimize: 1 },
  });
  const exports = {};
  const keys = {};
  for (const [series, schema] of schemas) {
    const name = exportName(series);
    ajv.addSchema({ ...schema, $id: name }, name);
    exports[name] = name;
    keys[name] = {};
    collectKeys(schema, '#', keys[name]);
  }
  const code = standalone
    .default(ajv, exports)
    // The library's own equality calls methods of the data, which are plain user data here.
    .replace(/const (\w+) = require\("ajv\/dist\/runtime\/equal"\)\.default;/g, 'const $1 = equalData;')
    .replace(
      /const (\w+) = require\("ajv\/dist\/runtime\/ucs2length"\)\.default;/g,
      'const $1 = (text) => [...text].length;',
    )
    .replace('"use strict";', '');
  if (code.includes('require('))
    throw new Error('bug: the compiled schemas need a run-time module that is not replaced');
  return [
    '// Made by scripts/compile-schemas.mjs from schemas/*.json.',
    "import { equalData } from '../equal-data.js';",
    code,
    '/** Keys known at a place in a schema. */',
    `export const knownKeys = ${JSON.stringify(keys)};`,
    '',
  ].join('\n');
}

/** Names of the fixed keys by the schema pointer errors carry. */
function collectKeys(schema, pointer, keys) {
  if (typeof schema !== 'object' || schema === null) return;
  if (schema.properties !== undefined) keys[pointer] = Object.keys(schema.properties);
  for (const [key, value] of Object.entries(schema)) {
    collectKeys(value, `${pointer}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`, keys);
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
