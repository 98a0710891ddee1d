import { spawnSync } from 'node:child_process';
import { chmodSync } from 'node:fs';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EngineSandbox, engineMissing } from '../../support/engine-sandbox.js';

const cli = fileURLToPath(new URL('../../../dist/tscompose.cjs', import.meta.url));

function publishing(port: number): string {
  return `name: refused\nservices:\n  web:\n    image: busybox\n    command: sleep infinity\n    stop_grace_period: 0s\n    ports:\n      - "${port}:80"\n`;
}

describe.skipIf(engineMissing() !== undefined)('a start that cannot be', () => {
  const sandbox = new EngineSandbox();
  beforeAll(async () => {
    await sandbox.withBusybox();
  });
  afterAll(async () => {
    await sandbox[Symbol.asyncDispose]();
  });

  test('a port that another program has is said to be taken, and by whom', async () => {
    const server = createServer();
    const port = await new Promise<number>((resolve) => {
      server.listen(0, '0.0.0.0', () => {
        const address = server.address();
        resolve(typeof address === 'object' && address !== null ? address.port : 0);
      });
    });
    try {
      const cwd = sandbox.project('refused', { 'compose.yaml': publishing(port) });
      const up = await sandbox.run(['up', '-d'], { cwd });
      expect(up.exitCode).toBe(1);
      expect(up.stderr).toContain(`port 0.0.0.0:${port} is already in use by`);
      expect(up.stderr).toContain(`${process.pid}`);
      expect(up.stderr).toContain('compose.yaml:');
      await sandbox.ok(['down'], { cwd });
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
  });

  test('a port that another project has is said to be taken by its container', async () => {
    const first = sandbox.project('first', { 'compose.yaml': publishing(18_099).replace('refused', 'first') });
    const second = sandbox.project('second', { 'compose.yaml': publishing(18_099).replace('refused', 'second') });
    await sandbox.ok(['up', '-d'], { cwd: first });
    const up = await sandbox.run(['up', '-d'], { cwd: second });
    expect(up.exitCode).toBe(1);
    expect(up.stderr).toContain('is already in use by container first-web-1');
    await sandbox.ok(['down'], { cwd: second });
    await sandbox.ok(['down'], { cwd: first });
  });

  test('someone who is not root is told so, with what to do', () => {
    const cwd = sandbox.project('unprivileged', { 'compose.yaml': publishing(18_098) });
    chmodSync(sandbox.folder, 0o755); // made for its owner alone
    const result = spawnSync('setpriv', ['--reuid', '65534', '--regid', '65534', '--clear-groups', cli, 'up', '-d'], {
      cwd: '/',
      env: {
        PATH: process.env['PATH'],
        HOME: cwd,
        COMPOSE_FILE: `${cwd}/compose.yaml`,
        TSCOMPOSE_RUNTIME_DIR: '/tmp/nobody-run',
      },
      encoding: 'utf8',
    });
    expect(result.status).toBe(1);
    expect(result.stderr).toMatch(/root/);
    expect(result.stderr).toMatch(/hint: /);
  });
});
