import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openCgroup, type BundleRequest } from '../../../src/engine/oci/index.js';
import { isAlive, processStartTime } from '../../../src/engine/sys/index.js';
import { Lab, missing } from './support.js';

describe.skipIf(missing !== undefined)(`a container under its monitor (needs ${missing ?? 'nothing more'})`, () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await Lab.open();
  });
  afterAll(() => lab[Symbol.asyncDispose]());
  const sh = async (script: string, change: Partial<BundleRequest> = {}) =>
    lab.run({ args: ['sh', '-c', script], ...change });

  test('its exit code and both streams are kept', async () => {
    const { exitCode, output } = await sh('echo out; echo err >&2; exit 7');
    expect(exitCode).toBe(7);
    expect(output.sort()).toEqual(['stderr F err', 'stdout F out']);
  });

  test('it is the first process in a process namespace of its own', async () => {
    const { output } = await sh('echo $$; hostname; ls /proc/1/ns >/dev/null && ps | head -n 3 | head -c 400');
    expect(output[0]).toBe('stdout F 1');
    expect(output[1]).toBe('stdout F lab');
  });

  test('the default filter and capabilities hold, with and without the compiled filter', async () => {
    for (let round = 0; round < 2; round += 1) {
      const { output } = await sh('cat /proc/self/status');
      const status = output.join('\n');
      expect(status).toContain('Seccomp:\t2');
      expect(status).toContain('CapEff:\t00000000a80425fb');
      expect(status).toContain('CapInh:\t0000000000000000');
    }
  });

  test('a user other than root has no effective capabilities, and its groups', async () => {
    const user = { uid: 1000, gid: 1000, additionalGids: [10], home: '/home/app' };
    const { output } = await sh('id; cat /proc/self/status; echo $HOME', { user });
    expect(output[0]).toBe('stdout F uid=1000(app) gid=1000(app) groups=10(wheel)');
    expect(output.join('\n')).toContain('CapEff:\t0000000000000000');
    expect(output.at(-1)).toBe('stdout F /home/app');
  });

  test('the kernel of the host cannot be changed from inside', async () => {
    const { output } = await sh(
      'echo 1 > /proc/sys/kernel/sysrq || echo no; mount -t tmpfs x /tmp || echo no; cat /proc/kcore',
    );
    expect(output.filter((line) => line.startsWith('stdout'))).toEqual(['stdout F no', 'stdout F no']);
  });

  test('its memory limit is in its own control group', async () => {
    const id = lab.newId();
    const spec = lab.spec({ id, args: ['sleep', '60'], hostConfig: { Memory: 64 << 20, PidsLimit: 20 } });
    await lab.oci.create(lab.monitored(id), spec, AbortSignal.timeout(30_000));
    await lab.oci.start(id);
    const cgroup = openCgroup(`${lab.oci.cgroupParent}/${id}`);
    expect(cgroup.pids()).toHaveLength(1);
    await lab.oci.discard(id, { monitor: true });
    expect(cgroup.exists()).toBe(false);
  });

  test('more memory than it may use ends it, and that is recorded', async () => {
    const id = lab.newId();
    const container = lab.monitored(id);
    const spec = lab.spec({
      id,
      args: ['dd', 'if=/dev/zero', 'of=/dev/null', 'bs=64M', 'count=1'],
      hostConfig: { Memory: 16 << 20, MemorySwap: 16 << 20 },
    });
    await lab.oci.create(container, spec, AbortSignal.timeout(30_000));
    await lab.oci.start(id);
    expect(await lab.exitCode(id)).toBe(137);
    expect(existsSync(join(container.bundle, 'oom'))).toBe(true);
  });

  test.each([
    [['no-such-program'], 127, 'exec: "no-such-program": executable file not found in $PATH'],
    [['/no/such/program'], 127, 'exec: "/no/such/program": stat /no/such/program: no such file or directory'],
    [['/not-a-program'], 126, 'exec: "/not-a-program": permission denied'],
    [['/etc'], 126, 'is a directory'],
  ])('the command %j is refused with %i', async (args, exitCode, text) => {
    const id = lab.newId();
    const create = lab.oci.create(
      lab.monitored(id, { program: args[0] ?? '' }),
      lab.spec({ id, args }),
      AbortSignal.timeout(30_000),
    );
    await expect(create).rejects.toThrow(text);
    await expect(create).rejects.toMatchObject({ code: 'oci/create-failed', facts: { exitCode } });
    expect(openCgroup(`${lab.oci.cgroupParent}/${id}`).exists()).toBe(false);
  });

  test('one that was created and never started is thrown away with its monitor', async () => {
    const id = lab.newId();
    const { pid, monitorPid } = await lab.oci.create(lab.monitored(id), lab.spec({ id }), AbortSignal.timeout(30_000));
    const [container, monitor] = [pid, monitorPid].map((one) => ({ pid: one, startTime: processStartTime(one) ?? '' }));
    await lab.oci.discard(id, { monitor: true });
    expect(container !== undefined && isAlive(container)).toBe(false);
    expect(monitor !== undefined && isAlive(monitor)).toBe(false);
    expect(lab.oci.runtimes.known().filter((one) => one === id)).toEqual([]);
  });
});
