import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import { delimiter, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { eventually } from '../../support/engine-sandbox.js';
import { type Engine, engineForTests, missing, soon } from './support.js';

describe.skipIf(missing !== undefined)(`how a container is walled in (needs ${missing ?? 'nothing more'})`, () => {
  let engine: Engine;
  engineForTests((opened) => (engine = opened));
  const inspect = (id: string) => engine.containers.inspect(id, { size: false });

  test('on the bridge it has an address, a gateway and its name in /etc/hosts', async () => {
    const id = await engine.start({ Cmd: ['sleep', '60'], Hostname: 'named' });
    const { bridge } = (await inspect(id)).NetworkSettings.Networks;
    expect(bridge?.IPAddress).toMatch(/^\d+\.\d+\.\d+\.\d+$/);
    const { output } = await engine.exec(id, ['cat', '/etc/hosts', '/etc/hostname']);
    expect(output).toContain(`${bridge?.IPAddress ?? ''}\tnamed`);
    expect(output.trim().endsWith('named')).toBe(true);
    await engine.containers.stop(id, { timeoutS: 0 }, soon());
    expect((await inspect(id)).NetworkSettings.Networks['bridge']).toMatchObject({ IPAddress: '', EndpointID: '' });
  });

  const installed = (name: string): boolean =>
    (process.env['PATH'] ?? '').split(delimiter).some((folder) => existsSync(join(folder, name)));

  test.each(['crun', 'runc'].filter(installed))(
    'all it does is done by the runtime it asks for: %s',
    async (runtime) => {
      const id = await engine.start({ Cmd: ['sleep', '60'], HostConfig: { Runtime: runtime } });
      const known = () => ['crun', 'runc'].filter((name) => existsSync(join(engine.dirs.runtimeDir, name, id)));
      expect(known()).toEqual([runtime]);
      await engine.reopen();
      expect(await engine.exec(id, ['echo', 'inside'])).toEqual({ exitCode: 0, output: 'inside\n' });
      await engine.containers.pause(id);
      await engine.containers.unpause(id);
      await engine.containers.update(id, { PidsLimit: 50 }, soon());
      await engine.containers.restart(id, { timeoutS: 0 }, soon());
      expect(known()).toEqual([runtime]);
      expect((await inspect(id)).HostConfig.Runtime).toBe(runtime);
      await engine.containers.remove(id, { force: true, volumes: false }, soon());
      expect(known()).toEqual([]);
    },
  );

  test('its published port is its own, and given back at its end', async () => {
    const request = {
      Cmd: ['sleep', '60'],
      HostConfig: { PortBindings: { '80/tcp': [{ HostIp: '127.0.0.1', HostPort: '28480' }] } },
    };
    const first = await engine.start(request);
    expect((await inspect(first)).NetworkSettings.Ports['80/tcp']).toEqual([
      { HostIp: '127.0.0.1', HostPort: '28480' },
    ]);
    const second = await engine.create(request);
    await expect(engine.containers.start(second, soon())).rejects.toMatchObject({ code: 'network/port-in-use' });
    expect((await inspect(second)).State).toMatchObject({ Status: 'created', ExitCode: 128 });
    await engine.containers.remove(first, { force: true, volumes: false }, soon());
    expect(await engine.containers.start(second, soon())).toBe(true);
  });

  test('it can share the network, the processes and the memory of another', async () => {
    const donor = await engine.start({
      Cmd: ['sh', '-c', 'echo x > /dev/shm/file; sleep 60'],
      Hostname: 'donor',
      HostConfig: { IpcMode: 'shareable' },
    });
    const HostConfig = {
      NetworkMode: `container:${donor}`,
      PidMode: `container:${donor}`,
      IpcMode: `container:${donor}`,
    };
    const { output } = await engine.sh(
      'cat /etc/hostname; cat /dev/shm/file; ps | while read p u c; do echo "$c"; done',
      { HostConfig },
    );
    expect(output).toContain('donor\nx\n');
    expect(output).toContain('sleep 60');
    const own = await engine.start({ Cmd: ['sleep', '60'] });
    await expect(engine.start({ Cmd: ['true'], HostConfig: { IpcMode: `container:${own}` } })).rejects.toThrow(
      'non-shareable IPC',
    );
    await engine.containers.stop(own, { timeoutS: 0 }, soon());
    await expect(engine.start({ Cmd: ['true'], HostConfig: { NetworkMode: `container:${own}` } })).rejects.toThrow(
      `cannot join network of a non running container: ${own}`,
    );
  });

  test('it can share what the host has', async () => {
    const HostConfig = { NetworkMode: 'host', PidMode: 'host', UTSMode: 'host', IpcMode: 'host' };
    const { output } = await engine.sh('hostname; ls -d /proc/[0-9]* | while read l; do echo p; done', { HostConfig });
    expect(output.split('\n')[0]).toBe(hostname());
    expect(output.split('\n').length).toBeGreaterThan(10);
  });

  test('without network it has only a loopback', async () => {
    const { output } = await engine.sh('cat /proc/net/dev', { HostConfig: { NetworkMode: 'none' } });
    expect(output.match(/^\s*\w+:/gm)?.map((name) => name.trim())).toEqual(['lo:']);
  });

  test('it joins a network once it has left the one that is none', async () => {
    const id = await engine.start({ Cmd: ['sleep', '60'], HostConfig: { NetworkMode: 'none' } });
    const join = () => engine.containers.connectNetwork(id, 'bridge', {}, soon());
    await expect(join()).rejects.toThrow('one of the networks in private (none) mode');
    await engine.containers.disconnectNetwork(id, 'none');
    expect((await inspect(id)).NetworkSettings.Networks).toEqual({});
    await join();
    expect((await engine.exec(id, ['cat', '/proc/net/dev'])).output).toContain('eth0:');
    await engine.containers.restart(id, { timeoutS: 0 }, soon());
    expect(Object.keys((await inspect(id)).NetworkSettings.Networks)).toEqual(['bridge']);
    await engine.containers.remove(id, { force: true, volumes: true }, soon());
  });

  test('it joins and leaves networks while it runs', async () => {
    await engine.rooms.networks.create({ Name: 'extra' });
    const id = await engine.start({ Cmd: ['sleep', '60'] });
    const links = async () => (await engine.exec(id, ['cat', '/proc/net/dev'])).output.match(/eth\d/g) ?? [];
    expect(await links()).toEqual(['eth0']);
    await engine.containers.connectNetwork(id, 'extra', { Aliases: ['other'] }, soon());
    expect(await links()).toEqual(['eth0', 'eth1']);
    expect(Object.keys((await inspect(id)).NetworkSettings.Networks).sort()).toEqual(['bridge', 'extra']);
    await expect(engine.containers.connectNetwork(id, 'extra', {}, soon())).rejects.toThrow(
      'already exists in network extra',
    );
    await engine.containers.disconnectNetwork(id, 'extra');
    expect(await links()).toEqual(['eth0']);
    await expect(engine.containers.disconnectNetwork(id, 'extra')).rejects.toThrow('is not connected to network extra');
    await engine.rooms.networks.remove('extra');
  });

  test('privileged it may do what the engine may', async () => {
    const { output } = await engine.sh(
      'mount -t tmpfs x /tmp && echo mounted; cat /proc/self/status; ls -d /dev/null',
      { HostConfig: { Privileged: true } },
    );
    expect(output).toContain('mounted\n');
    expect(output).toContain('Seccomp:\t0');
  });

  test('it has the limits and settings that it was given', async () => {
    const { output } = await engine.sh(
      'ulimit -n; cat /proc/sys/net/core/somaxconn; cat /proc/self/oom_score_adj; cat /proc/self/status',
      {
        HostConfig: {
          Ulimits: [{ Name: 'nofile', Soft: 100, Hard: 200 }],
          Sysctls: { 'net.core.somaxconn': '77' },
          OomScoreAdj: 300,
          SecurityOpt: ['no-new-privileges'],
          CapDrop: ['ALL'],
          CapAdd: ['NET_ADMIN'],
        },
      },
    );
    expect(output.split('\n').slice(0, 3)).toEqual(['100', '77', '300']);
    expect(output).toContain('NoNewPrivs:\t1');
    expect(output).toContain('CapEff:\t0000000000001000');
  });

  test('its limits change while it runs', async () => {
    const id = await engine.start({ Cmd: ['sleep', '60'], HostConfig: { Memory: 32 << 20 } });
    const memory = async () => {
      for await (const sample of engine.containers.stats(id, { stream: false, oneShot: true }, soon()))
        return sample.memory_stats.limit;
      return undefined;
    };
    expect(await memory()).toBe(32 << 20);
    expect((await inspect(id)).HostConfig.MemorySwap).toBe(64 << 20); // as much swap as memory
    await expect(engine.containers.update(id, { Memory: 96 << 20 }, soon())).rejects.toThrow('memoryswap limit');
    await engine.containers.update(
      id,
      { Memory: 48 << 20, MemorySwap: 96 << 20, RestartPolicy: { Name: 'always' } },
      soon(),
    );
    expect(await memory()).toBe(48 << 20);
    await engine.containers.update(id, { MemorySwap: 64 << 20 }, soon()); // beside the memory that it has
    expect((await inspect(id)).HostConfig).toMatchObject({
      Memory: 48 << 20,
      MemorySwap: 64 << 20,
      RestartPolicy: { Name: 'always' },
    });
    await engine.containers.stop(id, { timeoutS: 0 }, soon());
  });

  test('its use of the machine is told', async () => {
    const id = await engine.start({ Cmd: ['sh', '-c', 'i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; sleep 60'] });
    for await (const sample of engine.containers.stats(id, { stream: false, oneShot: false }, soon())) {
      expect(sample.cpu_stats.cpu_usage.total_usage).toBeGreaterThan(0);
      expect(sample.precpu_stats.system_cpu_usage).toBeGreaterThan(0);
      expect(sample.memory_stats.usage).toBeGreaterThan(0);
      expect(sample.pids_stats.current).toBe(1);
      expect(Object.keys(sample.networks ?? {})).toEqual(['eth0']);
    }
    const { Titles, Processes } = await engine.containers.top(id, '-ef', soon());
    expect(Titles).toContain('PID');
    expect(Processes).toHaveLength(1);
  });

  test('lists find it by what is asked for', async () => {
    const id = await engine.start(
      { Cmd: ['sleep', '60'], Labels: { tier: 'x' }, HostConfig: { Binds: ['listvol:/v'] } },
      'listed-one',
    );
    const other = await engine.create({ Labels: { tier: 'y' } }, 'listed-two');
    const found = async (filters: Record<string, string[]>, all = true) =>
      (await engine.containers.list({ all, size: false, filters: { name: ['listed'], ...filters } })).map(
        ({ Id }) => Id,
      );
    expect(await found({})).toEqual([other, id]);
    expect(await found({}, false)).toEqual([id]);
    expect(await found({ label: ['tier=y'] })).toEqual([other]);
    expect(await found({ status: ['created'] }, false)).toEqual([other]);
    expect(await found({ volume: ['listvol'] })).toEqual([id]);
    expect(await found({ network: ['bridge'] })).toEqual([other, id]);
    expect(await found({ ancestor: ['busybox'] })).toEqual([other, id]);
    expect(await found({ since: ['listed-one'] })).toEqual([other]);
    expect(await found({ before: ['listed-two'] })).toEqual([id]);
    await expect(found({ status: ['flying'] })).rejects.toThrow('invalid filter');
  });

  test('events tell its life in order', async () => {
    const left = new AbortController();
    const seen: string[] = [];
    const reading = (async () => {
      for await (const event of engine.rooms.events.subscribe(
        { filters: { type: ['container'], container: ['eventful'] } },
        left.signal,
      )) {
        seen.push(event.Action);
      }
    })();
    const id = await engine.start({ Cmd: ['sleep', '60'] }, 'eventful');
    await engine.containers.stop(id, { timeoutS: 0 }, soon());
    await engine.containers.remove(id, { force: false, volumes: false }, soon());
    await eventually('the last event', () => seen.includes('destroy'));
    left.abort();
    await reading;
    expect(seen.filter((action) => action !== 'die' && action !== 'stop')).toEqual([
      'create',
      'start',
      'kill',
      'kill',
      'destroy',
    ]);
    expect(seen).toEqual(expect.arrayContaining(['die', 'stop']));
  });
});
