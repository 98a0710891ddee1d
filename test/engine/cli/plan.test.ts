import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EngineSandbox, engineMissing } from '../../support/engine-sandbox.js';

const compose = (port: number): string => `name: planned
services:
  db:
    image: busybox
    init: false
    stop_grace_period: 0s
    command: sleep infinity
  web:
    image: busybox
    init: false
    stop_grace_period: 0s
    command: sleep infinity
    depends_on: [db]
    ports: ["127.0.0.1:${port}:80"]
`;

describe.skipIf(engineMissing() !== undefined)('plan', () => {
  const sandbox = new EngineSandbox();
  let cwd = '';
  beforeAll(async () => {
    await sandbox.withBusybox();
    cwd = sandbox.project('planned', { 'compose.yaml': compose(28_080) });
  });
  afterAll(async () => {
    await sandbox.run(['down'], { cwd });
    await sandbox[Symbol.asyncDispose]();
  });

  test('shows every step with its reason, changes nothing, and ends with 2', async () => {
    const plan = await sandbox.run(['plan'], { cwd });
    expect(plan).toMatchObject({ exitCode: 2, stderr: '' });
    expect(plan.stdout).toMatch(/network\.create +planned_default/);
    expect(plan.stdout).toMatch(/container\.start +web-1/);
    expect(plan.stdout).toBe(await sandbox.ok(['up', '-d', '--dry-run'], { cwd }));
    expect(await sandbox.ok(['ps', '-aq'], { cwd })).toBe('');
  });

  test('has nothing to say after up, and ends with 0', async () => {
    await sandbox.ok(['up', '-d'], { cwd });
    expect(await sandbox.run(['plan'], { cwd })).toEqual({ exitCode: 0, stdout: 'nothing to do\n', stderr: '' });
  });

  test('names the field that changed, both values and its line', async () => {
    writeFileSync(join(cwd, 'compose.yaml'), compose(28_081));
    const plan = await sandbox.run(['plan', '--json'], { cwd });
    expect(plan.exitCode).toBe(2);
    const { steps, unchanged } = JSON.parse(plan.stdout) as {
      steps: { kind: string; subject: string; cause: string }[];
      unchanged: string[];
    };
    expect(unchanged).toEqual(['planned-db-1']);
    expect(steps.find(({ kind }) => kind === 'container.create')).toMatchObject({
      subject: 'web-1',
      cause: expect.stringContaining('ports[0].published 28080 → 28081, compose.yaml:14') as string,
    });
  });
});
