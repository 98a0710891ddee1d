import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ContainerRecord } from '../../../src/engine/containers/record.js';
import { openCgroup } from '../../../src/engine/oci/index.js';
import { isAlive, isMountPoint, listMountPoints, mount, unmount } from '../../../src/engine/sys/index.js';
import { shortEngineId } from '../../../src/engine/main/engine-id.js';
import { eventually } from '../../support/engine-sandbox.js';
import { Engine, missing, soon, text } from './support.js';

describe.skipIf(missing !== undefined)(`a new engine finds (needs ${missing ?? 'nothing more'})`, () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await Engine.open();
  });
  afterAll(async () => {
    await engine[Symbol.asyncDispose]();
  });
  const stateOf = async (id: string) => (await engine.containers.inspect(id, { size: false })).State;
  const lostRunOf = async (id: string) => (await engine.containers.inspect(id, { size: false })).Tscompose?.LostRun;
  const recordPath = (id: string) => join(engine.dirs.dataRoot, 'containers', id, 'container.json');
  const bundle = (id: string) => join(engine.dirs.runtimeDir, 'b', id);
  const read = (id: string) =>
    JSON.parse(readFileSync(recordPath(id), 'utf8')) as { schema: number; record: ContainerRecord };
  /** Changes what the last engine wrote while no engine runs. */
  const rewrite = (id: string, change: Partial<ContainerRecord['state']>) => {
    const { schema, record } = read(id);
    writeFileSync(
      recordPath(id),
      JSON.stringify({ schema, record: { ...record, state: { ...record.state, ...change } } }),
    );
  };
  const kill = async (pid: number) => {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[19] ?? '';
    process.kill(pid, 'SIGKILL');
    await eventually(`the end of ${pid}`, () => !isAlive({ pid, startTime: stat }));
  };
  const nothingLeft = async (id: string) => {
    await eventually('the bundle to go', () => !existsSync(bundle(id)));
    expect(readdirSync(join(engine.dirs.runtimeDir, 'crun'))).not.toContain(id);
    expect(openCgroup(`/tscompose-${shortEngineId(engine.dirs.dataRoot)}/${id}`).exists()).toBe(false);
    expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain(bundle(id));
  };

  test('a running container as it is: output, processes, address, end', async () => {
    const id = await engine.start(
      { Cmd: ['sh', '-c', 'i=0; while :; do echo $i; i=$((i+1)); sleep 0.02; done'] },
      'adopted',
    );
    const before = await engine.containers.inspect(id, { size: false });
    await engine.reopen();
    const after = await engine.containers.inspect(id, { size: false });
    expect(after.State).toEqual(before.State);
    expect(after.NetworkSettings.Networks['bridge']?.IPAddress).toBe(
      before.NetworkSettings.Networks['bridge']?.IPAddress,
    );
    const count = (await engine.output(id)).split('\n').length;
    await eventually('more output', async () => (await engine.output(id)).split('\n').length > count);
    const numbers = (await engine.output(id)).trim().split('\n').map(Number);
    expect(numbers).toEqual(numbers.map((_, index) => index));
    expect((await engine.exec(id, ['echo', 'here'])).output).toBe('here\n');
    const how = { follow: true, stdout: true, stderr: true, tail: 0, timestamps: false, details: false };
    const followed = text(engine.containers.logs(id, how, soon()).output);
    await engine.containers.stop(id, { timeoutS: 0 }, soon());
    expect((await followed).length).toBeGreaterThanOrEqual(0);
    expect((await stateOf(id)).ExitCode).toBe(137);
    await nothingLeft(id);
    expect(await engine.containers.start(id, soon())).toBe(true);
  });

  test('one to be removed after its run, and yet to be started, as it is', async () => {
    const HostConfig = { AutoRemove: true };
    const id = await engine.create({ Cmd: ['true'], HostConfig });
    const failed = await engine.create({ Cmd: ['true'], HostConfig });
    await engine.close();
    rewrite(failed, { error: 'no such device', exitCode: 128 });
    await engine.reopen();
    expect((await stateOf(id)).Status).toBe('created');
    expect(existsSync(recordPath(failed))).toBe(false);
    expect(await engine.containers.start(id, soon())).toBe(true);
    await eventually('its removal', () => !existsSync(recordPath(id)));
  });

  test('the exit code and time of one that ended in between', async () => {
    const id = await engine.start({ Cmd: ['sh', '-c', 'while ! test -e /go; do sleep 0.05; done; exit 42'] });
    const { Pid } = await stateOf(id);
    await engine.close();
    writeFileSync(`/proc/${Pid}/root/go`, '');
    await eventually('its end', () => existsSync(join(engine.dirs.runtimeDir, 'exits', id)));
    await new Promise((resolve) => setTimeout(resolve, 300));
    const noticed = Date.now();
    await engine.reopen();
    await eventually('the exit', async () => (await stateOf(id)).Status === 'exited');
    const { ExitCode, FinishedAt } = await stateOf(id);
    expect(ExitCode).toBe(42);
    expect(Date.parse(FinishedAt)).toBeLessThan(noticed - 200);
    await nothingLeft(id);
  });

  test('one whose monitor was killed with it, and says so', async () => {
    const id = await engine.start({ Cmd: ['sleep', '600'] });
    const { process: first, monitor } = read(id).record.state;
    await engine.close();
    await kill(monitor?.pid ?? 0);
    await kill(first?.pid ?? 0);
    await engine.reopen();
    await eventually('the exit', async () => (await stateOf(id)).Status === 'exited');
    expect(await stateOf(id)).toMatchObject({ ExitCode: 137, Error: 'the monitor of the container ended before it' });
    expect(await lostRunOf(id)).toMatchObject({ Cause: 'monitor' });
    await nothingLeft(id);
  });

  test('one that was being started, and takes it back', async () => {
    const id = await engine.start({ Cmd: ['sleep', '600'] });
    const { process: first } = read(id).record.state;
    await engine.close();
    rewrite(id, { status: 'starting' });
    await engine.reopen();
    expect(await stateOf(id)).toMatchObject({ Status: 'created', Error: 'the engine ended while starting it' });
    expect(first !== undefined && isAlive(first)).toBe(false);
    await nothingLeft(id);
    expect(await engine.containers.start(id, soon())).toBe(true);
  });

  test('one that was being started by its policy, and starts it', async () => {
    const id = await engine.create({ Cmd: ['sleep', '600'], HostConfig: { RestartPolicy: { Name: 'always' } } });
    await engine.close();
    rewrite(id, { status: 'starting', due: true });
    await engine.reopen();
    await eventually('its run', async () => (await stateOf(id)).Status === 'running');
    expect(read(id).record.state).not.toHaveProperty('due');
    await engine.containers.remove(id, { force: true, volumes: false }, soon());
  });

  test('one that the engine was restarting, whatever its policy, and goes on with that', async () => {
    const request = { Cmd: ['sleep', '600'], StopTimeout: 0 };
    const [living, ended] = [await engine.start(request), await engine.start(request)];
    const before = [await stateOf(living), await stateOf(ended)].map(({ Pid }) => Pid);
    await engine.close();
    for (const id of [living, ended]) rewrite(id, { engineRestart: { delayMs: 0, unhealthyRestarts: 3 } });
    process.kill(before[1] ?? 0, 'SIGKILL');
    await eventually('its end', () => existsSync(join(engine.dirs.runtimeDir, 'exits', ended)));
    await engine.reopen();
    for (const [index, id] of [living, ended].entries()) {
      await eventually('the next run', async () => {
        const { Pid, Status } = await stateOf(id);
        return Pid !== before[index] && Status === 'running';
      });
      const { state } = read(id).record;
      expect([state.unhealthyRestarts, state.engineRestart]).toEqual([3, undefined]);
      await engine.containers.remove(id, { force: true, volumes: false }, soon());
    }
  });

  test('one that was being removed, and finishes that', async () => {
    const id = await engine.create({ Cmd: ['true'] });
    await engine.close();
    rewrite(id, { status: 'removing' });
    await engine.reopen();
    await expect(engine.containers.inspect(id, { size: false })).rejects.toThrow('No such container');
    await eventually('its files to go', () => !existsSync(recordPath(id)));
  });

  test('what was being created, and removes it with its volumes', async () => {
    const id = 'f'.repeat(64);
    const { name } = await engine.rooms.volumes.create({}, { madeFor: id });
    mkdirSync(join(engine.dirs.dataRoot, 'containers', id, 'upper'), { recursive: true });
    await engine.reopen();
    expect(engine.rooms.volumes.find(name)).toBeUndefined();
    expect(existsSync(join(engine.dirs.dataRoot, 'containers', id))).toBe(false);
  });

  test('files that cannot be removed, and starts all the same, and removes them when they can be', async () => {
    const { dataRoot, runtimeDir } = engine.dirs;
    const id = 'e'.repeat(64);
    const stuck = [
      join(dataRoot, 'containers', `.trash-${id}`),
      join(dataRoot, 'containers', id),
      join(dataRoot, 'volumes', '.removed-stuck'),
      join(dataRoot, 'layers', 'staging', 'stuck'),
      join(runtimeDir, 'b', id),
      join(runtimeDir, `step-${'e'.repeat(24)}`),
    ];
    const note = join(dataRoot, 'containers', 'a-note');
    writeFileSync(note, 'of a person');
    for (const folder of stuck) {
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, 'swap'), '');
      // In use, as an immutable file is to rm(1): EBUSY. A file that is mounted on is not unmounted by any sweep.
      mount({ source: join(folder, 'swap'), target: join(folder, 'swap'), flags: ['bind'] });
    }
    await engine.reopen();
    const told = engine.logLines.splice(0).filter((line) => line.includes('cannot remove what was left behind'));
    const name = await engine.start({ Cmd: ['true'] });
    await engine.containers.remove(name, { force: true, volumes: false }, soon());
    for (const folder of stuck) if (isMountPoint(join(folder, 'swap'))) unmount(join(folder, 'swap'));
    await engine.reopen();
    expect(stuck.filter(existsSync)).toEqual([]);
    expect(told.length).toBeGreaterThanOrEqual(4);
    expect(readFileSync(note, 'utf8')).toBe('of a person');
    rmSync(note);
  });

  test('a container that nobody knows, and ends it', async () => {
    const id = await engine.start({ Cmd: ['sleep', '600'] });
    const { process: first } = read(id).record.state;
    await engine.close();
    rmSync(recordPath(id));
    await engine.reopen();
    expect(first !== undefined && isAlive(first)).toBe(false);
    await nothingLeft(id);
  });

  test('one to be started again, and does so', async () => {
    const RestartPolicy = { Name: 'always' } as const;
    const id = await engine.start({ Cmd: ['sleep', '600'], HostConfig: { RestartPolicy } });
    const { Pid } = await stateOf(id);
    await engine.close();
    process.kill(Pid, 'SIGKILL');
    await eventually('its end', () => existsSync(join(engine.dirs.runtimeDir, 'exits', id)));
    await engine.reopen();
    await eventually(
      'the next run',
      async () => (await stateOf(id)).Pid !== Pid && (await stateOf(id)).Status === 'running',
    );
    expect((await engine.containers.inspect(id, { size: false })).RestartCount).toBe(1);
    await engine.containers.remove(id, { force: true, volumes: false }, soon());
  });

  test('after a boot nothing running, and starts what its policy says', async () => {
    await engine.removeAll();
    const request = (Name: 'always' | 'no' | 'unless-stopped') => ({
      Cmd: ['sleep', '600'],
      HostConfig: { RestartPolicy: { Name } },
    });
    const [always, never, stopped] = [
      await engine.start(request('always')),
      await engine.start(request('no')),
      await engine.start(request('unless-stopped')),
    ];
    await engine.containers.stop(stopped, { timeoutS: 0 }, soon());
    const pids = [always, never].map((id) => read(id).record.state);
    await engine.close();
    const long = '2020-01-02T03:04:05.000000000Z'; // before the host was started
    rewrite(never, { startedAt: long });
    for (const { process: first, monitor } of pids) {
      await kill(monitor?.pid ?? 0);
      await kill(first?.pid ?? 0);
    }
    for (const point of listMountPoints())
      if (point.startsWith(engine.dirs.runtimeDir)) unmount(point, { detach: true });
    rmSync(join(engine.dirs.runtimeDir, 'b'), { recursive: true });
    rmSync(join(engine.dirs.runtimeDir, 'exits'), { recursive: true });
    rmSync(join(engine.dirs.runtimeDir, 'engine-ran'));
    await engine.reopen();
    expect(await stateOf(never)).toMatchObject({ Status: 'exited', ExitCode: 255 });
    expect(await lostRunOf(never)).toMatchObject({ Cause: 'host' });
    const { After = '', Before = '' } = (await lostRunOf(never)) ?? {};
    expect([long, After, Before, new Date().toISOString()].toSorted()).toEqual([
      long,
      After,
      Before,
      expect.anything(),
    ]);
    await engine.containers.start(never, soon());
    expect(await lostRunOf(never)).toBeUndefined();
    expect((await stateOf(stopped)).Status).toBe('exited');
    await eventually('the next run', async () => (await stateOf(always)).Status === 'running');
  });
});
