// Builds dist/: the CLI and the engine as one bundle each, a launcher for either, the layer worker.
// `node scripts/build.mjs [--no-code-cache]`
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = join(root, 'dist');
const packageFile = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/** A shell reads the second line as a command, Node reads it as a string and a comment. See src/launcher/tscompose.ts. */
const shellPreamble = [
  '#!/bin/sh',
  `':' //; if [ -n "\${NODE_EXTRA_CA_CERTS+x}" ]; then export TSCOMPOSE_EXTRA_CA_CERTS="$NODE_EXTRA_CA_CERTS"; unset NODE_EXTRA_CA_CERTS; fi`,
  `':' //; export TSCOMPOSE_HANGUP=ignored; trap 'unset TSCOMPOSE_HANGUP' HUP; kill -HUP $$`,
  `':' //; exec node -- "$0" "$@"`,
].join('\n');

/** CommonJS has no `import.meta`. */
const importMeta = {
  banner: { js: `const importMetaUrl = require('node:url').pathToFileURL(__filename).href;` },
  define: { 'import.meta.url': 'importMetaUrl' },
};

/** Large and seldom needed: a file of its own, read when it is asked for. */
const chunks = [
  {
    entry: 'src/compose/generated/validate-series.js',
    pattern: /generated\/validate-series\.js$/,
    name: 'validate-series.cjs',
  },
  { entry: 'src/diagram/svg-picture.ts', pattern: /\/svg-picture\.js$/, name: 'svg-picture.cjs' },
];

const chunksOutside = {
  name: 'chunks',
  setup: ({ onResolve }) => {
    for (const { pattern, name } of chunks) {
      onResolve({ filter: pattern }, ({ kind }) =>
        kind === 'entry-point' ? undefined : { path: `./${name}`, external: true },
      );
    }
  },
};

/** commander can start programs as subcommands; we never ask it to, and loading child_process costs 5 to 10 ms. */
const noPrograms = {
  name: 'no-programs',
  setup: ({ onResolve, onLoad }) => {
    onResolve({ filter: /^(?:node:)?child_process$/ }, ({ importer }) =>
      /node_modules\/commander\//.test(importer) ? { path: 'child_process', namespace: 'absent' } : undefined,
    );
    onLoad({ filter: /.*/, namespace: 'absent' }, () => ({ contents: 'module.exports = {};' }));
  },
};

const common = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  format: 'cjs',
  target: 'node20',
  mainFields: ['module', 'main'],
  external: ['koffi'], // native
  logLevel: 'warning',
  legalComments: 'none',
  minifyWhitespace: true, // half the text to read at each start; names stay, for stack traces
  minifySyntax: true,
  supported: { 'dynamic-import': false }, // what stays outside is required: the bundle runs as a script
  plugins: [chunksOutside, noPrograms],
};

/** Bundles one entry and returns its text. */
async function bundle(entry, options = {}) {
  const result = await build({ ...common, ...options, entryPoints: [join(root, entry)], write: false });
  return result.outputFiles[0].text;
}

/** Replaces a file in one step: a tscompose that starts meanwhile finds the old one or the new one. */
function install(name, text, mode = 0o644) {
  const temporary = join(dist, `.${name}.${process.pid}`);
  writeFileSync(temporary, text);
  chmodSync(temporary, mode);
  renameSync(temporary, join(dist, name));
}

/** A bundle and its launchers; `buildId` ties the code cache to these very bytes (V8 itself compares only the length). */
async function installProgram({ entry, bundleName, launchers }) {
  const text = await bundle(entry, {
    ...importMeta,
    define: { ...importMeta.define, TSCOMPOSE_VERSION: JSON.stringify(packageFile.version) },
  });
  const buildId = createHash('sha256').update(text).digest('hex').slice(0, 12);
  const define = { TSCOMPOSE_BUNDLE: JSON.stringify(bundleName), TSCOMPOSE_BUILD_ID: JSON.stringify(buildId) };
  install(bundleName, text);
  for (const { name, preamble = '' } of launchers) {
    const launcher = await bundle(`src/launcher/${name}.ts`, { banner: { js: preamble }, define });
    install(`${name}.cjs`, launcher, 0o755);
  }
  return buildId;
}

mkdirSync(dist, { recursive: true });
const keep = new Set();

const schemaCompiler = join(root, 'scripts/compile-schemas.mjs');
if (existsSync(schemaCompiler)) await (await import(schemaCompiler)).compileSchemas();

keep.add(
  await installProgram({
    entry: 'src/main.ts',
    bundleName: 'cli.cjs',
    launchers: [{ name: 'tscompose', preamble: shellPreamble }, { name: 'command-server' }],
  }),
);

if (existsSync(join(root, 'src/engine/main.ts'))) {
  const engine = {
    entry: 'src/engine/main.ts',
    bundleName: 'engine-main.cjs',
    launchers: [{ name: 'engine' }],
  };
  keep.add(await installProgram(engine));
} else {
  console.error('build: there is no src/engine/main.ts; the embedded engine is left out');
}

for (const { entry, name } of chunks) install(name, await bundle(entry));

const worker = 'src/engine/snapshots/layer-worker.ts';
if (existsSync(join(root, worker))) install('layer-worker.cjs', await bundle(worker, importMeta));

for (const name of readdirSync(dist)) {
  const id = /-([0-9a-f]{12})-.*\.cache$/.exec(name);
  if (id !== null && !keep.has(id[1])) rmSync(join(dist, name), { force: true });
}

// Warms V8's code cache with what nearly every command runs: arguments, loading a file, schemas, rendering.
if (!process.argv.includes('--no-code-cache')) {
  const fixture = join(root, 'fixtures/hitos');
  const args = existsSync(fixture) ? ['--project-directory', fixture, 'config'] : ['version'];
  try {
    execFileSync(process.execPath, ['--', join(dist, 'tscompose.cjs'), ...args], {
      cwd: fixture,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
  } catch (error) {
    console.error(`build: the CLI does not run: ${String(error.stderr ?? error).trim()}`);
    process.exitCode = 1;
  }
}
