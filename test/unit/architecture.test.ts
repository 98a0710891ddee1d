import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const source = fileURLToPath(new URL('../../src', import.meta.url));

/** Room → rooms it may import. A room may always import itself. */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  launcher: ['relay', 'main'],
  main: ['cli', 'relay', 'base'],
  relay: ['base'],
  cli: [
    ...['relay', 'compose', 'graph', 'diagram', 'plan', 'execute', 'watch', 'client', 'remote', 'registry', 'trust'],
    ...['lock', 'api', 'base'],
  ],
  compose: ['base'],
  graph: ['compose', 'base'],
  diagram: ['graph', 'compose', 'base'],
  plan: ['graph', 'compose', 'api', 'base'],
  execute: ['plan', 'graph', 'client', 'compose', 'api', 'base'],
  watch: ['compose', 'base'],
  client: ['api', 'base'],
  remote: ['registry', 'api', 'base'],
  registry: ['api', 'base'],
  trust: ['registry', 'api', 'base'],
  lock: ['compose', 'plan', 'client', 'registry', 'api', 'base'],
  api: ['base'],
  base: [],
  'engine/main': [
    ...['server', 'containers', 'builder', 'images', 'oci', 'networks', 'volumes', 'projects', 'snapshots', 'content'],
    ...['events', 'store', 'sys'],
  ]
    .map((room) => `engine/${room}`)
    .concat('api', 'base'),
  'engine/server': [
    ...[
      'buildkit',
      'containers',
      'builder',
      'images',
      'oci',
      'networks',
      'volumes',
      'projects',
      'snapshots',
      'content',
    ],
    ...['events', 'store', 'sys'],
  ]
    .map((room) => `engine/${room}`)
    .concat('registry', 'api', 'base'),
  'engine/buildkit': below('builder', 'images', 'snapshots', 'sys').concat('registry'),
  'engine/containers': below(
    ...['images', 'oci', 'networks', 'volumes', 'projects', 'snapshots', 'content', 'events', 'store', 'sys'],
  ),
  'engine/builder': below(
    ...['images', 'oci', 'networks', 'volumes', 'snapshots', 'content', 'events', 'store', 'sys'],
  ).concat('registry'),
  'engine/images': below('snapshots', 'content', 'events', 'store', 'sys').concat('registry', 'trust'),
  'engine/oci': below('snapshots', 'content', 'events', 'store', 'sys'),
  'engine/networks': below('snapshots', 'content', 'events', 'store', 'sys'),
  'engine/volumes': below('snapshots', 'content', 'events', 'store', 'sys'),
  'engine/projects': below('store'),
  'engine/snapshots': below('content', 'events', 'store', 'sys'),
  'engine/content': below('store', 'sys'),
  'engine/events': below('store', 'sys'),
  'engine/store': below(),
  'engine/sys': below(),
};

/** Rooms whose files are imported one by one. */
const doorless = new Set(['base', 'api', 'main']);

/** Libraries that live in one place. */
const pinned: Readonly<Record<string, readonly string[]>> = {
  yaml: ['compose', 'trust', 'engine/oci'],
  ajv: ['compose'],
  '@dagrejs/graphlib': ['graph'],
  '@dagrejs/dagre': ['diagram'],
  execa: ['base'],
  listr2: ['cli'],
  commander: ['cli'],
  chokidar: ['watch'],
  koffi: ['engine/sys'],
  'dns-packet': ['engine/networks'],
  '@bufbuild/protobuf': ['api'],
};

function below(...rooms: readonly string[]): readonly string[] {
  return rooms.map((room) => `engine/${room}`).concat('api', 'base');
}

function filesIn(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) return filesIn(path);
    return name.endsWith('.ts') ? [path] : [];
  });
}

function roomOf(file: string): string {
  const [first = '', second = ''] = relative(source, file).split('/');
  const name = (part: string) => part.replace(/\.ts$/, '');
  return first === 'engine' ? `engine/${name(second)}` : name(first);
}

interface Import {
  readonly from: string;
  readonly to: string;
  readonly text: string;
}

function importsOf(file: string): Import[] {
  const text = readFileSync(file, 'utf8');
  const pattern = /(?:\bfrom\s*|\bimport\s*\(\s*|^\s*import\s+)['"]([^'"]+)['"]/gm;
  return [...text.matchAll(pattern)].map((match) => ({ from: file, to: match[1] ?? '', text: match[0] }));
}

const targetOf = ({ from, to }: Import) => resolve(dirname(from), to.replace(/\.js$/, '.ts'));
const imports = filesIn(source).flatMap(importsOf);
/** Folders of data beside `src`, and who may read each of them into the program. */
const data: Readonly<Record<string, readonly string[]>> = { runtime: ['engine/oci'], schemas: ['compose'] };
const isData = (one: Import) => relative(source, targetOf(one)).startsWith('../');
const inner = imports.filter((one) => one.to.startsWith('.') && !isData(one));
const show = (one: Import) => `${relative(source, one.from)} imports ${one.to}`;

describe('the picture of the rooms holds', () => {
  test('there is something to check', () => {
    expect(inner.length).toBeGreaterThan(50);
  });

  test('every room is in the table', () => {
    const unknown = new Set(
      filesIn(source)
        .map(roomOf)
        .filter((room) => !(room in mayImport)),
    );
    expect([...unknown]).toEqual([]);
  });

  test('imports point one way', () => {
    const wrong = inner.filter((one) => {
      const [from, to] = [roomOf(one.from), roomOf(targetOf(one))];
      return from !== to && !(mayImport[from] ?? []).includes(to);
    });
    expect(wrong.map(show)).toEqual([]);
  });

  test('outsiders come in by the door', () => {
    const wrong = inner.filter((one) => {
      const [from, to] = [roomOf(one.from), roomOf(targetOf(one))];
      return from !== to && !doorless.has(to) && !targetOf(one).endsWith('/index.ts');
    });
    expect(wrong.map(show)).toEqual([]);
  });

  test('no file imports itself by way of others, be it for a type; those that are loaded late may', () => {
    let left = inner.filter(({ text }) => !/^import\s*\(/.test(text));
    for (let before = -1; before !== left.length;) {
      before = left.length;
      const importers = new Set(left.map(({ from }) => from));
      left = left.filter((one) => importers.has(targetOf(one)));
      const imported = new Set(left.map(targetOf));
      left = left.filter(({ from }) => imported.has(from));
    }
    expect(left.map(show)).toEqual([]);
  });

  test('what runs for another process takes its environment, folder and streams from the caller', () => {
    const own = /\bprocess\.(?:env|cwd|chdir|stdin|stdout|stderr)\b|\b(?:homedir|tmpdir)\(/;
    const reads = filesIn(source).filter((file) => own.test(readFileSync(file, 'utf8')));
    const entries = new Set(['launcher', 'main', 'relay']);
    const wrong = reads.filter((file) => !entries.has(roomOf(file)) && !roomOf(file).startsWith('engine/'));
    expect(reads).not.toEqual([]);
    expect(wrong.map((file) => relative(source, file))).toEqual([]);
  });

  test('data beside the source is read by its owner only', () => {
    const wrong = imports.filter((one) => {
      const folder = relative(source, targetOf(one)).split('/')[1] ?? '';
      return one.to.startsWith('.') && isData(one) && !(data[folder] ?? []).includes(roomOf(one.from));
    });
    expect(wrong.map(show)).toEqual([]);
  });

  test('each library lives in one place', () => {
    const wrong = imports.filter((one) => {
      const [library] = Object.keys(pinned).filter((name) => one.to === name || one.to.startsWith(`${name}/`));
      return library !== undefined && !(pinned[library] ?? []).includes(roomOf(one.from));
    });
    expect(wrong.map(show)).toEqual([]);
  });
});
