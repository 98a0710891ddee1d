import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { engineMissing, EngineSandbox } from '../../support/engine-sandbox.js';

describe.skipIf(engineMissing() !== undefined)('up --timeline', () => {
  let sandbox: EngineSandbox;
  let cwd: string;

  beforeAll(async () => {
    sandbox = await new EngineSandbox().withBusybox();
    cwd = sandbox.project('timed', {
      'compose.yaml': `
name: timed
services:
  db:
    image: busybox
    command: sleep 1000
    stop_grace_period: 0s
    healthcheck: {test: "true", interval: 1s}
  web:
    image: busybox
    command: sleep 1000
    stop_grace_period: 0s
    depends_on: {db: {condition: service_healthy}}
  aside: {image: busybox, command: sleep 1000, stop_grace_period: 0s}
`,
    });
  });
  afterAll(() => sandbox[Symbol.asyncDispose]());

  test('shows what the rest waited for and how to be quicker, and writes a trace', async () => {
    const said = await sandbox.ok(['up', '-d', '--timeline', '--trace', 'out.json'], { cwd });
    expect(said).toMatch(/^\* timed-db-1 .*create \d+ ms, start \d+ ms, first probe [\d.]+ m?s, healthy 1\.\d s$/m);
    expect(said).toMatch(/^ {2}timed-aside-1 /m);
    expect(said.replaceAll(/\s+/g, ' ')).toMatch(/timed-db-1 healthy 1\.\d s → timed-web-1 start \d+ ms/);
    expect(said).toMatch(/^"db" was found healthy 1\.\d s after its start; for 1\.\d s/m);
    expect(said).toContain('(compose.yaml:8:18)');
    const { traceEvents } = JSON.parse(readFileSync(join(cwd, 'out.json'), 'utf8')) as { traceEvents: object[] };
    expect(traceEvents).toContainEqual(expect.objectContaining({ name: 'healthy', ph: 'X' }));
  });

  test('says that nothing was done, and needs a command that ends', async () => {
    expect(await sandbox.ok(['up', '--wait', '--timeline'], { cwd })).toBe('nothing was done\n');
    const { exitCode, stderr } = await sandbox.run(['up', '--timeline'], { cwd });
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining('--timeline and --trace need --detach or --wait')]);
    const unwritten = await sandbox.run(['up', '-d', '--trace', 'no/such/folder'], { cwd });
    expect([unwritten.exitCode, unwritten.stderr]).toEqual([1, expect.stringContaining('cannot write the trace to')]);
  });
});
