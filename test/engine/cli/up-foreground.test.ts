import { describe, expect, test } from 'vitest';
import { engineMissing, EngineSandbox, eventually } from '../../support/engine-sandbox.js';

const missing = engineMissing();
const talker = (text: string, then: string) => `sh -c 'echo ${text}; ${then}'`;
const forever = 'trap "echo bye; exit 0" TERM; echo up; while true; do sleep 0.1; done';

describe.skipIf(missing !== undefined)('up in the foreground', () => {
  test('shows every line from the first, and ends when all containers have', async () => {
    await using sandbox = await new EngineSandbox().withBusybox();
    const cwd = sandbox.project('demo', {
      'compose.yaml': `services:
  a: {image: busybox, command: ${talker('first-a', 'exit 0')}}
  long-name: {image: busybox, depends_on: [a], command: ${talker('first-long', 'exit 3')}}
`,
    });
    const { exitCode, stdout } = await sandbox.run(['up'], { cwd });
    expect(exitCode).toBe(0);
    const lines = stdout.trimEnd().split('\n');
    expect(lines[0]).toBe('Attaching to a-1, long-name-1');
    expect(lines.slice(1).sort()).toEqual([
      'a-1          | first-a',
      'a-1 exited with code 0',
      'long-name-1  | first-long',
      'long-name-1 exited with code 3',
    ]);
    expect(await sandbox.ok(['up', '--no-log-prefix'], { cwd })).toContain('\nfirst-a\n'); // a second run, its lines only
  });

  test('the first Ctrl-C stops, last words are shown, and the exit code is 130', async () => {
    await using sandbox = await new EngineSandbox().withBusybox();
    const cwd = sandbox.project('demo', {
      'compose.yaml': `services: {a: {image: busybox, command: ["sh", "-c", '${forever}']}}\n`,
    });
    const { child, ended } = sandbox.start(['up'], { cwd });
    let seen = '';
    child.stdout?.on('data', (piece: string) => (seen += piece));
    await eventually('the first line', () => seen.includes('a-1  | up\n'));
    child.kill('SIGINT');
    const { stdout, stderr } = await ended;
    expect(child.exitCode).toBe(130);
    expect(stdout.split('\n').slice(1)).toEqual(['a-1  | up', 'a-1  | bye', 'a-1 exited with code 0', '']);
    expect(stderr).toContain('Gracefully stopping... (press Ctrl+C again to force)\n');
    expect(await sandbox.ok(['ps', '-a', '--format', '{{.State}}'], { cwd })).toBe('exited\n');
  });

  test('the second one kills what does not want to go', async () => {
    await using sandbox = await new EngineSandbox().withBusybox();
    const cwd = sandbox.project('demo', {
      'compose.yaml': `services: {a: {image: busybox, stop_grace_period: 10m, command: ["sh", "-c", 'trap "echo no" TERM; echo up; while true; do sleep 0.1; done']}}\n`,
    });
    const { child, ended } = sandbox.start(['up'], { cwd });
    let seen = '';
    child.stdout?.on('data', (piece: string) => (seen += piece));
    await eventually('the first line', () => seen.includes('a-1  | up\n'));
    child.kill('SIGINT');
    await eventually('the refusal', () => seen.includes('a-1  | no\n'));
    child.kill('SIGINT');
    const { stdout } = await ended;
    expect(child.exitCode).toBe(130);
    expect(stdout).toContain('a-1 exited with code 137\n');
  });

  test.each([
    [['up', '--abort-on-container-exit'], 3],
    [['up', '--abort-on-container-failure'], 3],
    [['up', '--exit-code-from', 'stays'], 0],
  ])('%j stops the rest when one ends', async (line, exitCode) => {
    await using sandbox = await new EngineSandbox().withBusybox();
    const cwd = sandbox.project('demo', {
      'compose.yaml': `services:
  stays:
    image: busybox
    command: ["sh", "-c", '${forever.replace('echo up', 'touch /shared/up')}']
    volumes: [shared:/shared]
  ends:
    image: busybox
    depends_on: [stays]
    command: ${talker('done', 'until test -e /shared/up; do sleep 0.1; done; exit 3')}
    volumes: [shared:/shared]
volumes: {shared: {}}
`,
    });
    const result = await sandbox.run(line, { cwd });
    expect(result.exitCode).toBe(exitCode);
    expect(result.stdout).toContain('stays-1 exited with code 0\n');
  });

  test('only attached services are shown and waited for, or those named; what goes on is left alone', async () => {
    await using sandbox = await new EngineSandbox().withBusybox();
    const cwd = sandbox.project('demo', {
      'compose.yaml': `services:
  loud: {image: busybox, depends_on: [quiet], command: ${talker('loud', 'exit 3')}}
  quiet: {image: busybox, attach: false, stop_grace_period: 0s, command: ${talker('quiet', 'sleep 1000')}}
`,
    });
    const running = () => sandbox.ok(['ps', '--services'], { cwd });
    for (const [line, exitCode] of [
      [['up'], 0],
      [['up', 'loud'], 0],
      [['up', '--attach-dependencies', '--abort-on-container-exit', 'loud'], 3],
    ] as const) {
      const result = await sandbox.run(line, { cwd });
      expect(result.exitCode).toBe(exitCode);
      expect(result.stdout).toContain('loud-1  | loud\n');
      expect(result.stdout).not.toContain('| quiet');
      expect(await running()).toBe('quiet\n');
    }
  });
});
