import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv, type ValidateFunction } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { vcurrent } from '../../../src/compose/generated/validate-current.js';
import * as series from '../../../src/compose/generated/validate-series.js';
import type { Validator } from '../../../src/compose/schema-error.js';

const versions = ['2.0', '2.1', '2.2', '2.3', '2.4', '3.0', '3.1', '3.2', '3.3', '3.4', '3.5', '3.6', '3.7', '3.8'];

function oursOf(version: string): Validator {
  if (version === 'current') return vcurrent;
  const validator = (series as unknown as Record<string, Validator | undefined>)[`v${version.replace('.', '_')}`];
  if (validator === undefined) throw new Error(`bug: no validator for ${version}`);
  return validator;
}

describe('which series knows a key', () => {
  const service = (member: object): object => ({ services: { web: { image: 'a', ...member } } });

  test.each([
    [{ extends: 'base' }, ['2.0', '2.1', '2.2', '2.3', '2.4', 'current']],
    [{ init: true }, ['2.2', '2.3', '2.4', '3.7', '3.8', 'current']],
    [{ platform: 'linux/arm64' }, ['2.4', 'current']],
    [{ deploy: { replicas: 1 } }, ['3.0', '3.1', '3.2', '3.3', '3.4', '3.5', '3.6', '3.7', '3.8', 'current']],
    [{ ports: [{ target: 80 }] }, ['3.2', '3.3', '3.4', '3.5', '3.6', '3.7', '3.8', 'current']],
    [{ depends_on: { db: { condition: 'service_healthy' } } }, ['2.1', '2.2', '2.3', '2.4', 'current']],
    [{ volume_driver: 'x' }, ['2.0', '2.1', '2.2', '2.3', '2.4']],
    [{ profiles: ['a'] }, ['current']],
    [{ labels: { a: 1 } }, ['3.6', '3.7', '3.8', 'current']],
  ])('%j', (member, known) => {
    const accepting = [...versions, 'current'].filter((version) =>
      oursOf(version)({ version: '3', ...service(member) }),
    );
    expect(accepting).toEqual(known);
  });
});

/** What editors show. */
interface Described {
  readonly title?: string;
  readonly description?: string;
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, Described>>;
  readonly properties?: Readonly<Record<string, Described>>;
  readonly patternProperties?: Readonly<Record<string, Described>>;
  readonly anyOf?: readonly Described[];
  readonly items?: Described;
}

test.each([...versions, 'current'])('every property of %s has a description, every definition a title', (version) => {
  const file = join(import.meta.dirname, `../../../schemas/compose-${version}.json`);
  const root = JSON.parse(readFileSync(file, 'utf8')) as Described;
  const silent: string[] = [];
  let properties = 0;
  const target = (schema: Described): Described | undefined => root.$defs?.[schema.$ref?.split('/').at(-1) ?? ''];
  const visit = (schema: Described, path: string): void => {
    for (const [name, property] of Object.entries(schema.properties ?? {})) {
      properties += 1;
      if ((property.description ?? target(property)?.description ?? '') === '') silent.push(`${path}.${name}`);
      visit(property, `${path}.${name}`);
    }
    for (const [pattern, value] of Object.entries(schema.patternProperties ?? {})) visit(value, `${path}.${pattern}`);
    for (const alternative of schema.anyOf ?? []) visit(alternative, path);
    if (schema.items !== undefined) visit(schema.items, `${path}[]`);
  };
  visit(root, '');
  for (const [name, definition] of Object.entries(root.$defs ?? {})) {
    if (!definition.title || !definition.description) silent.push(`$defs.${name}`);
    visit(definition, name);
  }
  expect(silent).toEqual([]);
  expect(root.title).toMatch(/^Compose file/);
  expect(properties).toBeGreaterThan(80);
});

// The published schemas are not part of this repository; a folder with them proves that ours judge alike.
const reference = process.env['TSCOMPOSE_REFERENCE_SCHEMAS'];

describe.skipIf(reference === undefined || !existsSync(reference))(
  'verdicts are those of the published schemas',
  () => {
    const samples = JSON.parse(readFileSync(join(import.meta.dirname, 'schema-samples.json'), 'utf8')) as object[];
    const odd = ['', 'x', 0, 1.5, -1, 2000, true, null, [], {}, ['a', 'a'], { a: 'b' }, [1], { a: null }, { 'x-q': 1 }];

    test.each([...versions, 'current'])('%s', (version) => {
      const theirs = publishedSchema(reference ?? '', version);
      const ours = oursOf(version);
      const change = fc.record({
        path: fc.array(fc.nat(40), { maxLength: 7 }),
        value: fc.constantFrom(...odd),
        drop: fc.boolean(),
      });
      const property = fc.property(
        fc.constantFrom(...samples),
        fc.array(change, { maxLength: 3 }),
        (sample, changes) => {
          const data = { ...structuredClone(sample), ...(version.startsWith('3') && { version: '3' }) };
          for (const { path, value, drop } of changes) alter(data, path, value, drop);
          expect({ data, valid: ours(data) }).toEqual({ data, valid: theirs(data) });
        },
      );
      fc.assert(property, { numRuns: 400 });
    });
  },
);

/** Walks down by member numbers and replaces or removes what is there. */
function alter(root: object, path: readonly number[], value: unknown, drop: boolean): void {
  let parent = root as Record<string, unknown>;
  for (const [index, number] of path.entries()) {
    const keys = Object.keys(parent);
    const key = keys[number % keys.length];
    if (key === undefined) return;
    const member = parent[key];
    const isLast = index === path.length - 1 || typeof member !== 'object' || member === null;
    if (isLast) {
      if (drop && !Array.isArray(parent)) Reflect.deleteProperty(parent, key);
      else parent[key] = structuredClone(value);
      return;
    }
    parent = member as Record<string, unknown>;
  }
}

function publishedSchema(folder: string, version: string): ValidateFunction {
  const options = { strict: false, validateFormats: false, allowUnionTypes: true, logger: false } as const;
  const file = version === 'current' ? 'compose-spec.compose-go.json' : `config_schema_v${version}.json`;
  const schema = JSON.parse(readFileSync(join(folder, file), 'utf8')) as object;
  withoutIds(schema);
  return version === 'current' ? new Ajv2020(options).compile(schema) : new Ajv(options).compile(schema);
}

// The older ones are of draft 4, whose `id` today's drafts do not know.
function withoutIds(schema: unknown): void {
  if (typeof schema !== 'object' || schema === null) return;
  if ('id' in schema && typeof schema.id === 'string') Reflect.deleteProperty(schema, 'id');
  if ('$schema' in schema) Reflect.deleteProperty(schema, '$schema');
  for (const member of Object.values(schema)) withoutIds(member);
}
