import { execFile } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { isAlive, processStartTime, sendSignal, spawnFast, sysErrno } from '../../../src/engine/sys/index.js';
import { bothWays, chooseWay } from './private-namespaces.js';

const folder = mkdtempSync(join(tmpdir(), 'tsc-spawn-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** What a shell script prints to fd 1 and 2. */
async function outputOf(script: string, more: Partial<Parameters<typeof spawnFast>[0]> = {}): Promise<string> {
  const path = join(folder, 'out');
  const fd = openSync(path, 'w');
  const { stdio, ...rest } = more;
  const streams = { 1: fd, 2: fd, ...stdio };
  const child = spawnFast({ file: 'sh', args: ['-c', script], stdio: streams, ...rest });
  closeSync(fd);
  await child.exited;
  return readFileSync(path, 'utf8');
}

describe.each(bothWays)('with %s', (_, ffi) => {
  beforeEach(() => {
    chooseWay(ffi);
  });

  test('an exit code and a fatal signal are told apart', async () => {
    const failing = spawnFast({ file: 'sh', args: ['-c', 'exit 42'], stdio: {} });
    expect(await failing.exited).toEqual({ exitCode: 42, signal: undefined });
    const sleeping = spawnFast({ file: 'sleep', args: ['60'], stdio: {} });
    expect(sendSignal(sleeping.pid, 'SIGKILL')).toBe(true);
    expect(await sleeping.exited).toEqual({ exitCode: undefined, signal: 'SIGKILL' });
    expect(sendSignal(sleeping.pid, 'SIGKILL')).toBe(false);
  });

  test('environment, working directory and standard streams are the ones given', async () => {
    expect(
      await outputOf('echo $A; pwd; cat; echo error >&2', { env: { A: 'b c', PATH: '/usr/bin:/bin' }, cwd: '/usr' }),
    ).toBe('b c\n/usr\nerror\n');
  });

  test('the child holds no other file of ours', async () => {
    const other = openSync('/etc/hostname', 'r');
    expect((await outputOf('ls /proc/self/fd')).trim().split('\n').slice(0, 3)).toEqual(['0', '1', '2']);
    expect(await outputOf('readlink /proc/self/fd/*')).not.toContain('hostname');
    closeSync(other);
  });

  test('it starts with no signal ignored or blocked, though Node ignores SIGPIPE', async () => {
    const status = await outputOf('grep -E "Sig(Ign|Blk)" /proc/self/status', {});
    expect(status.replace(/[\s:]+/g, ' ')).toMatch(/SigBlk 0+ SigIgn 0+ /);
  });

  test('a new session is its own leader', async () => {
    const session = await outputOf('read -r stat < /proc/self/stat; set -- $stat; echo $1 $6', { newSession: true });
    const [pid, leader] = session.trim().split(' ');
    expect(leader).toBe(pid);
  });

  test('descriptors that cross over arrive uncrossed', async () => {
    const [first, second] = [openSync(join(folder, 'a'), 'w'), openSync(join(folder, 'b'), 'w')];
    const files = await outputOf(`readlink /proc/self/fd/${first} /proc/self/fd/${second}`, {
      stdio: { [first]: second, [second]: first },
    });
    expect(files).toBe(`${join(folder, 'b')}\n${join(folder, 'a')}\n`);
    for (const fd of [first, second]) closeSync(fd);
  });

  test('a missing program is an error at once', () => {
    let errno: string | undefined;
    try {
      spawnFast({ file: 'no-such-program', args: [], stdio: {} });
    } catch (error) {
      errno = sysErrno(error);
    }
    expect(errno).toBe('ENOENT');
  });

  test('two hundred children beside fifty of Node lose no exit code and no descriptor', async () => {
    const before = readdirSync('/proc/self/fd').length;
    const ours = Array.from({ length: 200 }, (_unused, index) => {
      const script = `sleep 0.0${index % 7}; exit ${index % 100}`;
      return spawnFast({ file: 'sh', args: ['-c', script], stdio: {} }).exited;
    });
    const nodes = Array.from({ length: 50 }, () => promisify(execFile)('sh', ['-c', 'sleep 0.02; echo ok']));
    const codes = (await Promise.all(ours)).map(({ exitCode }) => exitCode);
    expect(codes).toEqual(Array.from({ length: 200 }, (_unused, index) => index % 100));
    expect((await Promise.all(nodes)).every(({ stdout }) => stdout === 'ok\n')).toBe(true);
    await expect.poll(() => readdirSync('/proc/self/fd').length).toBeLessThanOrEqual(before + 2);
  });
});

test('a process is known by its start time, a zombie is not alive', async () => {
  chooseWay('on');
  const startTime = processStartTime(process.pid) ?? '';
  expect(isAlive({ pid: process.pid, startTime })).toBe(true);
  expect(isAlive({ pid: process.pid, startTime: '1' })).toBe(false);
  const child = spawnFast({ file: 'sleep', args: ['60'], stdio: {} });
  const identity = { pid: child.pid, startTime: processStartTime(child.pid) ?? '' };
  expect(isAlive(identity)).toBe(true);
  sendSignal(child.pid, 'SIGKILL');
  await child.exited;
  expect(isAlive(identity)).toBe(false);
  expect(processStartTime(child.pid)).toBeUndefined();
});
