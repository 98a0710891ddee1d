import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { silentLog } from '../../../src/base/log.js';
import { openOci } from '../../../src/engine/oci/index.js';
import { eventually } from '../../support/engine-sandbox.js';
import { Lab, missing, layers } from './support.js';

describe.skipIf(missing !== undefined)(`processes that look like helpers (needs ${missing ?? 'nothing more'})`, () => {
  let lab: Lab;
  let runtimeDir: string;
  const children: ChildProcess[] = [];
  beforeAll(async () => {
    lab = await Lab.open();
    runtimeDir = join(lab.folder, 'run');
  });
  afterAll(async () => {
    for (const child of children) child.kill('SIGKILL');
    await lab[Symbol.asyncDispose]();
  });

  /** Has a process that sleeps under these words; `nested` in a process namespace of its own. */
  async function pretend(argv0: string, words: readonly string[], how: { uid?: number; nested?: boolean } = {}) {
    const sleep = ['-e', 'setInterval(() => {}, 1e6)', '--'];
    // The words come by the environment: the command line of `unshare` is to have none of them.
    const inside = ['--pid', '--fork', '--kill-child', 'sh', '-c', 'exec "$0" "$@" $WORDS', process.execPath, ...sleep];
    const child =
      how.nested === true
        ? spawn('unshare', inside, { stdio: 'ignore', env: { ...process.env, WORDS: words.join(' ') } })
        : spawn(process.execPath, [...sleep, ...words], { argv0, stdio: 'ignore', uid: how.uid ?? 0 });
    children.push(child);
    const nestedPid = () => readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trim();
    await eventually('its command line', () => {
      const pid = how.nested === true ? nestedPid() : child.pid;
      return pid !== '' && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(words.join('\0'));
    });
  }
  const monitorWords = (id: string) => [join(runtimeDir, 'crun'), '-c', id];
  const newStepId = () => `step-${randomBytes(12).toString('hex')}`;

  test.each([
    ['a monitor of another user', 'conmon', monitorWords, 65534],
    ['a monitor', 'conmon', monitorWords, 0],
    ['a runtime', 'crun', (id: string) => ['--root', join(runtimeDir, 'crun'), 'run', id], 0],
  ])('%s that names a way out of the folder has nothing removed by a starting engine', async (_, argv0, words, uid) => {
    const victim = join(lab.folder, `victim-${uid}`);
    mkdirSync(victim, { recursive: true });
    await pretend(argv0, words(`step-x/../../victim-${uid}`), { uid });
    const engineId = lab.oci.cgroupParent.slice('/tscompose-'.length);
    await openOci({ runtimeDir, engineId, layers, log: silentLog, signal: AbortSignal.timeout(30_000) });
    expect(existsSync(victim)).toBe(true);
    expect(children.at(-1)?.signalCode).toBeNull();
  });

  test('are believed when they are ours, and not from another user or another process namespace', async () => {
    const [own, foreign, inside] = [newStepId(), newStepId(), newStepId()];
    await pretend('conmon', monitorWords(own));
    await pretend('conmon', monitorWords(foreign), { uid: 65534 });
    await pretend('node', ['--root', ...monitorWords(inside)], { nested: true });
    expect(lab.oci.runtimes.known()).toEqual([own]);
  });

  test('and an id that leads out of the folder is never discarded', async () => {
    await expect(lab.oci.discard('step-x/../../victim', { monitor: true })).rejects.toThrow('no id of a container');
  });
});
