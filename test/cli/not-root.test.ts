import { execFile } from 'node:child_process';
import { expect, test } from 'vitest';
import { cliPath } from '../support/run-cli.js';

/** Runs the CLI as nobody; as ourselves where we are no root to begin with. */
function runAsNobody(args: readonly string[]): Promise<{ exitCode: unknown; stdout: string; stderr: string }> {
  const demote = process.getuid?.() === 0 ? ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'] : ['env'];
  const [program = '', ...before] = demote;
  const env = {
    PATH: process.env['PATH'],
    HOME: '/nonexistent',
    TSCOMPOSE_RUNTIME_DIR: '/nonexistent/run',
    TSCOMPOSE_DATA_ROOT: '/nonexistent/data',
  };
  return new Promise((resolve) => {
    execFile(program, [...before, cliPath, ...args], { env, cwd: '/' }, (error, stdout, stderr) => {
      resolve({ exitCode: error === null ? 0 : error.code, stdout, stderr });
    });
  });
}

test('without root the engine is refused with a way out', async () => {
  expect(await runAsNobody(['ls'])).toEqual({
    exitCode: 1,
    stdout: '',
    stderr:
      'the embedded engine needs root, and this is not root\n' +
      '  hint: run the command with sudo, or name an engine you may use with DOCKER_HOST or --context   [cli/not-root]\n',
  });
});

test('doctor says so too, and exits with 1', async () => {
  const { exitCode, stdout } = await runAsNobody(['doctor', '--format', 'json']);
  const report = JSON.parse(stdout) as { ok: boolean; checks: { name: string; status: string; mend?: string }[] };
  expect({ exitCode, ok: report.ok }).toEqual({ exitCode: 1, ok: false });
  const permissions = report.checks.find(({ name }) => name === 'permissions');
  expect(permissions).toMatchObject({ status: 'missing', mend: expect.stringContaining('sudo') as string });
  for (const { name, status, mend } of report.checks) {
    if (status !== 'ok') expect(mend, `${name} says how to mend it`).toMatch(/\w/);
  }
});

test('what needs no engine works', async () => {
  expect(await runAsNobody(['engine', 'status', '--format', 'json'])).toMatchObject({ exitCode: 0 });
});
