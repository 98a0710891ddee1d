import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cliPath, runCli, startCli } from '../support/run-cli.js';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tscompose-usage-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});
const run = (...args: string[]) => runCli(args, { cwd: folder });
const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

describe('version', () => {
  test.each([
    [['version'], `tscompose version v${version}\n`],
    [['--version'], `tscompose version v${version}\n`],
    [['-v'], `tscompose version v${version}\n`],
    [['version', '--short'], `${version}\n`],
    [['version', '-f', 'json'], `{"version":"v${version}"}\n`],
  ])('%j', async (args, stdout) => {
    expect(await run(...args)).toEqual({ exitCode: 0, stdout, stderr: '' });
  });
});

describe('help goes to standard output with exit code 0', () => {
  test.each([
    [[]],
    [['--help']],
    [['-h']],
    [['help']],
    [['up', '--help']],
    [['help', 'up']],
    [['engine']],
    [['engine', '--help']],
    [['engine', 'stop', '-h']],
    [['help', 'engine', 'stop']],
    [['-p', 'x', 'up', '-h']],
  ])('%j', async (args) => {
    const { exitCode, stdout, stderr } = await run(...args);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toMatch(/^Usage: tscompose /);
  });

  test('every command has help with a usage line and a summary', async () => {
    const { stdout } = await run('--help');
    const names = [...(stdout.split('\nCommands:\n')[1] ?? '').matchAll(/^ {2}(\w+)/gm)].map((match) => match[1] ?? '');
    expect(names.length).toBeGreaterThan(15);
    for (const name of names.filter((one) => one !== 'help')) {
      const help = await run(name, '--help');
      expect(help.stdout, name).toMatch(new RegExp(`^Usage: tscompose ${name} .*\n\n\\S`));
    }
  }, 120_000); // a process for each
});

describe('what cannot be understood is exit code 1, said on standard error', () => {
  test.each([
    [['upp'], 'unknown command: "tscompose upp"\n  hint: did you mean "up"?   [usage/invalid]\n'],
    [['engine', 'stpo'], 'unknown command: "tscompose engine stpo"\n  hint: did you mean "stop"?   [usage/invalid]\n'],
    [
      ['--porject-name', 'x', 'ps'],
      'tscompose: unknown option "--porject-name"\n  hint: did you mean --project-name?   [usage/invalid]\n',
    ],
    [['up', '--detahc'], 'tscompose up: unknown option "--detahc"\n  hint: did you mean --detach?   [usage/invalid]\n'],
    [['up', '-t', 'x'], '--timeout: "x" is not a whole number\n  [usage/invalid]\n'],
    [
      ['exec'],
      'tscompose exec: missing required argument "SERVICE"\n  hint: see tscompose exec --help   [usage/invalid]\n',
    ],
    [
      ['version', 'more'],
      'tscompose version: too many arguments. Expected 0 arguments but got 1.\n  hint: see tscompose version --help   [usage/invalid]\n',
    ],
    [['--ansi', 'perhaps', 'ps'], '--ansi: "perhaps" is none of never, always and auto\n  [usage/invalid]\n'],
    [['--progress', 'x', 'ps'], '--progress: "x" is none of auto, tty, plain, json and quiet\n  [usage/invalid]\n'],
    [['up', '--build', '--no-build'], '--build and --no-build exclude each other\n  [usage/invalid]\n'],
    [
      ['up', '--force-recreate', '--no-recreate'],
      '--force-recreate and --no-recreate exclude each other\n  [usage/invalid]\n',
    ],
    [
      ['up', '--wait', '--abort-on-container-exit'],
      '--wait and what watches containers (--attach, --abort-on-container-exit, --exit-code-from, --watch) exclude each other\n  [usage/invalid]\n',
    ],
  ])('%j', async (args, stderr) => {
    expect(await run(...args)).toEqual({ exitCode: 1, stdout: '', stderr });
  });

  test('as JSON with the code, for programs', async () => {
    const { stderr, exitCode } = await run('--error-format', 'json', 'upp');
    expect(exitCode).toBe(1);
    expect(JSON.parse(stderr)).toEqual({
      error: true,
      code: 'usage/invalid',
      message: 'unknown command: "tscompose upp"',
      hint: 'did you mean "up"?',
      facts: { argument: 'upp' },
    });
  });

  test("as docker compose's JSON with --progress json", async () => {
    expect(JSON.parse((await run('--progress', 'json', 'upp')).stderr)).toEqual({
      error: true,
      message: 'unknown command: "tscompose upp"',
    });
  });
});

describe('the way the program starts', () => {
  test("--env-file is ours and not Node's, wherever it stands", async () => {
    writeFileSync(join(folder, 'compose.yaml'), 'services: {web: {image: busybox}}\n');
    const before = await run('--env-file', 'missing.env', 'config', '-q');
    expect(before).toMatchObject({ exitCode: 1, stdout: '' });
    expect(before.stderr).toContain(join(folder, 'missing.env'));
    expect(before.stderr).toContain('[compose/env-file-missing]');
    writeFileSync(join(folder, 'some.env'), 'NODE_OPTIONS=--nonsense\nIMAGE=from-env-file\n');
    writeFileSync(join(folder, 'other.yaml'), 'services: {web: {image: "${IMAGE}"}}\n');
    const { stdout } = await run('--env-file', 'some.env', '-f', 'other.yaml', 'config', '--images');
    expect(stdout).toBe('from-env-file\n');
  });

  test('a link to it works from anywhere', () => {
    const link = join(folder, 'compose');
    symlinkSync(cliPath, link);
    expect(execFileSync(link, ['version', '--short'], { cwd: '/', encoding: 'utf8' })).toBe(`${version}\n`);
  });

  test('arguments reach it as they are', async () => {
    const { stderr } = await run('', '--', '$(x) "y"');
    expect(stderr).toContain('unknown command: "tscompose "');
  });

  test('a certificate file that Node cannot read does no harm', async () => {
    const { stdout, stderr } = await runCli(['version', '--short'], {
      cwd: folder,
      env: { NODE_EXTRA_CA_CERTS: '/nonexistent/ca.pem' },
    });
    expect({ stdout, stderr }).toEqual({ stdout: `${version}\n`, stderr: '' });
  });

  test('a reader that goes away ends it without a word', async () => {
    const child = startCli(['--help'], { cwd: folder });
    child.stdout?.destroy();
    let stderr = '';
    child.stderr?.setEncoding('utf8').on('data', (piece: string) => (stderr += piece));
    await new Promise((resolve) => child.once('close', resolve));
    expect(stderr).toBe('');
  });
});

test.each([
  ['ignored from the start', 'trap "" HUP', 10, { code: 0, stdout: 'a\n' }],
  ['not ignored', ':', Infinity, { code: 130, stdout: '' }],
])('a hang-up that is %s', async (_name, before, times, expected) => {
  const script = `${before}; exec "$0" -f - config --services`;
  const env = { ...process.env, TSCOMPOSE_COMMAND_SERVER: '0' };
  const child = spawn('sh', ['-c', script, cliPath], { env, stdio: 'pipe' });
  let stdout = '';
  child.stdout.on('data', (text: Buffer) => (stdout += text.toString()));
  const ended = once(child, 'close');
  await expect.poll(() => catchesHangUp(child.pid)).toBe(true);
  // The second one that counts ends it, whatever it does.
  for (let count = 0; count < times && child.exitCode === null; count++) {
    child.kill('SIGHUP');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  child.stdin.on('error', () => undefined).end('services: {a: {image: x}}\n');
  const [code] = (await ended) as [number | null];
  expect({ code, stdout }).toEqual(expected);
});

/** It is Node by now, and has its handlers. */
function catchesHangUp(pid: number | undefined): boolean {
  const status = readFileSync(`/proc/${pid ?? 0}/status`, 'utf8');
  return /^Name:\s+(?!sh|dash)/m.test(status) && /^SigCgt:\s+[0-9a-f]*[13579bdf]$/m.test(status);
}
