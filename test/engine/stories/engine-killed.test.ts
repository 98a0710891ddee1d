import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EngineSandbox, engineMissing } from '../../support/engine-sandbox.js';
import { hostStateOnce, isAsBefore, leftBehind, readHostState } from '../../support/host-state.js';

const rounds = 50;

/** Six lines a tenth of a second apart, forever; each says how many came before it. */
const counter = 'i=0; while true; do echo line $i; i=$((i+1)); sleep 0.1; done';

const project = `
name: killed
services:
${[1, 2, 3, 4, 5]
  .map(
    (n) =>
      `  s${n}:\n    image: busybox\n    command: ["sh", "-c", ${JSON.stringify(counter.replaceAll('$', '$$$$'))}]\n    stop_grace_period: 0s`,
  )
  .join('\n')}
  short:
    image: busybox
    command: ["sh", "-c", "sleep 2; exit 42"]
`;

function numbersOf(log: string): number[] {
  return [...log.matchAll(/line (\d+)$/gm)].map((match) => Number(match[1]));
}

describe.skipIf(engineMissing() !== undefined)('the engine is killed', () => {
  const sandbox = new EngineSandbox({ TSCOMPOSE_IDLE_SECONDS: '600' });
  let cwd: string;

  beforeAll(async () => {
    await sandbox.withBusybox();
    cwd = sandbox.project('killed', { 'compose.yaml': project });
  });
  afterAll(async () => {
    await sandbox[Symbol.asyncDispose]();
  });

  test('its containers go on, and the next command finds them as they are', async () => {
    await sandbox.ok(['up', '-d'], { cwd });
    await sleep(300);
    process.kill((await sandbox.status()).pid, 'SIGKILL');
    await sleep(3_000); // long enough for `short` to end while nobody watches

    const table = await sandbox.ok(['ps', '--all', '--format', 'json'], { cwd });
    const states = table
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { Service: string; State: string; ExitCode: number });
    expect(Object.fromEntries(states.map(({ Service, State }) => [Service, State]))).toEqual({
      s1: 'running',
      s2: 'running',
      s3: 'running',
      s4: 'running',
      s5: 'running',
      short: 'exited',
    });
    expect(states.find(({ Service }) => Service === 'short')?.ExitCode).toBe(42);

    for (const service of ['s1', 's5']) {
      const numbers = numbersOf(await sandbox.ok(['logs', '--no-log-prefix', service], { cwd }));
      expect(numbers.length).toBeGreaterThan(25);
      expect(numbers).toEqual(numbers.map((_, index) => index)); // none missing, none twice
    }
    expect(await sandbox.ok(['exec', '-T', 's2', 'echo', 'here'], { cwd })).toBe('here\n');
    expect(await sandbox.ok(['exec', '-T', 's2', 'nslookup', 's3'], { cwd })).toContain('s3');
    await sandbox.ok(['down', '-t', '0'], { cwd });
    expect(await sandbox.ok(['ps', '--all', '-q'], { cwd })).toBe('');
  });

  test(`${rounds} times at random moments during up: up again succeeds and nothing leaks`, async () => {
    await sandbox.ok(['engine', 'stop', '--force']);
    const before = readHostState();
    for (let round = 0; round < rounds; round++) {
      const { pid } = (await sandbox.ok(['engine', 'start']), await sandbox.status());
      const up = sandbox.start(['up', '-d'], { cwd });
      await sleep(Math.random() * 600);
      process.kill(pid, 'SIGKILL');
      await up.ended; // whatever came of it
      await sandbox.ok(['up', '-d'], { cwd });
      expect(
        (await sandbox.ok(['ps', '-q'], { cwd })).trim().split('\n').length,
        `round ${round}`,
      ).toBeGreaterThanOrEqual(5);
      await sandbox.ok(['down', '-t', '0'], { cwd });
    }
    await sandbox.ok(['engine', 'stop']);
    const after = await hostStateOnce((state) => isAsBefore(before, state, sandbox.engineId()));
    expect(leftBehind(before, after, sandbox.engineId())).toEqual({});
  }, 600_000);
});
