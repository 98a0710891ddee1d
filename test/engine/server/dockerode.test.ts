import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import Docker from 'dockerode';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EngineProcess } from './engine-process.js';

/** What programs do through the most used client library for Node. */
describe('dockerode', () => {
  const engine = new EngineProcess();
  let docker: Docker;

  beforeAll(async () => {
    await engine.start();
    await engine.withBusybox();
    docker = new Docker({ socketPath: engine.socket });
  });
  afterAll(() => engine[Symbol.asyncDispose]());

  const sleeper = async (name: string): Promise<Docker.Container> => {
    const container = await docker.createContainer({ name, Image: 'busybox', Cmd: ['sleep', '1000'] });
    await container.start();
    return container;
  };

  test('run gives output on its streams, and the exit code', async () => {
    const [out, err] = [new PassThrough(), new PassThrough()];
    const texts = Promise.all([text(out), text(err)]);
    const command = ['sh', '-c', 'echo out; echo err >&2; exit 3'];
    const [{ StatusCode }, container] = (await docker.run('busybox', command, [out, err], { Tty: false })) as [
      { StatusCode: number },
      Docker.Container,
    ];
    out.end();
    err.end();
    expect([StatusCode, ...(await texts)]).toEqual([3, 'out\n', 'err\n']);
    await container.remove();
  });

  test('a container is created, inspected, listed, stopped and removed', async () => {
    const container = await sleeper('lived');
    expect((await container.inspect()).State).toMatchObject({ Running: true, Status: 'running' });
    const listed = await docker.listContainers({ filters: { name: ['lived'] } });
    expect(listed.map(({ Names, State }) => ({ Names, State }))).toEqual([{ Names: ['/lived'], State: 'running' }]);
    await container.stop({ t: 0 });
    await expect(container.stop()).rejects.toMatchObject({ statusCode: 304 });
    await container.remove();
    await expect(container.inspect()).rejects.toMatchObject({ statusCode: 404, reason: 'no such container' });
  });

  test('exec has input, output and an exit code', async () => {
    const container = await sleeper('exec');
    const exec = await container.exec({
      Cmd: ['sh', '-c', 'read line; echo "got $line"; exit 4'],
      AttachStdin: true,
      AttachStdout: true,
      AttachStderr: true,
    });
    const stream = await exec.start({ hijack: true, stdin: true });
    const [out, err] = [new PassThrough(), new PassThrough()];
    docker.modem.demuxStream(stream, out, err);
    stream.write('typed\n');
    await once(stream, 'end');
    expect(String(out.read())).toBe('got typed\n');
    expect(await exec.inspect()).toMatchObject({ ExitCode: 4, Running: false });
    await container.remove({ force: true });
  });

  test('attach before the start, logs and wait', async () => {
    const container = await docker.createContainer({ Image: 'busybox', Cmd: ['sh', '-c', 'echo one; echo two'] });
    const stream = await container.attach({ stream: true, stdout: true, stderr: true });
    const out = new PassThrough();
    docker.modem.demuxStream(stream, out, out);
    const ended = once(stream, 'end');
    await container.start();
    expect(await container.wait()).toMatchObject({ StatusCode: 0 });
    await ended;
    expect(String(out.read())).toBe('one\ntwo\n');
    const logs = await container.logs({ stdout: true, stderr: true, tail: 1, follow: false });
    expect(logs.subarray(8).toString()).toBe('two\n'); // past the head of the one frame
    await container.remove();
  });

  test('files go in and out as archives', async () => {
    const container = await sleeper('files');
    const tar = await container.getArchive({ path: '/etc/hostname' });
    const bytes = await buffer(tar);
    expect(bytes.includes('hostname')).toBe(true);
    await container.putArchive(bytes, { path: '/tmp' });
    expect(await container.infoArchive({ path: '/tmp/hostname' })).toMatchObject({ statusCode: 200 });
    await container.remove({ force: true });
  });

  test('networks and volumes', async () => {
    const network = await docker.createNetwork({ Name: 'club' });
    const container = await sleeper('member');
    await network.connect({ Container: container.id });
    const { Containers } = (await network.inspect()) as { Containers: Record<string, { Name: string }> };
    expect(Object.values(Containers).map(({ Name }) => Name)).toEqual(['member']);
    await network.disconnect({ Container: container.id });
    await container.remove({ force: true });
    await network.remove();
    await docker.createVolume({ Name: 'kept' });
    const { Volumes } = await docker.listVolumes();
    expect(Volumes.map(({ Name }) => Name)).toEqual(['kept']);
    await docker.getVolume('kept').remove();
  });

  test('events and stats stream', async () => {
    const events = (await docker.getEvents({ filters: { event: ['start'] } })) as NodeJS.ReadableStream & {
      destroy(): void;
    };
    const first = once(events, 'data') as Promise<[Buffer]>;
    const container = await sleeper('watched');
    expect(JSON.parse(String((await first)[0]))).toMatchObject({ Action: 'start', Actor: { ID: container.id } });
    events.destroy();
    expect(await container.stats({ stream: false })).toMatchObject({ pids_stats: { current: 1 } });
    await container.remove({ force: true });
  });

  test('an image is built, tagged, saved, loaded and removed', async () => {
    const source = await sleeper('source');
    const { Id } = (await source.commit({ repo: 'made', tag: 'one' })) as { Id: string };
    await docker.getImage(Id).tag({ repo: 'made', tag: 'two' });
    const archive = await docker.getImage('made:two').get();
    await docker.getImage('made:two').remove();
    const progress = await docker.loadImage(archive);
    expect(await text(progress)).toContain('Loaded image: made:two');
    expect((await docker.listImages({ filters: { reference: ['made'] } })).map(({ RepoTags }) => RepoTags)).toEqual([
      ['made:one', 'made:two'],
    ]);
    await source.remove({ force: true });
  });

  test('version, info, ping and disk usage', async () => {
    expect(await docker.version()).toMatchObject({ Os: 'linux' });
    expect(await docker.info()).toMatchObject({ OSType: 'linux', Driver: 'overlay2' });
    expect(String(await docker.ping())).toBe('OK');
    expect(await docker.df()).toMatchObject({ Containers: expect.any(Array) as unknown[] });
  });
});
