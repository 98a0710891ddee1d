import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { runCli } from '../support/run-cli.js';
import { folderPerTest } from '../support/test-folder.js';

let folder = '';
folderPerTest((path) => (folder = join(path, 'shop')));
beforeEach(() => {
  mkdirSync(folder);
});

function files(contents: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(contents)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
}
const config = (...args: string[]) => runCli(['config', ...args], { cwd: folder });
const project = `
services:
  web:
    image: nginx:\${TAG:-1}
    ports: ["8080:80"]
    depends_on: [db]
    environment: {PRICE: 5$$}
  db:
    image: postgres
    volumes: [data:/var/lib/postgresql]
  debug:
    image: busybox
    profiles: [tools]
volumes: {data: {}}
`;

test('the whole project as YAML', async () => {
  files({ 'compose.yaml': project, '.env': 'TAG=2\n' });
  expect(await config()).toEqual({
    exitCode: 0,
    stderr: '',
    stdout: `name: shop
services:
  db:
    image: postgres
    networks:
      default: null
    volumes:
      - type: volume
        source: data
        target: /var/lib/postgresql
        volume: {}
  web:
    depends_on:
      db:
        condition: service_started
        required: true
    environment:
      PRICE: 5$$
    image: nginx:2
    networks:
      default: null
    ports:
      - mode: ingress
        target: 80
        published: "8080"
        protocol: tcp
networks:
  default:
    name: shop_default
volumes:
  data:
    name: shop_data
`,
  });
});

test('JSON has the same data', async () => {
  files({ 'compose.yaml': project });
  const { stdout } = await config('--format', 'json');
  expect(JSON.parse(stdout)).toMatchObject({
    name: 'shop',
    services: { web: { image: 'nginx:1', ports: [{ target: 80, published: '8080' }], command: null } },
  });
});

describe('parts of it', () => {
  test.each([
    [['--services'], 'db\nweb\n'],
    [['--volumes'], 'data\n'],
    [['--networks'], 'default\n'],
    [['--images'], 'postgres\nnginx:1\n'],
    [['--profiles'], 'tools\n'],
    [['-q'], ''],
  ])('%j', async (args, stdout) => {
    files({ 'compose.yaml': project });
    expect(await config(...args)).toEqual({ exitCode: 0, stdout, stderr: '' });
  });

  test('hashes are one line a service', async () => {
    files({ 'compose.yaml': project });
    const { stdout } = await config('--hash', '*');
    expect(stdout).toMatch(/^db [0-9a-f]{64}\nweb [0-9a-f]{64}\n$/);
    expect((await config('--hash', 'web')).stdout).toBe(stdout.split('\n').slice(1).join('\n'));
  });

  test('named services bring what they need', async () => {
    files({ 'compose.yaml': project });
    expect((await config('web', '--services')).stdout).toBe('db\nweb\n');
    expect((await config('db', '--services')).stdout).toBe('db\n');
    expect((await config('debug', '--services')).stdout).toBe('debug\n');
  });

  test('--output writes a file', async () => {
    files({ 'compose.yaml': project });
    expect(await config('-o', 'out.yaml')).toEqual({ exitCode: 0, stdout: '', stderr: '' });
    expect(readFileSync(join(folder, 'out.yaml'), 'utf8')).toContain('name: shop\n');
  });
});

describe('where the project comes from', () => {
  test('standard input', async () => {
    const { stdout } = await runCli(['-f', '-', 'config', '--images'], {
      cwd: folder,
      input: 'services: {a: {image: b}}',
    });
    expect(stdout).toBe('b\n');
  });

  test('a folder above', async () => {
    files({ 'compose.yaml': project, 'deep/er/x': '' });
    const { stdout } = await runCli(['config', '--services'], { cwd: join(folder, 'deep/er') });
    expect(stdout).toBe('db\nweb\n');
  });

  test.each(['config', 'images'])('nowhere: %s', async (command) => {
    const { exitCode, stderr } = await runCli([command], { cwd: folder });
    expect({ exitCode, stderr }).toEqual({
      exitCode: 1,
      stderr:
        'no configuration file provided: not found\n' +
        '  hint: name a file with -f, or go to a folder with a compose.yaml   [compose/no-file]\n',
    });
  });

  test('several files, the last one winning', async () => {
    files({ 'compose.yaml': project, 'more.yaml': 'services: {web: {image: httpd}}' });
    const { stdout } = await runCli(['-f', 'compose.yaml', '-f', 'more.yaml', 'config', '--images'], { cwd: folder });
    expect(stdout).toBe('postgres\nhttpd\n');
  });
});

describe('mistakes are shown where they stand', () => {
  test('with the line and what was meant', async () => {
    files({
      'compose.yaml': 'services:\n  web:\n    image: a\n    depends_on: [databse]\n  database:\n    image: b\n',
    });
    const { exitCode, stdout, stderr } = await config('-q');
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
    expect(stderr).toMatch(/^compose\.yaml:4:18: .*databse/);
    expect(stderr).toContain('    4 |     depends_on: [databse]\n      |                  ^^^^^^^\n');
    expect(stderr).toContain('database');
  });

  test('all of them at once, then their number', async () => {
    files({ 'compose.yaml': 'services:\n  web:\n    imagee: a\n    prots: []\n' });
    const { stderr } = await config('-q');
    expect(stderr).toMatch(/^compose\.yaml:3:5: /m);
    expect(stderr).toMatch(/^compose\.yaml:4:5: /m);
    expect(stderr).toMatch(/\n\d+ problems\n$/);
  });

  test('as one JSON object each', async () => {
    files({ 'compose.yaml': 'services:\n  web:\n    imagee: a\n    prots: []\n' });
    const { stderr } = await runCli(['--error-format', 'json', 'config', '-q'], { cwd: folder });
    const problems = stderr
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown);
    expect(problems).toContainEqual(
      expect.objectContaining({ error: true, file: join(folder, 'compose.yaml'), line: 4, column: 5 }),
    );
  });
});

test('convert is another name of config', async () => {
  files({ 'compose.yaml': project });
  const [one, other] = await Promise.all([
    config('--format', 'json'),
    runCli(['convert', '--format=json'], { cwd: folder }),
  ]);
  expect(other).toEqual(one);
});

test('--strict-version refuses keys the stated version never had', async () => {
  files({ 'compose.yaml': 'version: "3.2"\nservices:\n  web:\n    image: nginx\n    init: true\n    mem_limit: 1g\n' });
  expect((await config('-q')).exitCode).toBe(0);
  const { exitCode, stderr } = await config('-q', '--strict-version');
  expect(exitCode).not.toBe(0);
  expect(stderr).toContain('compose.yaml:5:5: unknown key "init" in services.web');
  expect(stderr).toContain('compose.yaml:6:5: unknown key "mem_limit" in services.web');
  expect(stderr).toContain('version 3.2 of the format has no such key');
});

test('--error-format json: every problem and every warning is an object with its place', async () => {
  files({ 'compose.yaml': 'version: "3"\nservices:\n  web: {image: nginx, prots: [], tty: [1]}\n' });
  const { exitCode, stderr } = await runCli(['--error-format', 'json', 'config'], { cwd: folder });
  expect(exitCode).not.toBe(0);
  const objects = stderr
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  const place = { file: join(folder, 'compose.yaml'), line: 3, source: '  web: {image: nginx, prots: [], tty: [1]}' };
  expect(objects).toEqual([
    expect.objectContaining({ warning: true, line: 1, column: 1, endColumn: 8 }),
    expect.objectContaining({
      ...place,
      error: true,
      code: 'compose/unknown-key',
      column: 23,
      endColumn: 28,
      hint: 'did you mean "ports"?',
    }),
    expect.objectContaining({ ...place, error: true, code: 'compose/wrong-type', column: 39 }),
  ]);
});

test('a file that is there but cannot be read is not called missing', async () => {
  files({ 'compose.yaml': project });
  symlinkSync('circle.yaml', join(folder, 'circle.yaml'));
  for (const [file, why] of [
    ['circle.yaml', 'its symbolic links go round in a circle'],
    ['compose.yaml/inner.yaml', 'a part of its path is not a directory'],
    ['absent.yaml', 'no such file'],
  ] as const) {
    const named = await runCli(['config'], { cwd: folder, env: { COMPOSE_FILE: file } });
    const given = await runCli(['-f', file, 'config'], { cwd: folder });
    for (const { stderr } of [named, given]) expect(stderr).toContain(`cannot read ${join(folder, file)}: ${why}`);
  }
});
