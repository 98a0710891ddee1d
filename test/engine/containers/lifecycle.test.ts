import { existsSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { hasCode } from '../../../src/base/errors.js';
import { listMountPoints, mount, unmount } from '../../../src/engine/sys/index.js';
import { eventually } from '../../support/engine-sandbox.js';
import { type Engine, engineForTests, missing, soon } from './support.js';

describe.skipIf(missing !== undefined)(`a container's life (needs ${missing ?? 'nothing more'})`, () => {
  let engine: Engine;
  engineForTests((opened) => (engine = opened));
  const statusOf = async (id: string) => (await engine.containers.inspect(id, { size: false })).State;

  test('it runs with what the image says and gives its exit code', async () => {
    const { id, exitCode, output } = await engine.sh('echo $FROM_IMAGE $HOME; exit 4');
    expect({ exitCode, output }).toEqual({ exitCode: 4, output: 'yes /root\n' });
    expect(await statusOf(id)).toMatchObject({ Status: 'exited', Running: false, ExitCode: 4, Pid: 0, Error: '' });
  });

  test('its name is its own until it is removed', async () => {
    const id = await engine.create({}, 'taken');
    await expect(engine.create({}, 'taken')).rejects.toThrow(
      `Conflict. The container name "/taken" is already in use by container "${id}". ` +
        'You have to remove (or rename) that container to be able to reuse that name.',
    );
    await engine.containers.remove('taken', { force: false, volumes: false }, soon());
    await engine.create({}, 'taken');
  });

  test('it is found by id, name and the beginning of its id', async () => {
    const id = await engine.create({}, 'findme');
    for (const reference of [id, id.slice(0, 12), 'findme', '/findme']) {
      expect((await engine.containers.inspect(reference, { size: false })).Id).toBe(id);
    }
    await expect(engine.containers.inspect('nobody', { size: false })).rejects.toThrow('No such container: nobody');
  });

  test('a second start finds it running', async () => {
    const id = await engine.start({ Cmd: ['sleep', '60'] });
    expect(await engine.containers.start(id, soon())).toBe(false);
    expect(await engine.containers.stop(id, { timeoutS: 0 }, soon())).toBe(true);
    expect(await engine.containers.stop(id, {}, soon())).toBe(false);
  });

  test('it is told to end before it is killed', async () => {
    const polite = await engine.start({
      Cmd: ['sh', '-c', 'trap "exit 3" TERM; echo ready; while :; do sleep 0.05; done'],
    });
    await eventually('it to listen', async () => (await engine.output(polite)).includes('ready'));
    await engine.containers.stop(polite, {}, soon());
    expect((await statusOf(polite)).ExitCode).toBe(3);
    const deaf = await engine.start({ Cmd: ['sh', '-c', 'trap "" TERM; while :; do sleep 0.05; done'] });
    await engine.containers.stop(deaf, { timeoutS: 0 }, soon());
    expect((await statusOf(deaf)).ExitCode).toBe(137);
  });

  test('it starts again after it has ended, with its files', async () => {
    const id = await engine.create({ Cmd: ['sh', '-c', 'echo x >> /count; cat /count | wc -l'] });
    for (let round = 0; round < 3; round += 1) {
      const { ended } = engine.containers.wait(id, 'next-exit', soon());
      await engine.containers.start(id, soon());
      await ended;
    }
    expect(await engine.output(id)).toBe('1\n2\n3\n');
  });

  test.each([
    [['nope'], 127, 'executable file not found in $PATH'],
    [['/not-a-program'], 126, 'permission denied'],
  ])('%j does not start, and it says so', async (Cmd, exitCode, said) => {
    const id = await engine.create({ Cmd });
    await expect(engine.containers.start(id, soon())).rejects.toThrow(said);
    expect(await statusOf(id)).toMatchObject({ Status: 'created', ExitCode: exitCode });
    await engine.containers.remove(id, { force: false, volumes: false }, soon());
  });

  test('it cannot be removed while it runs, unless by force', async () => {
    const id = await engine.start({ Cmd: ['sleep', '60'] }, 'busy');
    await expect(engine.containers.remove(id, { force: false, volumes: false }, soon())).rejects.toThrow(
      'cannot remove container "/busy": container is running: stop the container before removing or force remove',
    );
    await engine.containers.remove(id, { force: true, volumes: false }, soon());
    await expect(engine.containers.inspect(id, { size: false })).rejects.toThrow('No such container');
  });

  test('it goes by itself when that was asked for', async () => {
    const id = await engine.create({ Cmd: ['true'], HostConfig: { AutoRemove: true } });
    const { ended } = engine.containers.wait(id, 'removed', soon());
    await engine.containers.start(id, soon());
    expect(await ended).toEqual({ StatusCode: 0 });
    await expect(engine.containers.inspect(id, { size: false })).rejects.toThrow('No such container');
  });

  test('whoever waits for its removal hears of it, though a volume of it cannot be removed', async () => {
    const id = await engine.create({ Cmd: ['true'], Volumes: { '/mine': {} }, HostConfig: { AutoRemove: true } });
    const { Mounts } = await engine.containers.inspect(id, { size: false });
    const inUse = join(engine.rooms.volumes.inspect(Mounts[0]?.Name ?? '').Mountpoint, 'swap');
    writeFileSync(inUse, '');
    mount({ source: inUse, target: inUse, flags: ['bind'] });
    const { ended } = engine.containers.wait(id, 'removed', soon());
    await engine.containers.start(id, soon());
    expect(await ended).toEqual({ StatusCode: 0 });
    for (const point of listMountPoints().filter((path) => path.endsWith('/swap'))) unmount(point);
    expect(engine.logLines.splice(0).join('')).toContain('cannot remove an anonymous volume of a removed container');
  });

  test('paused it does nothing, and it goes on after that', async () => {
    const id = await engine.start({ Cmd: ['sh', '-c', 'while :; do echo >> /ticks; sleep 0.02; done'] });
    const { Pid } = await statusOf(id);
    // Not its output: that may be on its way when it stops.
    const ticks = () => statSync(join(`/proc/${Pid}/root`, 'ticks'), { throwIfNoEntry: false })?.size ?? 0;
    await eventually('the first of its work', () => ticks() > 0);
    await engine.containers.pause(id);
    const before = ticks();
    expect(await statusOf(id)).toMatchObject({ Status: 'paused', Running: true, Paused: true });
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(ticks()).toBe(before);
    await engine.containers.unpause(id);
    await eventually('more work', () => ticks() > before);
    await engine.containers.pause(id);
    await engine.containers.stop(id, { timeoutS: 1 }, soon());
    expect((await statusOf(id)).Status).toBe('exited');
  });

  test('it is renamed', async () => {
    const id = await engine.create({}, 'before');
    await engine.containers.rename('before', 'after');
    expect((await engine.containers.inspect('after', { size: false })).Id).toBe(id);
    await expect(engine.containers.inspect('before', { size: false })).rejects.toThrow('No such container');
  });

  test('one that fails is started again as often as its policy says', async () => {
    const RestartPolicy = { Name: 'on-failure', MaximumRetryCount: 2 } as const;
    const id = await engine.start({ Cmd: ['sh', '-c', 'echo run; exit 1'], HostConfig: { RestartPolicy } });
    await eventually('the end of all tries', async () => (await statusOf(id)).Status === 'exited');
    expect(await engine.output(id)).toBe('run\nrun\nrun\n');
    expect((await engine.containers.inspect(id, { size: false })).RestartCount).toBe(2);
    await engine.containers.start(id, soon()); // by hand: all tries anew
    await eventually('the end of all tries', async () => (await engine.output(id)) === 'run\n'.repeat(6));
    await eventually('the end', async () => (await statusOf(id)).Status === 'exited');
    expect((await engine.containers.inspect(id, { size: false })).RestartCount).toBe(2);
  });

  test('who waits for one between two runs waits for the end of the next, or for its stop', async () => {
    const RestartPolicy = { Name: 'always' } as const;
    const id = await engine.start({ Cmd: ['sh', '-c', 'echo run; exit 3'], HostConfig: { RestartPolicy } });
    const betweenRuns = async () => {
      const { State, RestartCount } = await engine.containers.inspect(id, { size: false });
      return State.Status === 'restarting' && RestartCount > 2;
    };
    await eventually('a pause between two runs', betweenRuns);
    const runs = await engine.output(id);
    expect(await engine.containers.wait(id, 'not-running', soon()).ended).toEqual({ StatusCode: 3 });
    expect((await engine.output(id)).length).toBeGreaterThan(runs.length);
    await eventually('a pause between two runs', betweenRuns);
    const { ended } = engine.containers.wait(id, 'not-running', soon());
    await engine.containers.stop(id, {}, soon());
    expect(await ended).toEqual({ StatusCode: 3 });
  });

  test('who waits for one that does not start by hand waits on; the start has the reason', async () => {
    const id = await engine.create({ Cmd: ['nope'] });
    const { ended } = engine.containers.wait(id, 'next-exit', soon());
    await expect(engine.containers.start(id, soon())).rejects.toThrow('executable file not found');
    await engine.containers.remove(id, { force: false, volumes: false }, soon());
    expect(await ended).toEqual({ StatusCode: 127 });
  });

  test('one that always runs again stays ended once it is stopped', async () => {
    const RestartPolicy = { Name: 'always' } as const;
    const id = await engine.start({ Cmd: ['sh', '-c', 'sleep 0.05'], HostConfig: { RestartPolicy } });
    await eventually('a restart', async () => (await engine.containers.inspect(id, { size: false })).RestartCount > 1);
    await engine.containers.stop(id, { timeoutS: 0 }, soon());
    expect((await statusOf(id)).Status).toBe('exited');
    await engine.containers.remove(id, { force: false, volumes: false }, soon());
  });

  test('too much memory ends it, which is told', async () => {
    const id = await engine.create({
      Cmd: ['dd', 'if=/dev/zero', 'of=/dev/null', 'bs=64M', 'count=1'],
      HostConfig: { Memory: 16 << 20, MemorySwap: 16 << 20 },
    });
    const { ended } = engine.containers.wait(id, 'next-exit', soon());
    await engine.containers.start(id, soon());
    expect((await ended).StatusCode).toBe(137);
    expect(await statusOf(id)).toMatchObject({ OOMKilled: true, ExitCode: 137 });
  });

  test('too much memory in a process that is not its first is told while it runs', async () => {
    const id = await engine.start({
      Cmd: ['sh', '-c', 'dd if=/dev/zero of=/dev/null bs=64M count=1; sleep 60'],
      HostConfig: { Memory: 16 << 20, MemorySwap: 16 << 20 },
    });
    await eventually('the engine to tell', async () => (await statusOf(id)).OOMKilled);
    expect(await statusOf(id)).toMatchObject({ OOMKilled: true, Running: true });
    await engine.containers.stop(id, { timeoutS: 0 }, soon());
    expect(await statusOf(id)).toMatchObject({ OOMKilled: true, Running: false });
  });

  test('its state of health is found out', async () => {
    const Healthcheck = { Test: ['CMD-SHELL', 'test -e /well && echo fine'], Interval: 30_000_000, Retries: 2 };
    const id = await engine.start({ Cmd: ['sleep', '60'], Healthcheck });
    expect((await statusOf(id)).Health?.Status).toBe('starting');
    await eventually('bad health', async () => (await statusOf(id)).Health?.Status === 'unhealthy');
    expect((await engine.exec(id, ['touch', '/well'])).exitCode).toBe(0);
    await eventually('good health', async () => (await statusOf(id)).Health?.Status === 'healthy');
    const { Health } = await statusOf(id);
    expect(Health).toMatchObject({ FailingStreak: 0 });
    expect(Health?.Log.at(-1)).toMatchObject({ ExitCode: 0, Output: 'fine\n' });
    expect(Health?.Log.length).toBeLessThanOrEqual(5);
  });

  test('nothing of it is left when it is gone', async () => {
    const id = await engine.start({ Cmd: ['sleep', '60'] });
    const { LogPath, GraphDriver } = await engine.containers.inspect(id, { size: false });
    await engine.containers.remove(id, { force: true, volumes: true }, soon());
    await eventually(
      'its files to go',
      () => !existsSync(LogPath) && !existsSync(GraphDriver.Data?.['UpperDir'] ?? ''),
    );
    expect(existsSync(GraphDriver.Data?.['MergedDir'] ?? '')).toBe(false);
  });

  test('what cannot work is refused before it exists', async () => {
    const refused = async (request: Parameters<Engine['create']>[0]) =>
      engine.create(request).then(
        () => 'accepted',
        (error: unknown) => (error instanceof Error ? error.message : String(error)),
      );
    expect(await refused({ Image: 'absent' })).toContain('No such image: absent');
    expect(await refused({ HostConfig: { CapAdd: ['FLY'] } })).toContain('FLY');
    expect(await refused({ HostConfig: { Memory: 1 } })).toBe('Minimum memory limit allowed is 6MB');
    expect(await refused({ HostConfig: { LogConfig: { Type: 'asdf' } } })).toBe(
      'error looking up logging plugin asdf: plugin "asdf" not found',
    );
    expect(await refused({ HostConfig: { Binds: ['/a:/b', '/c:/b'] } })).toBe('Duplicate mount point: /b');
    expect(hasCode(await engine.create({ Image: 'absent' }).catch((error: unknown) => error), 'image/not-found')).toBe(
      true,
    );
  });
});
