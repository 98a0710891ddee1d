import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { TscomposeError } from '../../../src/base/errors.js';
import { parseDotenv, DotenvError } from '../../../src/compose/dotenv.js';
import { loadProject, renderProject } from '../../../src/compose/index.js';
import { substitute, TemplateError } from '../../../src/compose/template.js';

/** Inputs over all. The long run is `TSCOMPOSE_FUZZ=100000 npx vitest run --project unit test/unit/compose/fuzz.test.ts`. */
const inputs = Number(process.env['TSCOMPOSE_FUZZ'] ?? 1000);
/** Of processor time: other processes of a busy machine do not count. */
const timeLimitMs = 1000;
const heapLimitBytes = 300 * 2 ** 20;
/** Long enough for the long run on a slow machine. */
const timeoutMs = 60_000 + inputs * 40;

const seedFolder = new URL('fuzz-seeds', import.meta.url).pathname;
const seeds = readdirSync(seedFolder).map((name) => readFileSync(join(seedFolder, name), 'utf8'));

const folder = mkdtempSync(join(tmpdir(), 'tscompose-fuzz-'));
mkdirSync(join(folder, 'sub'));
writeFileSync(join(folder, 'base.yaml'), 'services: {base: {image: base, environment: [BASE]}}\n');
writeFileSync(join(folder, 'sub/compose.yaml'), 'services: {inner: {image: inner, volumes: ["./x:/x"]}}\n');
writeFileSync(join(folder, 'a.env'), 'A=1\nB="two ${A}"\n');
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

const environment = { A: 'a', EMPTY: '', TAG: '1', HOME: '/root' };

/** Loads a text as `config -f -` does: it renders, or is refused by an error a user can act on, and soon. */
async function attempt(text: string, without: readonly ('interpolate' | 'normalize')[] = []): Promise<void> {
  const begin = process.cpuUsage();
  try {
    const project = await loadProject({
      cwd: folder,
      files: ['-'],
      stdin: () => Promise.resolve(text),
      environment,
      without,
    });
    expect(renderProject(project, { format: 'yaml' })).not.toBe('');
    JSON.parse(renderProject(project, { format: 'json' }));
  } catch (error) {
    if (!(error instanceof TscomposeError)) throw error;
    expect(error.message).not.toMatch(/bug:|undefined is not|not a function|Cannot read/);
  }
  const { user, system } = process.cpuUsage(begin);
  expect((user + system) / 1000).toBeLessThan(timeLimitMs);
}

const pieces = [
  '__proto__', 'constructor', 'toString', 'hasOwnProperty', '*common', '&common ', '<<: *env', '<<', '!reset ', '!override ', '!!binary ', '!!str ',
  '${', '}', '$', '$$', '${A:-${B', '${A:?no}', '${EMPTY:+x}', '[', ']', '{', '}', ': ', '- ', '#', '"', "'", '|', '>', '|-\n', '---\n', '...\n', '? ', '%', '@', '`',
  'null', '~', 'true', 'yes', '0', '-1', '1e999', '.inf', '.nan', '0x10', '010', '99999999999999999999', '2001-01-01', '1.5', '\t', '\r\n', '\u0000', '\uFEFF', '\u2028', '😀', 'é',
  'services:', 'web:', 'image: x', 'extends: web', 'extends: {file: base.yaml, service: base}', 'include: [sub/compose.yaml]', 'include: [sub]', 'env_file: a.env', 'env_file: [a.env, gone]',
  'ports: ["1-65535:1-65535"]', 'ports: [80]', 'volumes: ["::"]', 'depends_on: [web]', 'scale: 0', 'command: "\'"', 'x-a: *x', '\n', '\n  ', '\n    ', '\n      ',
] as const; // prettier-ignore

/** One change to a text; numbers choose where and what, so that a counterexample shrinks. */
const change = fc.tuple(
  fc.constantFrom('cut', 'copy', 'swap', 'insert', 'replace', 'indent', 'truncate'),
  fc.nat(),
  fc.nat(),
);

function mutate(text: string, [kind, where, what]: readonly [string, number, number]): string {
  const lines = text.split('\n');
  const at = where % lines.length;
  const other = what % lines.length;
  const line = lines[at] ?? '';
  const piece = pieces[what % pieces.length] ?? '';
  const column = where % (line.length + 1);
  switch (kind) {
    case 'cut':
      lines.splice(at, 1 + (what % 4));
      break;
    case 'copy':
      lines.splice(at, 0, ...lines.slice(other, other + 5));
      break;
    case 'swap':
      [lines[at], lines[other]] = [lines[other] ?? '', line];
      break;
    case 'insert':
      lines[at] = line.slice(0, column) + piece + line.slice(column);
      break;
    case 'replace':
      lines[at] = line.replace(/(:\s+).*$/, `$1${piece.replaceAll('$', '$$$$')}`);
      break;
    case 'indent':
      lines[at] = ' '.repeat(what % 9) + line.trimStart();
      break;
    default:
      return text.slice(0, where % (text.length + 1));
  }
  return lines.join('\n');
}

/** A name as services, attributes and resources have, or one that must not mean more than its letters. */
const name = fc.constantFrom('web', 'db', '__proto__', 'constructor', 'toString', 'a.b', 'x-y', 'é', '');
const attribute = fc.constantFrom(
  'image', 'build', 'command', 'ports', 'volumes', 'environment', 'env_file', 'depends_on', 'networks', 'network_mode', 'deploy', 'healthcheck', 'labels',
  'extends', 'profiles', 'secrets', 'configs', 'ulimits', 'logging', 'extra_hosts', 'tmpfs', 'devices', 'dns', 'scale', 'cpus', 'mem_limit', 'links', 'volumes_from',
  'sysctls', 'develop', 'gpus', 'models', 'provider', 'post_start', 'blkio_config', 'credential_spec', 'stop_grace_period', 'container_name', 'annotations', 'x-own', '__proto__',
); // prettier-ignore
const word = fc.oneof(
  fc.constantFrom(...pieces),
  fc.string({ maxLength: 8 }),
  name,
  fc.integer(),
  fc.double(),
  fc.boolean(),
  fc.constant(null),
);
const value = fc.letrec((tie) => ({
  value: fc.oneof({ depthSize: 'small', withCrossShrink: true }, word, fc.array(tie('value'), { maxLength: 4 }), fc.dictionary(fc.oneof(attribute, name, fc.string({ maxLength: 6 })), tie('value'), { maxKeys: 4, noNullPrototype: false })),
})).value; // prettier-ignore
const service = fc.dictionary(attribute, value, { maxKeys: 6, noNullPrototype: false });
const model = fc.record(
  {
    services: fc.dictionary(name, service, { maxKeys: 4, noNullPrototype: false }),
    networks: value,
    volumes: value,
    secrets: value,
    configs: value,
    include: value,
    name: word,
  },
  { requiredKeys: ['services'] },
);

describe('whatever a file says, it is loaded or refused in words, within a second', () => {
  test(
    'changed files',
    async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.constantFrom(...seeds),
          fc.array(change, { minLength: 1, maxLength: 6 }),
          async (seed, changes) => {
            await attempt(changes.reduce(mutate, seed));
          },
        ),
        { numRuns: inputs * 0.4 },
      );
    },
    timeoutMs,
  );

  test(
    'values of any kind at any attribute',
    async () => {
      await fc.assert(
        fc.asyncProperty(model, fc.boolean(), async (tree, filled) => {
          await attempt(JSON.stringify(tree), filled ? [] : ['interpolate', 'normalize']);
        }),
        { numRuns: inputs * 0.3 },
      );
    },
    timeoutMs,
  );

  test(
    'texts of any kind',
    async () => {
      const any = fc.oneof(
        fc.string({ maxLength: 60 }),
        fc.array(fc.constantFrom(...pieces), { maxLength: 30 }).map((parts) => parts.join('')),
      );
      await fc.assert(
        fc.asyncProperty(any, async (text) => attempt(text)),
        { numRuns: inputs * 0.2 },
      );
    },
    timeoutMs,
  );

  test(
    'templates and env files',
    () => {
      const any = fc
        .array(fc.oneof(fc.constantFrom(...pieces, '=', 'A=', 'export ', '\\', '\n'), fc.string({ maxLength: 4 })), {
          maxLength: 30,
        })
        .map((parts) => parts.join(''));
      const lookup = (key: string): string | undefined => (environment as Record<string, string>)[key];
      fc.assert(
        fc.property(any, (text) => {
          try {
            substitute(text, { lookup });
          } catch (error) {
            if (!(error instanceof TemplateError)) throw error;
          }
          try {
            parseDotenv(text, { lookup });
          } catch (error) {
            if (!(error instanceof DotenvError)) throw error;
          }
        }),
        { numRuns: inputs * 0.1 },
      );
    },
    timeoutMs,
  );

  test('memory stays bounded over all of them', () => {
    expect(process.memoryUsage().heapUsed).toBeLessThan(heapLimitBytes);
  });
});

const web = (body: string): string => `services:\n  web:\n    image: x\n${body}\n`;
const repeat = (count: number, line: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => line(index)).join('\n');

/** Files made to exhaust a reader; each is one that once exhausted some reader. */
const bombs: Readonly<Record<string, () => string>> = {
  'ten levels of ten aliases': () => `x-0: &a0 [x, x]\n${repeat(10, (i) => `x-${i + 1}: &a${i + 1} [${`*a${i},`.repeat(10)}]`)}\n${web('    x-b: *a10')}`,
  'merges of merges': () => `x-0: &a0 {k: v}\n${repeat(20, (i) => `x-${i + 1}: &a${i + 1}\n  <<: [*a${i}, *a${i}]\n  k${i}: [*a${i}, *a${i}]`)}\n${web('    <<: *a20')}`,
  'brackets ten thousand deep': () => web(`    x-deep: ${'['.repeat(10_000)}${']'.repeat(10_000)}`),
  'open brackets': () => web(`    x-deep: ${'['.repeat(20_000)}`),
  'braces ten thousand deep': () => web(`    x-deep: ${'{a: '.repeat(10_000)}1${'}'.repeat(10_000)}`),
  'blocks a thousand deep': () => `services:\n${repeat(1000, (i) => `${' '.repeat(i + 2)}a:`)}`,
  'dashes': () => web(`    x-deep:\n      ${'- '.repeat(20_000)}a`),
  'a scalar of two million letters': () => web(`    x-big: "${'a'.repeat(2_000_000)}"`),
  'a block of fifty thousand lines': () => web(`    x-big: |\n${repeat(50_000, () => '      line')}`),
  'a plain text over many lines': () => web(`    x-big: a\n${repeat(20_000, () => '      b')}`),
  'blanks': () => web(`    x-big: a${' '.repeat(500_000)}b`),
  'empty lines': () => web(`    x-big: a${'\n'.repeat(200_000)}`),
  'two thousand anchors': () => `${repeat(2_000, (i) => `x-${i}: &a${i} b`)}\n${web('')}`,
  'expressions in a row': () => web(`    x-v: "${'${A:-x}'.repeat(20_000)}"`),
  'expressions in each other': () => web(`    x-v: "${'${NO:-'.repeat(5_000)}x${'}'.repeat(5_000)}"`),
  'open expressions': () => web(`    x-v: "${'${NO:-'.repeat(50_000)}"`),
  'dollars': () => web(`    x-v: "${'$'.repeat(100_001)}"`),
  'braces': () => web(`    x-v: "${'${A:-{'.repeat(5_000)}}"`),
  'quotes and backslashes in a command': () => web(`    command: '${'\\"'.repeat(50_000)}'`),
  'a chain of extends': () => `services:\n  s0: {image: x}\n${repeat(1000, (i) => `  s${i + 1}: {extends: s${i}}`)}\n`,
  'a chain of dependencies': () => `services:\n  s0: {image: x}\n${repeat(1000, (i) => `  s${i + 1}: {image: x, depends_on: [s${i}]}`)}\n`,
  'dependencies of each on each': () => `services:\n${repeat(60, (i) => `  s${i}: {image: x, depends_on: [${Array.from({ length: i }, (_, j) => `s${j}`).join()}]}`)}\n`,
  'ranges of many ports': () => web(`    ports: [${'"1-4000:1-4000",'.repeat(4)}]`),
  'many equal environment entries': () => web(`    environment:\n${repeat(5000, (i) => `      - K${i % 10}=${i}`)}`),
  'many distinct list items': () => web(`    cap_add:\n${repeat(3000, (i) => `      - C${i}`)}`),
  'a thousand wrong keys': () => web(repeat(1000, (i) => `    wrong${i}: 1`)),
  'digits': () => web(`    x-n: ${'9'.repeat(50_000)}\n    cpus: ${'1'.repeat(1000)}\n    mem_limit: ${'1'.repeat(1000)}g`),
  'a long key': () => web(`    ? ${'k'.repeat(100_000)}\n    : v`),
  'a name that almost fits': () => web(`    container_name: ${'a'.repeat(50_000)}/`),
  'a duration that almost fits': () => web(`    stop_grace_period: ${'1h'.repeat(20_000)}x`),
}; // prettier-ignore

test.each(Object.keys(bombs))('it takes no hold: %s', async (title) => {
  await attempt(bombs[title]?.() ?? '');
});

test.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty'])('%s is a name like any other', async (key) => {
  const project = await loadProject({
    cwd: folder,
    files: ['-'],
    stdin: () =>
      Promise.resolve(
        `services:\n  ${key}:\n    image: x\n    environment: {${key}: v}\n    labels: [${key}=l]\n    networks: [${key}]\n` +
          `    volumes: ["${key}:/v"]\n    x-own: {${key}: {polluted: true}}\n  other: {image: y, depends_on: [${key}]}\n` +
          `networks: {${key}: }\nvolumes: {${key}: }\n`,
      ),
    environment: {},
  });
  const json = renderProject(project, { format: 'json' });
  const yaml = renderProject(project, { format: 'yaml' });
  for (const text of [json, yaml]) expect(text.split(key).length).toBeGreaterThan(8);
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  expect(Object.keys(project.model.services).sort()).toEqual([key, 'other'].sort());
});
