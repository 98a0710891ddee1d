import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { cliPath } from '../support/run-cli.js';

const cwd = mkdtempSync(join(tmpdir(), 'tsc-long-'));

afterAll(() => {
  rmSync(cwd, { recursive: true });
});

test('a slow reader at the other end of a pipe gets all of a long output', () => {
  const services = Array.from({ length: 2_000 }, (_, index) => `  s${index}: {image: busybox, labels: {a: b}}\n`);
  writeFileSync(join(cwd, 'compose.yaml'), `services:\n${services.join('')}`);
  const run = (after: string): string =>
    execFileSync('sh', ['-c', `"$0" config ${after}`, cliPath], {
      cwd,
      encoding: 'utf8',
      env: { ...process.env, TSCOMPOSE_COMMAND_SERVER: '0' },
    });
  const whole = Number(run('> whole; wc -c < whole'));
  expect(whole).toBeGreaterThan(1 << 17);
  expect(Number(run('| { sleep 1; wc -c; }'))).toBe(whole);
});
