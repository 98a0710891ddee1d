import { join, relative } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { flatten } from '../../../src/base/diagnostic.js';
import { TscomposeError } from '../../../src/base/errors.js';
import { loadProject, type LoadOptions, type Project, type RemoteProjects } from '../../../src/compose/index.js';
import { folderPerTest, writeFiles } from '../../support/test-folder.js';

let folder = '';
let fetched: string[] = [];
folderPerTest((path) => (folder = path));
beforeEach(() => {
  fetched = [];
});

const write = (files: Readonly<Record<string, string>>): void => {
  writeFiles(folder, files);
};

/** `far://NAME` is the folder NAME of the cache, `far://NAME/FILE` a file in it. */
const remotes: RemoteProjects = {
  accepts: (reference) => reference.startsWith('far://'),
  fetch: (reference) => {
    fetched.push(reference);
    const [, name = '', file = 'compose.yaml'] = /^far:\/\/([^/]*)(?:\/(.*))?$/.exec(reference) ?? [];
    if (name === 'gone') {
      const message = `cannot fetch ${reference}: nobody there`;
      return Promise.reject(
        new TscomposeError({ code: 'compose/file-unreadable', message, facts: { file: reference } }),
      );
    }
    const root = join(folder, 'cache', name);
    return Promise.resolve({
      files: [join(root, file)],
      root,
      nameOf: (path) => `far://${name}/${relative(root, path)}`,
    });
  },
};

async function load(options: Partial<LoadOptions> = {}): Promise<Project> {
  return await loadProject({ cwd: join(folder, 'here'), environment: {}, remotes, ...options });
}

async function failures(options: Partial<LoadOptions> = {}): Promise<readonly string[]> {
  const error: unknown = await load(options).catch((failure: unknown) => failure);
  if (!(error instanceof TscomposeError)) throw new Error('it loads', { cause: error });
  return flatten(error as TscomposeError).map(
    ({ message, at }) => `${at === undefined ? '' : `${at.file}:${at.line}: `}${message}`,
  );
}

const web = 'services:\n  web:\n    image: ${IMAGE:-none}\n    volumes: [./data:/data]\n';

describe('a project from elsewhere', () => {
  test('has its paths below its own folder, its name and variables from where the command runs', async () => {
    write({ 'cache/app/compose.yaml': web, 'cache/app/.env': 'IMAGE=theirs', 'here/.env': 'IMAGE=ours' });
    const project = await load({ files: ['far://app'] });
    expect(project.name).toBe('here');
    expect(project.workingDir).toBe(join(folder, 'cache/app'));
    expect(project.remotes).toEqual(['far://app']);
    expect(project.model.services['web']).toMatchObject({
      image: 'ours',
      volumes: [{ source: join(folder, 'cache/app/data') }],
    });
  });

  test('obeys --project-directory', async () => {
    write({ 'cache/app/compose.yaml': web, 'here/x': '' });
    const project = await load({ files: ['far://app'], projectDirectory: '../there' });
    expect(project.model.services['web']?.volumes).toMatchObject([{ source: join(folder, 'there/data') }]);
    expect(project.name).toBe('there');
  });

  test('lies over a local one, whose folder then counts', async () => {
    write({ 'cache/app/compose.yaml': web, 'here/compose.yaml': 'services: {web: {image: x}}' });
    const project = await load({ files: ['compose.yaml', 'far://app'], environment: { IMAGE: 'far' } });
    expect(project.model.services['web']).toMatchObject({
      image: 'far',
      volumes: [{ source: join(folder, 'here/data') }],
    });
  });

  test('is named by COMPOSE_FILE, alone or with another separator', async () => {
    write({ 'cache/app/compose.yaml': web, 'here/over.yaml': 'services: {web: {command: over}}' });
    expect((await load({ environment: { COMPOSE_FILE: 'far://app' } })).composeFiles).toHaveLength(1);
    const both = { COMPOSE_FILE: 'far://app,over.yaml', COMPOSE_PATH_SEPARATOR: ',' };
    expect((await load({ environment: both })).model.services['web']?.command).toEqual(['over']);
  });

  test('is a local file to a loader that fetches nothing', async () => {
    await expect(load({ files: ['far://app'], remotes: undefined })).rejects.toMatchObject({
      code: 'compose/file-unreadable',
    });
  });
});

describe('what a file takes from elsewhere', () => {
  test('include has its own variables and paths', async () => {
    write({
      'here/compose.yaml': 'include:\n  - far://app\nservices: {x: {image: x}}',
      'cache/app/compose.yaml': `include: [./sub/more.yaml]\n${web}`,
      'cache/app/sub/more.yaml': 'services: {more: {image: m, volumes: ["./m:/m"]}}',
      'cache/app/.env': 'IMAGE=theirs',
    });
    const { services } = (await load()).model;
    expect(services['web']).toMatchObject({ image: 'theirs', volumes: [{ source: join(folder, 'cache/app/data') }] });
    expect(services['more']).toMatchObject({ volumes: [{ source: join(folder, 'cache/app/sub/m') }] });
  });

  test('the long form lays local files over remote ones', async () => {
    write({
      'here/compose.yaml': 'include:\n  - path: [far://app, ./over.yaml]\n    project_directory: ./dir',
      'here/over.yaml': 'services: {web: {image: over}}',
      'cache/app/compose.yaml': web,
    });
    expect((await load()).model.services['web']).toMatchObject({
      image: 'over',
      volumes: [{ source: join(folder, 'here/dir/data') }],
    });
  });

  test('extends has its paths below the root of the repository', async () => {
    write({
      'here/compose.yaml': 'services: {x: {extends: {file: "far://app/deep/base.yaml", service: web}}}',
      'cache/app/deep/base.yaml': web,
    });
    expect((await load()).model.services['x']?.volumes).toMatchObject([{ source: join(folder, 'cache/app/data') }]);
  });

  test('each is fetched once, however often and deep it is named', async () => {
    write({
      'here/compose.yaml': 'include: [far://one, far://two]\nservices: {x: {image: x}}',
      'cache/one/compose.yaml': 'include: [far://three]\nservices: {one: {image: x}}',
      'cache/two/compose.yaml': 'include: [far://three]\nservices: {two: {image: x}}',
      'cache/three/compose.yaml': 'services: {three: {image: x}}',
    });
    expect(Object.keys((await load()).model.services)).toEqual(['one', 'three', 'two', 'x']);
    expect(fetched.toSorted()).toEqual(['far://one', 'far://three', 'far://two']);
  });

  test('a cycle through elsewhere is one', async () => {
    write({
      'here/compose.yaml': 'include: [far://one]',
      'cache/one/compose.yaml': 'include: [far://two]',
      'cache/two/compose.yaml': 'include: [far://one]',
    });
    expect(await failures()).toEqual([
      'far://two/compose.yaml:1: include cycle detected: far://one/compose.yaml includes far://two/compose.yaml includes far://one/compose.yaml',
    ]);
  });
});

describe('what is wrong is said once, by the reference', () => {
  test('in a remote file and in its env file', async () => {
    write({
      'here/compose.yaml': 'include: [far://app]',
      'cache/app/compose.yaml':
        'services:\n  web:\n    image: x\n    env_file: [bad.env, gone.env]\n  db:\n    imag: x\n',
      'cache/app/bad.env': 'A=1\nB C=2\n',
    });
    expect((await failures()).toSorted()).toEqual([
      'far://app/bad.env:2: cannot read env file: key cannot contain a space',
      'far://app/compose.yaml:4: env file far://app/gone.env not found',
      'far://app/compose.yaml:6: unknown key "imag" in services.db',
    ]);
  });

  test('at the place that names what cannot be fetched', async () => {
    write({
      'here/compose.yaml': 'include:\n  - far://gone\nservices:\n  x:\n    extends: {file: far://gone/b, service: y}\n',
    });
    expect(await failures()).toEqual([
      `${join(folder, 'here/compose.yaml')}:2: cannot fetch far://gone: nobody there`,
      `${join(folder, 'here/compose.yaml')}:5: cannot fetch far://gone/b: nobody there`,
    ]);
  });

  test('warnings of loads that did not count are not heard', async () => {
    write({
      'here/compose.yaml': 'include: [far://app]\nservices: {x: {image: "x$UNSET"}}',
      'cache/app/compose.yaml': 'services: {web: {image: "x$OTHER"}}',
    });
    const warnings: string[] = [];
    await load({ onWarning: ({ message }) => warnings.push(message) });
    expect(warnings.map((text) => /"(\w+)"/.exec(text)?.[1]).toSorted()).toEqual(['OTHER', 'UNSET']);
  });

  test('standard input is read once', async () => {
    write({ 'cache/app/compose.yaml': web, 'here/x': '' });
    let reads = 0;
    const stdin = (): Promise<string> => Promise.resolve((reads += 1) === 1 ? 'include: [far://app]' : '');
    expect(Object.keys((await load({ files: ['-'], stdin })).model.services)).toEqual(['web']);
  });
});
