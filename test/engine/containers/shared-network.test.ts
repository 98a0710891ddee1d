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
    const end = Date.now() + 5_000;
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
