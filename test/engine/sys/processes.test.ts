import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, readlinkSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { openProcess, processStartTime, type ProcessIdentity } from '../../../src/engine/sys/index.js';

async function end(child: ReturnType<typeof spawn>): Promise<void> {
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

function identityOf({ pid = 0 }: ReturnType<typeof spawn>): ProcessIdentity {
  return { pid, startTime: processStartTime(pid) ?? '' };
}

/** Some process of this number, made now. */
async function anotherWith(pid: number): Promise<ReturnType<typeof spawn>> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    writeFileSync('/proc/sys/kernel/ns_last_pid', String(pid - 1));
    const child = spawn('sleep', ['60']);
    if (child.pid === pid) return child;
    await end(child); // somebody else was faster
  }
  throw new Error(`no process gets the number ${pid}`);
}

test('what is looked up beneath an open process fails after its end, whoever has its number then', async () => {
  const first = spawn('sleep', ['60']);
  const identity = identityOf(first);
  const fd = openProcess(identity) ?? -1;
  const root = `/proc/self/fd/${fd}/root`;
  expect(readlinkSync(root)).toBe('/');
  await end(first);
  const second = await anotherWith(identity.pid);
  try {
    expect(existsSync(`/proc/${identity.pid}/root`)).toBe(true);
    expect(() => readlinkSync(root)).toThrow(/ENOENT|ESRCH/);
    expect(openProcess({ ...identity, startTime: `${identity.startTime}0` })).toBeUndefined();
  } finally {
    closeSync(fd);
    await end(second);
  }
  expect(openProcess(identity)).toBeUndefined();
});
