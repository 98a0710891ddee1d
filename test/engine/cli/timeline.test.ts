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
    healthcheck: {test: test -e /shared/there, interval: 1s}
    volumes: [shared:/shared]
  web:
    image: busybox
    command: sleep 1000
    stop_grace_period: 0s
    depends_on: {db: {condition: service_healthy}}
  aside: # has started before db is healthy
    image: busybox
    command: sh -c 'touch /shared/there; exec sleep 1000'
    stop_grace_period: 0s
    volumes: [shared:/shared]
volumes: {shared: {}}
`,
    });
  });
  afterAll(() => sandbox[Symbol.asyncDispose]());

  test('shows what the rest waited for and how to be quicker, and writes a trace', async () => {
    const said = await sandbox.ok(['up', '-d', '--timeline', '--trace', 'out.json'], { cwd });
    const row = /^\* timed-db-1 .*create [\d.]+ m?s, start [\d.]+ m?s, first probe [\d.]+ m?s, healthy ([\d.]+) s$/m;
    expect(Number(row.exec(said)?.[1])).toBeGreaterThanOrEqual(1);
    expect(said).toMatch(/^ {2}timed-aside-1 /m);
    expect(said.replaceAll(/\s+/g, ' ')).toMatch(/timed-db-1 healthy [\d.]+ s → timed-web-1 start [\d.]+ m?s/);
    expect(said).toMatch(/^"db" was found healthy [\d.]+ s after its start; for [\d.]+ s/m);
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
