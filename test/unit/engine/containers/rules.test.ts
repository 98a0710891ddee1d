import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { mergeConfig, mergeEnv } from '../../../../src/engine/containers/merge-config.js';
import { DetachWatch } from '../../../../src/base/detach-keys.js';
import { detachKeysOf } from '../../../../src/engine/containers/detach-keys.js';
import { goMode } from '../../../../src/engine/containers/go-mode.js';
import { planHealth } from '../../../../src/engine/containers/health.js';
import { createLimiter } from '../../../../src/engine/containers/limiter.js';
import { parsePortSpec, wantedPorts } from '../../../../src/engine/containers/port-requests.js';
import { freshState } from '../../../../src/engine/containers/record.js';
import { restartDelay, startsWithEngine } from '../../../../src/engine/containers/restart-policy.js';
import { parseSignal } from '../../../../src/engine/containers/signals.js';
import { renderStatus } from '../../../../src/engine/containers/status-text.js';
import { type ContainerEvent, transitions } from '../../../../src/engine/containers/status.js';
import { parseTime, renderTime } from '../../../../src/engine/containers/time.js';
import { selectProcesses } from '../../../../src/engine/containers/top.js';

describe('what a container runs', () => {
  const image = { Cmd: ['default'], Entrypoint: ['/entry'], Env: ['A=1', 'B=2'], WorkingDir: '/w', User: 'u' };

  test('is the image’s where nothing else is asked', () => {
    expect(mergeConfig({}, image)).toMatchObject({
      Cmd: ['default'],
      Entrypoint: ['/entry'],
      WorkingDir: '/w',
      User: 'u',
    });
  });

  test('has its own command after the image’s entrypoint', () => {
    expect(mergeConfig({ Cmd: ['own'] }, image)).toMatchObject({ Cmd: ['own'], Entrypoint: ['/entry'] });
  });

  test('loses the image’s command with its own entrypoint', () => {
    expect(mergeConfig({ Entrypoint: ['/own'] }, image)).toMatchObject({ Cmd: null, Entrypoint: ['/own'] });
    expect(mergeConfig({ Entrypoint: [''], Cmd: ['x'] }, image)).toMatchObject({ Cmd: ['x'], Entrypoint: null });
  });

  test('must be something', () => {
    expect(() => mergeConfig({}, {})).toThrow('no command specified');
    expect(() => mergeConfig({ Cmd: ['x'], WorkingDir: 'rel' }, {})).toThrow('needs to be an absolute path');
  });

  test('has its own variables over the image’s', () => {
    expect(mergeEnv(['B=own', 'C'], ['A=1', 'B=2', 'C=3'])).toEqual(['B=own', 'C', 'A=1']);
  });

  test('takes what its health check leaves open from the image', () => {
    const health = { Test: ['CMD', 'x'], Interval: 5e9, Retries: 7 };
    expect(mergeConfig({ Cmd: ['c'], Healthcheck: { Retries: 2 } }, { Healthcheck: health }).Healthcheck).toEqual({
      Test: ['CMD', 'x'],
      Interval: 5e9,
      Retries: 2,
    });
  });
});

describe('a health check', () => {
  test('every year is not one without a pause', () => {
    const year = 365 * 24 * 3600 * 1e9;
    const plan = planHealth({ Test: ['CMD', 'x'], Interval: year, Timeout: year }, []);
    expect(plan).toMatchObject({ intervalMs: 2 ** 31 - 1, timeoutMs: 2 ** 31 - 1 }); // what a timer can wait
  });

  test('has Docker’s times unless it says others', () => {
    expect(planHealth({ Test: ['CMD-SHELL', 'a b'] }, ['/bin/sh', '-c'])).toEqual({
      check: { kind: 'command', command: ['/bin/sh', '-c', 'a b'] },
      intervalMs: 30_000,
      timeoutMs: 30_000,
      startPeriodMs: 0,
      startIntervalMs: 5_000,
      retries: 3,
    });
  });

  test.each([[undefined], [{ Test: ['NONE'] }], [{ Test: [] }], [{ Interval: 1 }]])('%j checks nothing', (check) => {
    expect(planHealth(check, [])).toBeUndefined();
  });
});

describe('the restart policy', () => {
  const run = { exitCode: 1, ranMs: 50, byUser: false, restartCount: 0, lastDelayMs: 0, shortRuns: 0 };

  test('waits longer each time, up to a minute, and starts over after a long run', () => {
    const delays = [0, 100, 200, 40_000].map((lastDelayMs) =>
      restartDelay({ Name: 'always' }, { ...run, lastDelayMs }),
    );
    expect(delays).toEqual([100, 200, 400, 60_000]);
    expect(restartDelay({ Name: 'always' }, { ...run, lastDelayMs: 40_000, ranMs: 10_000 })).toBe(100);
  });

  test('leaves alone what the user ended', () => {
    for (const Name of ['always', 'unless-stopped', 'on-failure'] as const) {
      expect(restartDelay({ Name }, { ...run, byUser: true })).toBeUndefined();
    }
  });

  test('on-failure wants a failure, and not too many', () => {
    const policy = { Name: 'on-failure', MaximumRetryCount: 2 } as const;
    expect(restartDelay(policy, { ...run, exitCode: 0 })).toBeUndefined();
    expect(restartDelay(policy, { ...run, restartCount: 1 })).toBe(100);
    expect(restartDelay(policy, { ...run, restartCount: 2 })).toBeUndefined();
    expect(restartDelay({ Name: 'no' }, run)).toBeUndefined();
  });

  test('a delay of deploy.restart_policy takes the place of the growing wait', () => {
    const delays = [0, 400].map((lastDelayMs) =>
      restartDelay({ Name: 'always' }, { ...run, lastDelayMs }, { delayMs: 5_000 }),
    );
    expect(delays).toEqual([5_000, 5_000]);
  });

  test('attempts count runs shorter than the window, and a longer one gives them back', () => {
    const pace = { maxAttempts: 2, windowMs: 3_000 };
    for (const Name of ['always', 'on-failure'] as const) {
      const policy = { Name, MaximumRetryCount: 2 };
      const delayOf = (change: Partial<typeof run>) => restartDelay(policy, { ...run, ...change }, pace);
      expect(delayOf({ shortRuns: 1, restartCount: 9 })).toBe(100);
      expect(delayOf({ shortRuns: 2 })).toBeUndefined();
      expect(delayOf({ shortRuns: 2, ranMs: 3_000 })).toBe(100);
    }
  });

  test('after a boot, always means also what was stopped', () => {
    expect(startsWithEngine({ Name: 'always' }, { stoppedByUser: true, exitCode: 0 })).toBe(true);
    expect(startsWithEngine({ Name: 'unless-stopped' }, { stoppedByUser: true, exitCode: 0 })).toBe(false);
    expect(startsWithEngine({ Name: 'unless-stopped' }, { stoppedByUser: false, exitCode: 0 })).toBe(true);
  });
});

test('a container can be removed only where it does not run', () => {
  const removable = Object.entries(transitions)
    .filter(([, events]) => 'remove' in events)
    .map(([status]) => status);
  expect(removable.sort()).toEqual(['created', 'dead', 'exited', 'removing']);
});

test('every status can be left, and what was started ends or fails', () => {
  for (const [status, events] of Object.entries(transitions))
    expect([status, Object.keys(events).length]).not.toEqual([status, 0]);
  const ways: ContainerEvent[] = ['started', 'start-failed', 'start-failed-new'];
  expect(Object.keys(transitions.starting).sort()).toEqual(ways.sort());
});

describe('ports', () => {
  test('are numbers with a protocol', () => {
    expect(parsePortSpec('80')).toEqual({ port: 80, protocol: 'tcp' });
    expect(parsePortSpec('53/UDP')).toEqual({ port: 53, protocol: 'udp' });
    for (const spec of ['0', '70000', 'x', '80/icmp', '']) expect(() => parsePortSpec(spec)).toThrow('invalid port');
  });

  test('are published as bound, in ranges, and all exposed ones where asked', () => {
    const PortBindings = {
      '80/tcp': [{ HostPort: '8000-8010' }, { HostIp: '127.0.0.1', HostPort: '90' }],
      '53/udp': null,
    };
    expect(wantedPorts({}, { PortBindings })).toEqual([
      { hostIp: '', hostPort: [8000, 8010], containerPort: 80, protocol: 'tcp' },
      { hostIp: '127.0.0.1', hostPort: 90, containerPort: 80, protocol: 'tcp' },
      { hostIp: '', containerPort: 53, protocol: 'udp' },
    ]);
    const all = wantedPorts({ ExposedPorts: { '80/tcp': {}, '81': {} } }, { PortBindings, PublishAllPorts: true });
    expect(all.at(-1)).toEqual({ hostIp: '', containerPort: 81, protocol: 'tcp' });
    expect(() => wantedPorts({}, { PortBindings: { '80/tcp': [{ HostPort: '9-8' }] } })).toThrow(
      'invalid port specification',
    );
  });
});

describe('detach keys', () => {
  test('are found wherever input is cut, and other input goes on', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(20)), fc.array(fc.nat(5)), (bytes, cuts) => {
        const input = Buffer.from([...bytes.filter((byte) => byte !== 16), 16, 17]);
        const watch = new DetachWatch(detachKeysOf(undefined));
        const out: Buffer[] = [];
        let detached = false;
        let at = 0;
        for (const cut of [...cuts, input.length]) {
          const result = watch.push(input.subarray(at, at + cut));
          at = Math.min(input.length, at + cut);
          out.push(result.forward);
          detached ||= result.detached;
        }
        expect(detached).toBe(true);
        expect(Buffer.concat(out)).toEqual(input.subarray(0, -2));
      }),
    );
  });

  test('half of them is ordinary input', () => {
    const watch = new DetachWatch(detachKeysOf('ctrl-p,ctrl-q'));
    expect(watch.push(Buffer.from([16])).forward).toEqual(Buffer.alloc(0));
    expect(watch.push(Buffer.from([65])).forward).toEqual(Buffer.from([16, 65]));
  });

  test('can be others', () => {
    expect(detachKeysOf('ctrl-@,a,ctrl-\\')).toEqual([0, 97, 28]);
    expect(() => detachKeysOf('meta-x')).toThrow('Invalid escape keys (meta-x) provided');
  });
});

test.each([
  ['TERM', 15],
  ['SIGKILL', 9],
  ['9', 9],
  ['rtmin+3', 37],
  ['SIGRTMAX', 64],
])('the signal %s is %i', (text, number) => {
  expect(parseSignal(text)).toBe(number);
});

test.each(['', 'NOPE', '0', '65'])('%j is no signal', (text) => {
  expect(() => parseSignal(text)).toThrow(`invalid signal: ${text}`);
});

describe('for people', () => {
  test('a status says since when, and how it is', () => {
    const now = parseTime('2026-01-01T00:02:00Z') ?? 0n;
    const startedAt = '2026-01-01T00:00:00Z';
    expect(renderStatus({ ...freshState, status: 'running', startedAt }, 'healthy', now)).toBe(
      'Up 2 minutes (healthy)',
    );
    expect(renderStatus({ ...freshState, status: 'running', startedAt }, 'starting', now)).toBe(
      'Up 2 minutes (health: starting)',
    );
    expect(renderStatus({ ...freshState, status: 'paused', startedAt }, undefined, now)).toBe('Up 2 minutes (Paused)');
    const ended = {
      ...freshState,
      status: 'exited' as const,
      startedAt,
      finishedAt: '2026-01-01T00:01:57Z',
      exitCode: 3,
    };
    expect(renderStatus(ended, undefined, now)).toBe('Exited (3) 3 seconds ago');
    expect(renderStatus(freshState, undefined, now)).toBe('Created');
  });
});

test('times go there and back to the nanosecond', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 4_000_000_000_000_000_000n }), (ns) => {
      expect(parseTime(renderTime(ns))).toBe(ns);
    }),
  );
  expect(parseTime('yesterday')).toBeUndefined();
});

test('processes are picked from a listing by pid, commands keep their spaces', () => {
  const listing = 'UID   PID  CMD\nroot  1  init\nroot  20  sh -c  a b\n';
  expect(selectProcesses(listing, new Set([20]))).toEqual({
    Titles: ['UID', 'PID', 'CMD'],
    Processes: [['root', '20', 'sh -c a b']],
  });
  expect(() => selectProcesses('A B\n', new Set())).toThrow("Couldn't find PID field");
});

test('file modes are Go’s', () => {
  const kinds = {
    isDirectory: false,
    isSymbolicLink: false,
    isBlockDevice: false,
    isCharacterDevice: false,
    isFIFO: false,
    isSocket: false,
  };
  const stats = (mode: number, kind?: keyof typeof kinds) => ({
    mode,
    ...(Object.fromEntries(Object.keys(kinds).map((name) => [name, () => name === kind])) as Record<
      keyof typeof kinds,
      () => boolean
    >),
  });
  expect(goMode(stats(0o100644))).toBe(0o644);
  expect(goMode(stats(0o41777, 'isDirectory'))).toBe(2 ** 31 + 2 ** 20 + 0o777);
  expect(goMode(stats(0o104755))).toBe(2 ** 23 + 0o755);
  expect(goMode(stats(0o20666, 'isCharacterDevice'))).toBe(2 ** 26 + 2 ** 21 + 0o666);
});

test('a limiter never lets more run than it may, and lets all run', async () => {
  const limit = createLimiter(2);
  let now = 0;
  let most = 0;
  const work = async (fails: boolean) => {
    most = Math.max(most, (now += 1));
    await new Promise((resolve) => setTimeout(resolve, 2));
    now -= 1;
    if (fails) throw new Error('no');
    return 1;
  };
  const results = await Promise.allSettled(Array.from({ length: 9 }, (_, index) => limit(() => work(index % 3 === 0))));
  expect(most).toBe(2);
  expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(6);
});
