import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { connectEngine } from '../../../src/client/index.js';
import { EngineSandbox, engineMissing, eventually } from '../../support/engine-sandbox.js';

const project = `name: living
services:
  web:
    image: busybox
    command: sleep 600
    restart: always
    init: false
    stop_grace_period: 0s
    depends_on: {db: {condition: service_healthy}}
  db:
    image: busybox
    command: ["sh", "-c", "sleep 0.5; touch /dev/shm/ready; exec sleep 600"]
    restart: always
    init: false
    stop_grace_period: 0s
    healthcheck: {test: ["CMD", "test", "-e", "/dev/shm/ready"], interval: 100ms, retries: 100}
  bad:
    image: busybox
    profiles: [bad]
    command: ["sh", "-c", "echo no config file >&2; exit 3"]
    restart: always
    stop_grace_period: 0s
`;

describe.skipIf(engineMissing() !== undefined)('the living graph', () => {
  const sandbox = new EngineSandbox();
  let cwd: string;
  beforeAll(async () => {
    await sandbox.withBusybox();
    cwd = sandbox.project('living', { 'compose.yaml': project });
  });
  afterEach(async () => {
    await sandbox.ok(['--profile', '*', 'down', '-t', '0'], { cwd });
  });
  afterAll(async () => {
    await sandbox[Symbol.asyncDispose]();
  });

  const states = async (): Promise<Record<string, { startedAt: number; pid: number; status: string }>> => {
    const client = connectEngine({ host: `unix://${(await sandbox.status()).socket}` });
    const signal = AbortSignal.timeout(20_000);
    const found = await Promise.all(
      ['web', 'db'].map(async (service) => {
        const { State } = await client.containers.inspect(`living-${service}-1`, signal);
        return [service, { startedAt: Date.parse(State.StartedAt), pid: State.Pid, status: State.Status }] as const;
      }),
    );
    client.close();
    return Object.fromEntries(found);
  };

  test('from restart --cascade over a killed engine to down, everything keeps its order', async () => {
    await sandbox.ok(['up', '-d'], { cwd });
    const restart = await sandbox.run(['--progress', 'plain', 'restart', '--cascade', 'db'], { cwd });
    const steps = [...restart.stderr.matchAll(/Container living-(\w+)-1 +(Stopped|Started|Healthy)$/gm)];
    expect(steps.map(([, service = '', what = '']) => `${service} ${what}`)).toEqual([
      'web Stopped',
      'db Stopped',
      'db Started',
      'db Healthy',
      'web Started',
    ]);

    const before = await states();
    process.kill((await sandbox.status()).pid, 'SIGKILL');
    for (const { pid } of Object.values(before)) process.kill(pid, 'SIGKILL');
    await eventually('their ends', () => Object.values(before).every(({ pid }) => !existsSync(`/proc/${pid}`)));
    await sandbox.ok(['ps'], { cwd }); // starts an engine
    await eventually('both to run again', async () => {
      const now = await states();
      return Object.entries(now).every(([name, { status, pid }]) => status === 'running' && pid !== before[name]?.pid);
    });
    const { web, db } = await states();
    expect((web?.startedAt ?? 0) - (db?.startedAt ?? 0)).toBeGreaterThanOrEqual(500);
    expect(await sandbox.ok(['why'], { cwd })).toBe('nothing is wrong\n');

    await sandbox.ok(['stop', 'db'], { cwd });
    process.kill(web?.pid ?? 0, 'SIGKILL');
    await eventually('the wait', async () => (await sandbox.ok(['ps'], { cwd })).includes('was not started'));
    expect(await sandbox.ok(['ps'], { cwd })).toContain('; was not started: "db" does not run: it exited with code');
    expect(await sandbox.ok(['why', 'web'], { cwd })).toContain('service "web" was not started: "db" does not run');
    expect(await sandbox.ok(['ls'])).toContain('; not started: web');
    await sandbox.ok(['start', 'db'], { cwd });
    await eventually('web to follow', async () => (await states())['web']?.status === 'running');

    const record = join(sandbox.folder, 'data/projects/living.json');
    expect(existsSync(record)).toBe(true);
    await sandbox.ok(['down', '-t', '0'], { cwd });
    expect(existsSync(record)).toBe(false);
  });

  test('a crash loop is told with its reason, and programs see what they know', async () => {
    const started = Date.now();
    await sandbox.ok(['up', '-d', 'bad'], { cwd });
    await eventually('the loop', async () => (await sandbox.ok(['ps', '-a', 'bad'], { cwd })).includes('crash loop'));
    expect(await sandbox.ok(['ps', '-a', 'bad'], { cwd })).toMatch(
      /; crash loop: \d+ exits with code 3 in [\d.]+ s: no config file/,
    );
    const [row] = (await sandbox.ok(['ps', '-a', '--format', 'json', 'bad'], { cwd })).split('\n');
    expect(row).not.toContain('crash');
    expect(await sandbox.ok(['ls', '-a'])).toMatch(/living .*; crash loop: bad/);
    expect(await sandbox.ok(['ls', '-a', '--format', 'json'])).not.toContain('crash');
    const why = await sandbox.ok(['--profile', 'bad', 'why', 'bad'], { cwd });
    expect(why).toMatch(/compose.yaml:20:\d+: service "bad" is in a crash loop: \d+ exits with code 3 in [\d.]+ s\n/);
    expect(why).toContain('living-bad-1 | no config file');
    const until = ['--since', new Date(started).toISOString(), '--until', '0s'];
    expect(await sandbox.ok(['events', ...until], { cwd })).toMatch(/container crash_loop .*exitCode=3/);
  });

  test('a misspelt member of x-tscompose is an error with its place', async () => {
    const own = sandbox.project('typo', {
      'compose.yaml': 'services:\n  web:\n    image: busybox\n    x-tscompose: {restart_unhealty: true}\n',
    });
    const { exitCode, stderr } = await sandbox.run(['up', '-d'], { cwd: own });
    expect(exitCode).toBe(1);
    expect(stderr).toContain('compose.yaml:4:37: service "web": x-tscompose has no member restart_unhealty');
    expect(existsSync(join(sandbox.folder, 'data/projects/typo.json'))).toBe(false);
  });
});
