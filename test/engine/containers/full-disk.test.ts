import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ContainerRecord } from '../../../src/engine/containers/record.js';
import { mount, unmount } from '../../../src/engine/sys/index.js';
import { eventually } from '../../support/engine-sandbox.js';
import { Engine, missing, soon } from './support.js';

describe.skipIf(missing !== undefined)(`where the disk takes nothing (needs ${missing ?? 'nothing more'})`, () => {
  let engine: Engine;
  let dataRoot: string;
  beforeAll(async () => {
    engine = await Engine.open();
    await engine.close();
    ({ dataRoot } = engine.dirs);
    // A disk of its own, small enough to be filled at once.
    const copy = join(engine.folder, 'copy');
    execFileSync('cp', ['-a', dataRoot, copy]);
    mount({ source: 'tmpfs', target: dataRoot, fstype: 'tmpfs', data: 'size=48m' });
    execFileSync('cp', ['-a', `${copy}/.`, dataRoot]);
    await engine.reopen();
  });
  afterAll(async () => {
    await engine.removeAll();
    await engine.close();
    unmount(dataRoot, { detach: true });
    await engine[Symbol.asyncDispose]();
  });

  const stateOf = async (name: string) => (await engine.containers.inspect(name, { size: false })).State;
  const written = (id: string) =>
    (
      JSON.parse(readFileSync(join(dataRoot, 'containers', id, 'container.json'), 'utf8')) as {
        record: ContainerRecord;
      }
    ).record;
  const sleeper = { Cmd: ['sleep', '600'], StopTimeout: 0 };

  /** Runs `work` while there is not a byte left. */
  async function whileFull(work: () => Promise<void>): Promise<void> {
    const filler = join(dataRoot, 'filler');
    execFileSync('sh', ['-c', `dd if=/dev/zero of=${filler} bs=4k 2>/dev/null; test -s ${filler}`]);
    try {
      await work();
    } finally {
      rmSync(filler);
    }
  }

  test('a container that ends has ended: waiters are told, all it had is given back, and it is written down later', async () => {
    const id = await engine.start(sleeper, 'ends');
    const { ended } = engine.containers.wait(id, 'next-exit', soon());
    await whileFull(async () => {
      await engine.containers.stop(id, { timeoutS: 0 }, soon());
      expect(await ended).toEqual({ StatusCode: 137 });
      expect(await stateOf(id)).toMatchObject({ Status: 'exited', ExitCode: 137 });
      await eventually('its bundle to go', () => !existsSync(join(engine.dirs.runtimeDir, 'b', id)));
      expect(written(id).state.status).toBe('running');
    });
    await engine.reopen();
    expect(await stateOf(id)).toMatchObject({ Status: 'exited', ExitCode: 137 });
  });

  test('how a container ended is known to an engine that comes after one that could write nothing down', async () => {
    const script = 'trap "exit 7" TERM; echo ready; while :; do sleep 0.02; done';
    const id = await engine.start({ Cmd: ['sh', '-c', script] }, 'told');
    await eventually('it minds the signal', async () => (await engine.output(id)) === 'ready\n');
    const exitFile = join(engine.dirs.runtimeDir, 'exits', id);
    await whileFull(async () => {
      await engine.containers.stop(id, {}, soon());
      await eventually('its bundle to go', () => !existsSync(join(engine.dirs.runtimeDir, 'b', id)));
      await engine.close();
      expect(written(id).state.status).toBe('running');
    });
    await engine.reopen();
    expect(await stateOf(id)).toMatchObject({ Status: 'exited', ExitCode: 7 });
    await engine.containers.remove(id, { force: false, volumes: false }, soon());
    expect(existsSync(exitFile)).toBe(false);
  });

  test('nothing is started, and what was not can be started and removed afterwards', async () => {
    const id = await engine.create(sleeper, 'never');
    await whileFull(async () => {
      await expect(engine.containers.start(id, soon())).rejects.toThrow('ENOSPC');
      expect((await stateOf(id)).Status).toBe('created');
      expect(engine.containers.running()).toBe(0);
    });
    expect(await engine.containers.start(id, soon())).toBe(true);
    await engine.containers.remove(id, { force: true, volumes: false }, soon());
  });

  test('a name that could not be given is free, and the old one holds', async () => {
    const id = await engine.create(sleeper, 'old-name');
    await whileFull(async () => {
      await expect(engine.containers.rename(id, 'new-name')).rejects.toThrow('ENOSPC');
      expect((await engine.containers.inspect('old-name', { size: false })).Name).toBe('/old-name');
    });
    await engine.containers.remove(id, { force: false, volumes: false }, soon());
    for (const name of ['old-name', 'new-name']) await engine.create(sleeper, name);
  });

  test('containers can be removed, running or not, which is how room is made', async () => {
    const ids = [await engine.start(sleeper), await engine.create(sleeper)];
    await whileFull(async () => {
      for (const id of ids) await engine.containers.remove(id, { force: true, volumes: true }, soon());
    });
    for (const id of ids) await expect(stateOf(id)).rejects.toThrow('No such container');
  });

  test('one that cannot be removed, as its disk is read-only, can be once that is over', async () => {
    const id = await engine.create(sleeper);
    const containers = join(dataRoot, 'containers');
    mount({ source: containers, target: containers, flags: ['bind'] });
    mount({ target: containers, flags: ['bind', 'remount', 'ro'] });
    await expect(engine.containers.remove(id, { force: false, volumes: false }, soon())).rejects.toThrow('EROFS');
    expect((await stateOf(id)).Status).toBe('dead');
    unmount(containers);
    await engine.containers.remove(id, { force: false, volumes: false }, soon());
    await expect(stateOf(id)).rejects.toThrow('No such container');
  });
});
