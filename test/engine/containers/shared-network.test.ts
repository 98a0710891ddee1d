import { readdirSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { Engine, missing, soon } from './support.js';

describe.skipIf(missing !== undefined)('a network namespace that others have joined', () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await Engine.open();
    await engine.rooms.networks.create({ Name: 'front' });
  });
  afterEach(() => engine.removeAll());
  afterAll(() => engine[Symbol.asyncDispose]());

  const forever = { Cmd: ['sleep', '1000'], StopSignal: 'SIGKILL' };
  const startOwner = (more: object = {}) =>
    engine.start({ ...forever, HostConfig: { NetworkMode: 'front' }, ...more }, 'owner');
  const startJoiner = (owner: string, script = 'mkdir /w; echo joined >/w/i; httpd -f -p 80 -h /w') =>
    engine.start({ Cmd: ['sh', '-c', script], HostConfig: { NetworkMode: `container:${owner}` } });
  /** What is served at the address that another container finds under the name. */
  const askFrom = async (asker: string, name: string): Promise<string> => {
    const { output } = await engine.exec(asker, ['sh', '-c', `nslookup -type=a ${name}`]);
    const address = /^Name:.*\nAddress: (.*)$/m.exec(output)?.[1] ?? '';
    const end = Date.now() + 20_000;
    for (;;) {
      try {
        return await (await fetch(`http://${address}/i`, { signal: AbortSignal.timeout(2_000) })).text();
      } catch (error) {
        if (Date.now() > end) return `${name} at ${address}: ${String(error)}`; // not yet served
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  };
  const addressOf = async (id: string) =>
    (await engine.containers.inspect(id, { size: false })).NetworkSettings.Networks['front']?.IPAddress ?? '';

  test('goes on over restarts of its owner: same address, names and links for all', async () => {
    const other = await engine.start({ ...forever, HostConfig: { NetworkMode: 'front' } }, 'other');
    const owner = await startOwner();
    const joiner = await startJoiner(owner);
    const address = await addressOf(owner);
    expect(await askFrom(other, 'owner')).toBe('joined\n');
    await engine.containers.restart(owner, { timeoutS: 0 }, soon());
    expect(await addressOf(owner)).toBe(address);
    expect(await askFrom(other, 'owner')).toBe('joined\n');
    expect((await engine.exec(joiner, ['sh', '-c', 'nslookup other'])).exitCode).toBe(0);
  });

  test('goes on while its owner is down, also for the next engine', async () => {
    const other = await engine.start({ ...forever, HostConfig: { NetworkMode: 'front' } }, 'other');
    const owner = await startOwner();
    await startJoiner(owner);
    await engine.containers.stop(owner, { timeoutS: 0 }, soon());
    expect(await askFrom(other, 'owner')).toBe('joined\n');
    await engine.reopen();
    expect(await askFrom(other, 'owner')).toBe('joined\n');
    await engine.containers.start(owner, soon());
    expect(await askFrom(other, 'owner')).toBe('joined\n');
  });

  test('is taken off a network that is replaced while its owner is down, and put on the new one', async () => {
    await engine.rooms.networks.create({ Name: 'changing' });
    const owner = await startOwner({ HostConfig: { NetworkMode: 'changing' } });
    const other = await engine.start({ ...forever, HostConfig: { NetworkMode: 'changing' } }, 'other');
    await startJoiner(owner);
    await engine.containers.stop(owner, { timeoutS: 0 }, soon());
    for (const id of [owner, other]) await engine.containers.disconnectNetwork(id, 'changing');
    await engine.rooms.networks.remove('changing');
    await engine.rooms.networks.create({ Name: 'changing', Labels: { changed: 'yes' } });
    for (const id of [owner, other]) await engine.containers.connectNetwork(id, 'changing', {}, soon());
    await engine.containers.start(owner, soon());
    expect(await askFrom(other, 'owner')).toBe('joined\n');
  });

  /** An open connection to a joiner that answers what it is told. */
  const talkTo = async (address: string): Promise<Socket & { ask(text: string): Promise<string> }> => {
    for (const end = Date.now() + 20_000; ;) {
      const socket = connect({ host: address, port: 81 });
      const open = await new Promise<boolean>((resolve) => {
        socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
      });
      if (!open && Date.now() < end) continue;
      const ask = (text: string) =>
        new Promise<string>((resolve, reject) => {
          socket.once('data', (chunk) => resolve(chunk.toString()));
          socket.once('close', () => reject(new Error('the connection was closed')));
          socket.setTimeout(20_000, () => socket.destroy()).write(text);
        });
      return Object.assign(socket, { ask });
    }
  };
  const echo = 'mkdir /w; echo joined >/w/i; httpd -p 80 -h /w; exec nc -ll -p 81 -e cat';
  const front = { NetworkMode: 'front' };
  const published = { PortBindings: { '80/tcp': [{ HostIp: '127.0.0.1', HostPort: '' }] } };
  const hostPort = async (id: string): Promise<string> =>
    (await engine.containers.inspect(id, { size: false })).NetworkSettings.Ports['80/tcp']?.[0]?.HostPort ?? '';
  const onHost = async (port: string) => (await fetch(`http://127.0.0.1:${port}/i`)).text();
  /** As `up` replaces a container: the new one is there before the old one goes. */
  const replace = async (old: string, request: object): Promise<string> => {
    const Labels = { 'com.docker.compose.replace': old };
    const next = await engine.create({ ...forever, ...request, Labels }, 'temporary');
    await engine.containers.stop(old, { timeoutS: 0 }, soon());
    await engine.containers.remove(old, { force: false, volumes: false }, soon());
    await engine.containers.rename(next, 'owner');
    await engine.containers.start(next, soon());
    return next;
  };

  test('keeps the connections of those who joined when its owner is replaced, again and again', async () => {
    const other = await engine.start({ ...forever, HostConfig: front }, 'other');
    const first = await startOwner({ HostConfig: { ...front, ...published } });
    const port = await hostPort(first);
    const joiner = await startJoiner('owner', echo);
    const address = await addressOf(first);
    const connection = await talkTo(address);
    expect(await connection.ask('one')).toBe('one');
    let owner = first;
    for (const round of ['two', 'three']) {
      owner = await replace(owner, { HostConfig: { ...front, ...published } });
      expect(await addressOf(owner)).toBe(address);
      expect(await connection.ask(round)).toBe(round);
    }
    connection.destroy();
    expect(await askFrom(other, 'owner')).toBe('joined\n');
    expect(await onHost(await hostPort(owner))).toBe('joined\n');
    expect(await hostPort(owner)).toBe(port); // free to choose, and nobody took it away
    expect((await engine.containers.inspect(joiner, { size: false })).Tscompose?.NetworkOf).toBe(owner);
    await engine.reopen();
    expect(await askFrom(other, 'owner')).toBe('joined\n');
    // A joiner's own restart finds the one that took the place of what its mode names.
    await engine.containers.restart(joiner, { timeoutS: 0 }, soon());
    expect(await askFrom(other, 'owner')).toBe('joined\n');
    await engine.removeAll();
    expect(readdirSync(join(engine.dirs.runtimeDir, 'sandboxes'))).toEqual([]);
  });

  test('is given to the next container with its name, with the networks and ports that this one asks for', async () => {
    await engine.rooms.networks.create({ Name: 'back' });
    const other = await engine.start({ ...forever, HostConfig: { NetworkMode: 'back' } }, 'other');
    const first = await startOwner();
    await startJoiner(first, echo);
    const connection = await talkTo(await addressOf(first));
    await engine.containers.remove(first, { force: true, volumes: false }, soon());
    const second = await startOwner({
      HostConfig: { ...front, ...published },
      NetworkingConfig: { EndpointsConfig: { front: {}, back: { Aliases: ['vpn'] } } },
    });
    expect(await connection.ask('kept')).toBe('kept');
    connection.destroy();
    expect(await askFrom(other, 'vpn')).toBe('joined\n');
    expect(await onHost(await hostPort(second))).toBe('joined\n');
    await engine.containers.remove(second, { force: true, volumes: false }, soon());
    const third = await startOwner({ HostConfig: { NetworkMode: 'back' } });
    expect(await addressOf(third)).toBe('');
    expect(await askFrom(other, 'owner')).toBe('joined\n');
    expect((await engine.exec(other, ['sh', '-c', 'nslookup -type=a vpn'])).exitCode).toBe(1);
  });

  test('keeps connections when its owner crashes and comes back by its policy', async () => {
    const owner = await startOwner({ HostConfig: { ...front, RestartPolicy: { Name: 'always' } } });
    await startJoiner(owner, echo);
    const connection = await talkTo(await addressOf(owner));
    const stateOf = async () => (await engine.containers.inspect(owner, { size: false })).State;
    const { ended } = engine.containers.wait(owner, 'next-exit', soon());
    process.kill((await stateOf()).Pid, 'SIGKILL');
    await ended;
    expect(await connection.ask('while it is down')).toBe('while it is down');
    await expect.poll(async () => (await stateOf()).Running, { timeout: 10_000 }).toBe(true);
    expect(await connection.ask('afterwards')).toBe('afterwards');
    connection.destroy();
  });

  test('is given back with the last of them, its address and name too', async () => {
    const other = await engine.start({ ...forever, HostConfig: { NetworkMode: 'front' } }, 'other');
    const owner = await startOwner();
    const joiners = [await startJoiner(owner, 'sleep 1000'), await startJoiner(owner, 'sleep 1000')];
    await engine.containers.remove(owner, { force: true, volumes: false }, soon());
    for (const joiner of joiners) {
      expect((await engine.exec(other, ['sh', '-c', 'nslookup owner'])).exitCode).toBe(0);
      await engine.containers.remove(joiner, { force: true, volumes: false }, soon());
    }
    expect((await engine.exec(other, ['sh', '-c', 'nslookup owner'])).exitCode).toBe(1);
    const { Containers = {} } = engine.rooms.networks.inspect(engine.rooms.networks.resolve('front'), {
      containers: true,
    });
    expect(Object.keys(Containers)).toEqual([other]);
  });
});
