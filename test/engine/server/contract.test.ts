import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ContainerCreateRequest } from '../../../src/api/container.js';
import { connectEngine, type AttachedStream, type EngineClient, type OutputChunk } from '../../../src/client/index.js';
import { eventually } from '../../support/engine-sandbox.js';
import { BusyboxRoot, EngineProcess } from './engine-process.js';

/** What our orchestrator relies on, held against our engine, and against the dockerd at TSCOMPOSE_PEER_HOST if given. */
const peerHost = process.env['TSCOMPOSE_PEER_HOST'];
const engines = ['the embedded engine', ...(peerHost === undefined ? [] : ['a dockerd'])];

const soon = () => AbortSignal.timeout(20_000);
const image = 'tscompose-contract:busybox';

describe.each(engines)('with %s', (which) => {
  const ours = which === 'a dockerd' ? undefined : new EngineProcess();
  let client: EngineClient;
  const made: string[] = [];

  beforeAll(async () => {
    await ours?.start();
    client = ours?.client ?? connectEngine({ host: peerHost ?? '' });
    using root = new BusyboxRoot();
    const query = { repo: 'tscompose-contract', tag: 'busybox', changes: ['CMD ["sh"]', 'ENV FROM=image'] };
    for await (const message of client.images.importTar(root.tar(), query, soon()))
      expect(message.status).toBeDefined();
  });
  afterAll(async () => {
    for (const id of made)
      await client.containers.remove(id, { force: true, volumes: true }, soon()).catch(() => undefined);
    if (ours === undefined) await client.images.remove(image, {}, soon());
    await ours?.[Symbol.asyncDispose]();
  });

  const create = async (request: ContainerCreateRequest, name?: string): Promise<string> => {
    const wanted = { Image: image, ...request, HostConfig: { NetworkMode: 'none', ...request.HostConfig } };
    const { Id } = await client.containers.create(wanted, name === undefined ? {} : { name }, soon());
    made.push(Id);
    return Id;
  };
  const sh = (script: string, more: ContainerCreateRequest = {}) => create({ ...more, Cmd: ['sh', '-c', script] });
  const failure = (work: Promise<unknown>): Promise<unknown> =>
    work.then(
      () => 'no failure',
      (error: unknown) => error,
    );
  const response = (status: number, message: string | RegExp) => ({
    code: 'engine/response',
    facts: { status },
    message: expect.stringMatching(message) as string,
  });

  test('a wait begun before the start gets the exit code', async () => {
    const id = await sh('exit 3');
    const { result } = await client.containers.beginWait(id, { condition: 'next-exit' }, soon());
    await client.containers.start(id, soon());
    expect(await result).toMatchObject({ StatusCode: 3 });
    expect(await client.containers.wait(id, {}, soon())).toMatchObject({ StatusCode: 3 });
  });

  test('an attach before the start sees every byte, on its stream', async () => {
    const id = await sh('echo out; echo err >&2; cat', {
      OpenStdin: true,
      StdinOnce: true,
      AttachStdin: true,
      AttachStdout: true,
      AttachStderr: true,
    });
    const attached = await client.containers.attach(id, { stdin: true }, soon());
    await client.containers.start(id, soon());
    attached.input.end('typed\n');
    expect(await streams(attached.output)).toEqual({ 1: 'out\ntyped\n', 2: 'err\n' });
  });

  test('a terminal has its size, merges its streams and can be resized', async () => {
    const id = await sh('read line; stty size; echo err >&2', { Tty: true, OpenStdin: true });
    const attached = await client.containers.attach(id, { stdin: true, tty: true }, soon());
    await client.containers.start(id, soon());
    await client.containers.resize(id, { rows: 41, columns: 99 }, soon());
    attached.input.write('\n');
    const { 1: text, 2: err } = await streams(attached.output);
    expect(text).toContain('41 99\r\nerr\r\n');
    expect(err).toBe('');
  });

  test('logs: streams, timestamps, tail, since, and following to the end', async () => {
    const id = await sh('echo one; echo two >&2; until test -e /go; do sleep 0.05; done; echo three');
    await client.containers.start(id, soon());
    const followed = streams(client.containers.logs(id, { follow: true }, soon()));
    await eventually('the first lines', async () => {
      const written = await streams(client.containers.logs(id, {}, soon()));
      return written[1] === 'one\n' && written[2] === 'two\n';
    });
    const { Id } = await client.exec.create(id, { AttachStdout: true, Cmd: ['touch', '/go'] }, soon());
    await streams((await client.exec.start(Id, {}, soon())).output);
    expect(await followed).toEqual({ 1: 'one\nthree\n', 2: 'two\n' });
    expect(await streams(client.containers.logs(id, { stderr: false, tail: 1 }, soon()))).toEqual({
      1: 'three\n',
      2: '',
    });
    const { 1: stamped } = await streams(client.containers.logs(id, { timestamps: true, tail: 1 }, soon()));
    expect(stamped).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z three\n$/);
    const [at = ''] = stamped.split(' ');
    expect(await streams(client.containers.logs(id, { since: at }, soon()))).toEqual({ 1: 'three\n', 2: '' });
  });

  test('exec: output, input, environment, folder, user, exit code', async () => {
    const id = await sh('exec sleep 1000', { Env: ['A=container'] });
    await client.containers.start(id, soon());
    const run = async (request: object, input?: string) => {
      const all = { AttachStdin: input !== undefined, AttachStdout: true, AttachStderr: true, ...request };
      const exec = await client.exec.create(id, all, soon());
      const session: AttachedStream = await client.exec.start(exec.Id, {}, soon());
      if (input !== undefined) session.input.end(input);
      const output = await streams(session.output);
      const { ExitCode, Running } = await client.exec.inspect(exec.Id, soon());
      return { ...output, ExitCode, Running };
    };
    const Cmd = ['sh', '-c', 'echo $A $B $FROM; pwd; id -u; exit 5'];
    expect(await run({ Cmd, Env: ['B=exec'], WorkingDir: '/tmp', User: '7' })).toEqual({
      1: 'container exec image\n/tmp\n7\n',
      2: '',
      ExitCode: 5,
      Running: false,
    });
    expect(await run({ Cmd: ['cat'] }, 'typed')).toMatchObject({ 1: 'typed', ExitCode: 0 });
    expect([126, 127]).toContain((await run({ Cmd: ['no-such-command'] })).ExitCode);
  });

  test('start and stop twice are no failure, and events tell of the first', async () => {
    const id = await sh('trap "exit 0" TERM; while :; do sleep 0.1; done');
    const controller = new AbortController();
    const events = client.events({ filters: { container: [id] } }, controller.signal);
    await events.opened;
    await client.containers.start(id, soon());
    await client.containers.start(id, soon());
    await client.containers.stop(id, { timeoutS: 5 }, soon());
    await client.containers.stop(id, { timeoutS: 5 }, soon());
    await client.containers.remove(id, {}, soon());
    const seen: string[] = [];
    for await (const { Action, Actor } of events) {
      seen.push(Action === 'die' ? `die ${Actor.Attributes['exitCode'] ?? ''}` : Action);
      if (Action === 'destroy') break;
    }
    expect(seen.filter((action) => action !== 'stop')).toEqual(['start', 'kill', 'die 0', 'destroy']);
    expect(seen).toContain('stop');
  });

  test('what is missing is 404, in words docker uses', async () => {
    expect(await failure(client.containers.inspect('nobody', soon()))).toMatchObject(
      response(404, /^No such container: nobody$/),
    );
    expect(await failure(client.images.inspect('nothing:here', soon()))).toMatchObject(
      response(404, /^No such image: nothing:here$/),
    );
    expect(await failure(client.networks.inspect('nowhere', soon()))).toMatchObject(
      response(404, /^network nowhere not found$/),
    );
    expect(await failure(client.volumes.inspect('nowhere', soon()))).toMatchObject(
      response(404, /^get nowhere: no such volume$/),
    );
    expect(await failure(client.exec.inspect('nobody', soon()))).toMatchObject(
      response(404, /^No such exec instance: nobody$/),
    );
    expect(await failure(client.containers.create({ Image: 'nothing:here' }, {}, soon()))).toMatchObject(
      response(404, /^No such image: nothing:here$/),
    );
    expect(await failure(client.containers.create({ Image: 'nothing' }, {}, soon()))).toMatchObject(
      response(404, /^No such image: nothing:latest$/),
    );
  });

  test('conflicts are 409', async () => {
    const id = await create({ Cmd: ['sleep', '1000'] }, 'tscompose-contract-name');
    expect(await failure(create({}, 'tscompose-contract-name'))).toMatchObject(
      response(409, `Conflict. The container name "/tscompose-contract-name" is already in use by container "${id}".`),
    );
    expect(await failure(client.containers.kill(id, {}, soon()))).toMatchObject(response(409, /is not running/));
    expect(await failure(client.exec.create(id, { Cmd: ['true'] }, soon()))).toMatchObject(
      response(409, /is not running/),
    );
    await client.containers.start(id, soon());
    expect(await failure(client.containers.remove(id, {}, soon()))).toMatchObject(
      response(409, /container is running: stop the container before removing or force remove$/),
    );
    await client.containers.pause(id, soon());
    expect(await failure(client.exec.create(id, { Cmd: ['true'] }, soon()))).toMatchObject(response(409, /paused/));
    await client.containers.remove(id, { force: true }, soon());
  });

  test('a command that is not there cannot be started, and the container stays as created', async () => {
    const id = await create({ Cmd: ['no-such-command'] });
    expect(await failure(client.containers.start(id, soon()))).toMatchObject(
      response(400, /exec: "no-such-command": executable file not found in \$PATH/),
    );
    const { State } = await client.containers.inspect(id, soon());
    expect(State).toMatchObject({ Status: 'created', ExitCode: 127, Running: false });
  });

  test('volumes: created again the same, in use not removed', async () => {
    const name = 'tscompose-contract-volume';
    const first = await client.volumes.create({ Name: name, Labels: { a: 'b' } }, soon());
    expect(await client.volumes.create({ Name: name }, soon())).toMatchObject({
      Name: name,
      CreatedAt: first.CreatedAt,
      Labels: { a: 'b' },
    });
    expect(await client.volumes.list({ filters: { label: ['a=b'] } }, soon())).toMatchObject([
      { Name: name, Driver: 'local' },
    ]);
    const id = await create({ HostConfig: { Binds: [`${name}:/data`] } });
    expect(await failure(client.volumes.remove(name, {}, soon()))).toMatchObject(response(409, /volume is in use/));
    await client.containers.remove(id, {}, soon());
    await client.volumes.remove(name, {}, soon());
    expect(await failure(client.volumes.remove(name, {}, soon()))).toMatchObject(response(404, /no such volume/));
  });

  test('networks: a taken name, a predefined one, one in use, and who is on it', async () => {
    const name = 'tscompose-contract-network';
    const { Id } = await client.networks.create({ Name: name, Labels: { a: 'b' } }, soon());
    try {
      expect(await failure(client.networks.create({ Name: name }, soon()))).toMatchObject(
        response(409, `network with name ${name} already exists`),
      );
      expect(await failure(client.networks.remove('bridge', soon()))).toMatchObject(response(403, /pre-defined/));
      const request = { Cmd: ['sleep', '1000'], HostConfig: { NetworkMode: name } };
      const id = await create({
        ...request,
        NetworkingConfig: { EndpointsConfig: { [name]: { Aliases: ['alias'] } } },
      });
      await client.containers.start(id, soon());
      const { Containers } = await client.networks.inspect(Id, soon());
      expect(Object.keys(Containers ?? {})).toEqual([id]);
      const inspect = await client.containers.inspect(id, soon());
      expect(inspect.NetworkSettings.Networks[name]).toMatchObject({ NetworkID: Id, IPPrefixLen: 16 });
      expect(inspect.NetworkSettings.Networks[name]?.DNSNames).toContain('alias');
      expect(inspect.NetworkSettings.Networks[name]?.Aliases).toEqual(['alias']);
      const older = connectEngine({
        host: ours === undefined ? (peerHost ?? '') : `unix://${ours.socket}`,
        apiVersion: '1.27',
      });
      try {
        const [listed, ...others] = await older.networks.list({ filters: { name: [`^${name}$`] } }, soon());
        expect([Object.keys(listed?.Containers ?? {}), others]).toEqual([[id], []]);
        const asked = await older.containers.inspect(id, soon());
        expect(asked.NetworkSettings.Networks[name]?.Aliases).toEqual(['alias', id.slice(0, 12)]);
      } finally {
        older.close();
      }
      expect(await failure(client.networks.remove(name, soon()))).toMatchObject(response(403, /has active endpoints/));
      await client.containers.remove(id, { force: true }, soon());
    } finally {
      await client.networks.remove(name, soon());
    }
  });

  test('archives go in and out', async () => {
    const id = await create({});
    const tar = spawn('sh', ['-c', 'cd $(mktemp -d); echo text > file; tar -c file; rm -r "$PWD"'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await client.containers.putArchive(id, { path: '/tmp' }, tar.stdout, soon());
    expect(await client.containers.statPath(id, '/tmp/file', soon())).toMatchObject({ name: 'file', size: 5 });
    const { tar: back } = await client.containers.getArchive(id, '/tmp/file', soon());
    const untar = spawn('tar', ['-xO'], { stdio: ['pipe', 'pipe', 'inherit'] });
    back.pipe(untar.stdin);
    expect(String(await once(untar.stdout, 'data'))).toBe('text\n');
    expect(await client.containers.changes(id, soon())).toContainEqual({ Path: '/tmp/file', Kind: 1 });
    expect(await failure(client.containers.statPath(id, '/no/where', soon()))).toMatchObject({
      facts: { status: 404 },
    });
    const nothing = spawn('true', { stdio: ['ignore', 'pipe', 'inherit'] }).stdout;
    expect(await failure(client.containers.putArchive(id, { path: '/no/where' }, nothing, soon()))).toMatchObject({
      facts: { status: 404 },
    });
  });

  test('a list shows what its filters ask for', async () => {
    const id = await create({ Labels: { contract: 'list', n: '1' } });
    const find = async (filters: Record<string, string[]>, all = true) =>
      (await client.containers.list({ all, filters: { label: ['contract=list'], ...filters } }, soon())).map(
        ({ Id }) => Id,
      );
    expect(await find({})).toEqual([id]);
    expect(await find({}, false)).toEqual([]);
    expect(await find({ status: ['created'] })).toEqual([id]);
    expect(await find({ status: ['running'] })).toEqual([]);
    expect(await find({ label: ['contract=list', 'n=2'] })).toEqual([]);
    expect(await find({ id: [id.slice(0, 12)] })).toEqual([id]);
    const colour = client.containers.list({ filters: { colour: ['red'] } }, soon());
    expect(await failure(colour)).toMatchObject(response(400, /invalid filter 'colour'/));
  });

  test('an update, a rename and a restart take effect', async () => {
    const id = await create({ Cmd: ['sleep', '1000'], HostConfig: { RestartPolicy: { Name: 'no' } } });
    await client.containers.start(id, soon());
    await client.containers.update(id, { RestartPolicy: { Name: 'unless-stopped' } }, soon());
    await client.containers.rename(id, 'tscompose-contract-renamed', soon());
    const before = await client.containers.inspect('tscompose-contract-renamed', soon());
    await client.containers.restart(id, { timeoutS: 0 }, soon());
    const after = await client.containers.inspect(id, soon());
    expect(after.HostConfig.RestartPolicy?.Name).toBe('unless-stopped');
    expect(after.State.Pid).not.toBe(before.State.Pid);
    expect(after.State.StartedAt > before.State.StartedAt).toBe(true);
  });
});

async function streams(output: AsyncIterable<OutputChunk>): Promise<Record<1 | 2, string>> {
  const text = { 1: '', 2: '' };
  for await (const { stream, payload } of output) text[stream] += payload.toString();
  return text;
}
