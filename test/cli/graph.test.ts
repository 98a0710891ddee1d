import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { runCli } from '../support/run-cli.js';
import { folderPerTest } from '../support/test-folder.js';

let folder = '';
folderPerTest((path) => (folder = join(path, 'shop')));
beforeEach(() => {
  mkdirSync(folder);
  const text =
    'services:\n  web: {image: nginx, depends_on: [api]}\n  api: {image: app, depends_on: [db]}\n  db: {image: pg}\n';
  writeFileSync(join(folder, 'compose.yaml'), text);
});

const graph = (...args: string[]) => runCli(['graph', ...args], { cwd: folder });
const names = (json: string) => (JSON.parse(json) as { services: { name: string }[] }).services.map(({ name }) => name);

test('an SVG, unless another format is named', async () => {
  const { exitCode, stdout, stderr } = await graph();
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  expect(stdout).toMatch(/^<svg [^>]*>\n<title id="title">shop<\/title>/);
  expect(stdout).toMatch(/<\/svg>\n$/);
});

test('-o writes a file and nothing else', async () => {
  expect(await graph('--format', 'mermaid', '-o', 'shop.mmd')).toEqual({ exitCode: 0, stdout: '', stderr: '' });
  expect(readFileSync(join(folder, 'shop.mmd'), 'utf8')).toContain('s2 -->|"started"| s0');
});

test('-o into a folder that is not there says so', async () => {
  const { exitCode, stderr } = await graph('-o', 'no-such-folder/shop.svg');
  expect(exitCode).toBe(1);
  expect(stderr).toContain(`cannot write ${join(folder, 'no-such-folder/shop.svg')}: ENOENT`);
  expect(stderr).not.toContain('bug');
});

test('alpha viz prints the graph that docker compose prints', async () => {
  const plain = await runCli(['alpha', 'viz', '--spaces', '--indentation-size', '2'], { cwd: folder });
  expect(plain.stdout).toMatch(/^digraph "shop" \{\n {2}layout=dot;\n/);
  expect(plain.stdout).toContain('\n  "api" [style="filled" label=<<font point-size="15">api</font>>];\n');
  expect(plain.stdout).toMatch(/\n\n(?: {2}"\w+" -> "\w+";\n)+\}\n\n$/);
  const full = await runCli(['alpha', 'viz', '--image', '--networks', '--ports'], { cwd: folder });
  expect(full.stdout).toContain('<br/><br/><b>Networks:</b><br/>default</font>');
  expect(full.stdout).toContain('<b>Image:</b><br/>');
  expect((await runCli(['alpha', 'viz', '--indentation-size', '-1'], { cwd: folder })).exitCode).toBe(1);
});

test('services named on the command line come with what they need, or without', async () => {
  expect(names((await graph('--format=json', 'api')).stdout)).toEqual(['api', 'db']);
  expect(names((await graph('--format=json', '--no-deps', 'api')).stdout)).toEqual(['api']);
});

test('an unknown format or service is refused', async () => {
  expect(await graph('--format', 'png')).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining('--format: "png" is none of svg, dot, mermaid and json') as string,
  });
  expect(await graph('nobody')).toMatchObject({ exitCode: 1, stdout: '' });
});
