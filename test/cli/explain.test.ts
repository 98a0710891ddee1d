import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runCli } from '../support/run-cli.js';

let folder = '';
beforeAll(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'tscompose-explain-')));
  const compose = `name: shop
services:
  web:
    image: nginx:\${TAG:-latest}
    environment: {API_KEY: "\${API_KEY}", MODE: live}
`;
  writeFileSync(join(folder, 'compose.yaml'), compose);
  mkdirSync(join(folder, 'clean'));
  writeFileSync(join(folder, '.env'), 'TAG=1\nAPI_KEY=correct-horse\nOLD=1\n');
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});
const explain = (...args: string[]) => runCli(['explain', ...args], { cwd: folder });

test('one value, step by step', async () => {
  expect(await explain('services.web.image')).toEqual({
    exitCode: 0,
    stderr: '',
    stdout: `services.web.image = nginx:1
  compose.yaml:4:12
    nginx:\${TAG:-latest}
    \${TAG:-latest}
      shell     not set
      .env:1:1  1       <- this one
      default   latest  not needed
    gives nginx:1
`,
  });
});

test('a mapping, one line a value', async () => {
  const { stdout } = await explain('services.web.environment');
  expect(stdout).toBe(
    'services.web.environment.API_KEY = ********  compose.yaml:5:28, API_KEY from .env:2:1\n' +
      'services.web.environment.MODE = live  compose.yaml:5:48\n',
  );
});

test('a secret shows nowhere, in neither format, until it is asked for', async () => {
  for (const args of [['--format', 'json'], [], ['services.web.environment.API_KEY'], ['--variables', '--lint']]) {
    expect((await explain(...args)).stdout).not.toContain('correct-horse');
  }
  expect((await explain('--variables', '--format', 'json')).stdout).not.toContain('correct-horse');
  expect((await explain('--show-secrets', 'services.web.environment.API_KEY')).stdout).toContain('correct-horse');
});

test('JSON for programs', async () => {
  const { stdout } = await explain('services.web.environment.MODE', '--format', 'json');
  expect(JSON.parse(stdout)).toEqual({
    explanations: [
      {
        path: 'services.web.environment.MODE',
        value: 'live',
        steps: [
          {
            kind: 'literal',
            source: 'yaml',
            at: { file: join(folder, 'compose.yaml'), line: 5, column: 48, length: 4 },
            written: 'live',
            via: [],
          },
        ],
      },
    ],
  });
});

test('a path that does not exist fails with a hint', async () => {
  const { exitCode, stderr } = await explain('services.web.imgae');
  expect(exitCode).toBe(1);
  expect(stderr).toBe(
    'the project has no services.web.imgae\n  hint: did you mean "image" in services.web?   [compose/no-such-path]\n',
  );
});

test('--lint exits with 1 when there is something to say, with 0 when there is not', async () => {
  const found = await explain('--lint');
  expect(found.stdout).toContain('.env:3:1: warning: nothing uses OLD  [unused-env-key]');
  expect(found.exitCode).toBe(1);
  const clean = await runCli(['-f', '-', 'explain', '--lint'], {
    cwd: join(folder, 'clean'),
    input: 'services: {a: {image: b}}\n',
  });
  expect(clean).toEqual({ exitCode: 0, stdout: '', stderr: '' });
});
