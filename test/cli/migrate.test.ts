import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { runCli } from '../support/run-cli.js';
import { folderPerTest } from '../support/test-folder.js';

const first = 'web:\n  image: nginx\n  log_driver: none\n';
const today = 'services:\n  web:\n    image: nginx\n    logging:\n      driver: none\n';

let folder = '';
folderPerTest((path) => (folder = path));
beforeEach(() => {
  writeFileSync(join(folder, 'docker-compose.yml'), first, { mode: 0o640 });
});

const run = (...args: string[]) => runCli(args, { cwd: folder });
const read = (name: string) => readFileSync(join(folder, name), 'utf8');

test('other commands refuse a file of the first format and name migrate', async () => {
  const { exitCode, stderr } = await run('config');
  expect(exitCode).not.toBe(0);
  expect(stderr).toMatchInlineSnapshot(`
    "docker-compose.yml:1:1: this file is in the first Compose format, with services at the top level
        1 | web:
          | ^^^
      hint: "tscompose migrate" writes it in today's format   [compose/v1-file]
    "
  `);
});

test('the new text goes to standard output, what was changed to standard error', async () => {
  const { exitCode, stdout, stderr } = await run('migrate');
  expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: today });
  expect(stderr).toMatchInlineSnapshot(`
    "docker-compose.yml (format 1):
      docker-compose.yml:1:1: top level → services: services stand under a key of their own since format 2; they share the network of the project now
      docker-compose.yml:3:3: web.log_driver → logging.driver: logging is a section since format 2
    "
  `);
  expect(readdirSync(folder)).toEqual(['docker-compose.yml']);
});

test('standard input works too', async () => {
  expect(await runCli(['migrate', '-'], { cwd: folder, input: first })).toMatchObject({ exitCode: 0, stdout: today });
});

test('--write replaces the file, keeps its mode and every earlier state', async () => {
  expect((await run('migrate', '-w')).stdout).toBe('');
  expect(read('docker-compose.yml')).toBe(today);
  expect(statSync(join(folder, 'docker-compose.yml')).mode & 0o777).toBe(0o640);
  expect(read('docker-compose.yml.bak')).toBe(first);
  expect(await run('config', '-q')).toEqual({ exitCode: 0, stdout: '', stderr: '' });

  expect((await run('migrate', '-w')).stderr).toBe('docker-compose.yml: nothing to change\n');
  expect(readdirSync(folder)).toHaveLength(2);
  writeFileSync(join(folder, 'docker-compose.yml'), first);
  await run('migrate', '-w');
  expect(read('docker-compose.yml.bak')).toBe(first);
  expect(read('docker-compose.yml.bak2')).toBe(first);
});

test('-o writes elsewhere', async () => {
  expect((await run('migrate', '-o', 'compose.yaml')).exitCode).toBe(0);
  expect([read('compose.yaml'), read('docker-compose.yml')]).toEqual([today, first]);
});

test('several files go only to themselves', async () => {
  writeFileSync(join(folder, 'more.yml'), 'version: "3"\nservices: {web: {tty: true}}\n');
  const both = ['-f', 'docker-compose.yml', '-f', 'more.yml', 'migrate'];
  expect(await run(...both)).toMatchObject({ exitCode: 1, stdout: '' });
  expect((await run(...both, '-w')).exitCode).toBe(0);
  expect([read('docker-compose.yml'), read('more.yml')]).toEqual([today, 'services: {web: {tty: true}}\n']);
});

test('what today refuses all the same is told, and the exit code says so', async () => {
  writeFileSync(join(folder, 'docker-compose.yml'), 'version: "3"\nservices:\n  web: {image: x, nett: host}\n');
  const { exitCode, stderr } = await run('migrate');
  expect(exitCode).toBe(1);
  expect(stderr).toContain('docker-compose.yml:2:19: unknown key "nett" in services.web');
});

test('a dry run says what would be written, and writes nothing', async () => {
  for (const flags of [['--write'], ['--output', 'new.yml']]) {
    const { exitCode, stdout, stderr } = await run('--dry-run', 'migrate', ...flags);
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: '' });
    expect(stderr).toMatch(/^(docker-compose|new)\.yml: would be written$/m);
  }
  expect(readdirSync(folder)).toEqual(['docker-compose.yml']);
  expect(read('docker-compose.yml')).toBe(first);
});
