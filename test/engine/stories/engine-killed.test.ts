import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EngineSandbox, engineMissing, eventually } from '../../support/engine-sandbox.js';
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

function hasMonitor(container: string): boolean {
  return readdirSync('/proc').some((pid) => {
    try {
      return readFileSync(`/proc/${Number(pid)}/cmdline`, 'utf8')
        .split('\0')
        .includes(container);
    } catch {
      return false; // no process, or gone meanwhile
    }
  });
}

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
    await eventually('`short` ends while nobody watches', () => !hasMonitor('killed-short-1'));

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
      let numbers: number[] = [];
      await eventually(`lines of ${service}`, async () => {
        numbers = numbersOf(await sandbox.ok(['logs', '--no-log-prefix', service], { cwd }));
        return numbers.length > 25;
      });
      expect(numbers).toEqual(numbers.map((_, index) => index)); // none missing, none twice
    }
    expect(await sandbox.ok(['exec', '-T', 's2', 'echo', 'here'], { cwd })).toBe('here\n');
    expect(await sandbox.ok(['exec', '-T', 's2', 'nslookup', 's3'], { cwd })).toContain('s3');
    await sandbox.ok(['down', '-t', '0'], { cwd });
    expect(await sandbox.ok(['ps', '--all', '-q'], { cwd })).toBe('');
  });

  test('logs -f, up and events go on where they were: each line once, in order', async () => {
    const count = 400;
    const script = `i=0; while [ $$i -lt ${count} ]; do i=$$((i+1)); echo line $$i; sleep 0.01
[ $$i -ne 200 ] || until test -e /go; do sleep 0.05; done; done; exit 3`;
    const told = sandbox.project('told', {
      'compose.yaml': `name: told
services:
  early: {image: busybox, command: ["sh", "-c", ${JSON.stringify(script)}]}
  late: {image: busybox, command: ["sh", "-c", "echo line 1; sleep 1000"], stop_grace_period: 0s}
`,
    });
    const up = sandbox.start(['up', '--no-log-prefix', 'early'], { cwd: told });
    let shown = '';
    up.child.stdout?.on('data', (piece: string) => (shown += piece));
    await eventually('some lines', () => shown.includes('line 20\n'));
    const logs = sandbox.start(['logs', '-f', '--no-log-prefix', 'early'], { cwd: told });
    let logged = '';
    logs.child.stdout?.on('data', (piece: string) => (logged += piece));
    await eventually('some lines of logs', () => logged.includes('line 20\n'));
    const events = sandbox.start(['events'], { cwd: told });
    let happened = '';
    events.child.stdout?.on('data', (piece: string) => (happened += piece));
    const inEarly = (...command: string[]) => sandbox.ok(['exec', '-T', 'early', ...command], { cwd: told });
    await eventually('events to be followed', async () => {
      await inEarly('true');
      return happened.includes(' exec_start');
    });
    for (const seen of ['line 60\n', 'line 160\n']) {
      await eventually(seen, () => shown.includes(seen));
      await eventually('an engine', async () => (await sandbox.status()).running);
      process.kill((await sandbox.status()).pid, 'SIGKILL');
    }
    await sandbox.ok(['up', '-d', 'late'], { cwd: told });
    await inEarly('touch', '/go');
    const all = Array.from({ length: count }, (_, index) => index + 1);
    const whole = (output: string) => [...output.matchAll(/^line (\d+)$/gm)].map(([, n]) => Number(n));
    const [upResult, logsResult] = await Promise.all([up.ended, logs.ended]);
    expect(whole(upResult.stdout)).toEqual(all);
    expect(whole(logsResult.stdout)).toEqual(all);
    expect(upResult.stdout).toContain('exited with code 3');
    expect(logsResult.stderr).toContain('the connection to the engine broke; waiting for it');
    await eventually('the start of late', () => happened.includes('container start '));
    events.child.kill('SIGINT');
    await events.ended;
    expect(happened.match(/container start /g)).toHaveLength(1);
    await sandbox.ok(['down', '-t', '0'], { cwd: told });
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
