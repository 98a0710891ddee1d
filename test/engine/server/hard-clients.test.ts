import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { engineMissing, eventually } from '../../support/engine-sandbox.js';
import { memberBytes, tarOf } from '../snapshots/archives.js';
import { EngineProcess } from './engine-process.js';

/** What one that never reads is sent, and how many such there are: far more than the engine may keep of it. */
const loudMegabytes = Number(process.env['TSCOMPOSE_LOUD_MEGABYTES'] ?? 12);
const stalledClients = 8;
const keptMegabytes = 80;
const clientsAtOnce = 300;
const soon = () => AbortSignal.timeout(60_000);

describe.skipIf(engineMissing() !== undefined)('clients that are hard on the engine', () => {
  const engine = new EngineProcess();
  const sockets: Socket[] = [];
  let descriptors = 0;

  beforeAll(async () => {
    await engine.start();
    await engine.withBusybox();
  }, 60_000);
  afterAll(() => engine[Symbol.asyncDispose]());

  const openDescriptors = () => readdirSync(`/proc/${engine.pid}/fd`).length;
  /** Without connections that our own client keeps for later. */
  const settled = async () => {
    await engine.client.ping(soon());
    engine.client.close();
  };
  const residentMegabytes = () =>
    Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${engine.pid}/status`, 'utf8'))?.[1]) / 1024;

  /** A connection with a request on it; nothing is read before somebody asks for it. */
  const say = async (head: string, body: string | Buffer = '') => {
    const socket = connect({ path: engine.socket, allowHalfOpen: true })
      .setMaxListeners(0)
      .on('error', () => undefined);
    socket.pause();
    sockets.push(socket);
    await once(socket, 'connect');
    socket.write(`${head.trim().replaceAll('\n', '\r\n')}\r\nHost: docker\r\n\r\n`);
    if (body.length > 0) socket.write(body);
    return socket;
  };
  /** The first line of what comes before the other side ends or breaks off. */
  const answerOf = async (socket: Socket): Promise<string> => {
    let said = '';
    socket.on('data', (piece: Buffer) => (said += piece.toString('latin1'))).resume();
    await Promise.race([turn(socket, 'end'), turn(socket, 'close')]);
    return said.split('\r\n')[0] ?? '';
  };
  const start = async (script: string, more: object = {}): Promise<string> => {
    const request = { Image: 'busybox', Cmd: ['sh', '-c', script], HostConfig: { NetworkMode: 'none' }, ...more };
    const { Id } = await engine.client.containers.create(request, {}, soon());
    await engine.client.containers.start(Id, soon());
    return Id;
  };

  beforeEach(async () => {
    await settled();
    descriptors = openDescriptors();
  });
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    for (const { Id } of await engine.client.containers.list({ all: true }, soon())) {
      await engine.client.containers.remove(Id, { force: true, volumes: true }, soon());
    }
    await settled();
    await eventually('as many descriptors as before', () => openDescriptors() <= descriptors);
  });

  test('who does not read costs no memory and holds up nobody', async () => {
    const lines = loudMegabytes * 1_000;
    const id = await start(`awk 'BEGIN { for (i = 1; i <= ${lines}; i++) printf("%d %0990d\\n", i, 0) }'`);
    const before = residentMegabytes();
    for (let client = 0; client < stalledClients; client++) {
      await say(`GET /containers/${id}/logs?follow=1&stdout=1 HTTP/1.1`);
      await say(`POST /containers/${id}/attach?stream=1&logs=1&stdout=1 HTTP/1.1\nConnection: Upgrade\nUpgrade: tcp`);
      await say('GET /events HTTP/1.1');
    }
    const numbers: number[] = [];
    let rest = '';
    for await (const { payload } of engine.client.containers.logs(id, { follow: true }, soon())) {
      const pieces = (rest + payload.toString('latin1')).split('\n');
      rest = pieces.pop() ?? '';
      for (const line of pieces) numbers.push(Number(line.split(' ', 1)[0]));
    }
    expect(numbers.length).toBe(lines);
    expect(numbers.findIndex((number, index) => number !== index + 1)).toBe(-1);
    expect((await engine.client.containers.inspect(id, soon())).State.ExitCode).toBe(0);
    expect(residentMegabytes() - before).toBeLessThan(keptMegabytes);
  }, 120_000);

  test('a build whose output nobody reads ends with its client', async () => {
    const loud = `yes ${'x'.repeat(500)} | head -c ${10 * loudMegabytes}m`;
    const dockerfile = `FROM busybox\nRUN ${loud}; exec sleep 98765\n`;
    const context = Buffer.concat([
      memberBytes({ path: 'Dockerfile', content: Buffer.from(dockerfile) }),
      Buffer.alloc(20 << 10), // as tar fills its last record
    ]);
    const before = residentMegabytes();
    const head = `POST /build?nocache=1 HTTP/1.1\nContent-Type: application/x-tar\nContent-Length: ${context.byteLength}`;
    const socket = await say(head, context);
    const isRunning = () => readdirSync(engine.runtimeDir).some((name) => name.startsWith('step-'));
    await eventually('the end of what it says', saysNoMore);
    await engine.client.containers.list({}, soon());
    expect(residentMegabytes() - before).toBeLessThan(keptMegabytes);
    socket.destroy();
    await eventually('the end of the step', () => !isRunning());
  }, 60_000);

  test('an upload that breaks off leaves nothing', async () => {
    const id = await start('mkdir /into; sleep 1000');
    const files = (): string | undefined => {
      try {
        const all = readdirSync(engine.dataRoot, { recursive: true, encoding: 'utf8' });
        return all
          .filter((path) => !path.includes('/upper/'))
          .sort()
          .join();
      } catch {
        return undefined; // something goes while it is looked at
      }
    };
    const member = memberBytes({ path: 'whole', content: Buffer.alloc(1 << 20, 'w') });
    const half = Buffer.concat([
      member,
      tarOf({ path: 'half', content: Buffer.alloc(4 << 20, 'h') }).subarray(0, 1 << 20),
    ]);
    await eventually('its folder', async () => (await engine.client.containers.list({}, soon())).length === 1);
    const before = files();
    const requests = [
      'POST /build HTTP/1.1',
      'POST /images/load HTTP/1.1',
      'POST /images/create?fromSrc=-&repo=halves HTTP/1.1',
      `PUT /containers/${id}/archive?path=/into HTTP/1.1`,
    ];
    for (const head of requests) {
      const socket = await say(
        `${head}\nContent-Type: application/x-tar\nContent-Length: ${half.byteLength * 2}`,
        half,
      );
      await new Promise((resolve) => setTimeout(resolve, 50)); // any moment will do
      socket.destroy();
    }
    await eventually('nothing of it', () => files() === before);
    expect((await engine.client.images.list({}, soon())).map(({ RepoTags }) => RepoTags)).toEqual([['busybox:latest']]);
  });

  test(`${clientsAtOnce} clients at once are all answered`, async () => {
    const id = await start('sleep 1000');
    const lists = Array.from({ length: clientsAtOnce }, async () => {
      const socket = await say('GET /containers/json HTTP/1.1\nConnection: close');
      return (await answerOf(socket)).split(' ')[1];
    });
    const execs = Array.from({ length: 20 }, async (_, index) => {
      const { Id } = await engine.client.exec.create(id, { Cmd: ['sh', '-c', `exit ${index}`] }, soon());
      await engine.client.exec.startDetached(Id, {}, soon());
      let code: number | null = null;
      await eventually(
        'its end',
        async () => (code = (await engine.client.exec.inspect(Id, soon())).ExitCode) !== null,
      );
      return code;
    });
    expect(new Set(await Promise.all(lists))).toEqual(new Set(['200']));
    expect(await Promise.all(execs)).toEqual(Array.from({ length: 20 }, (_, index) => index));
  }, 60_000);

  test('what is no request is refused, and what is too large, at once', async () => {
    const create = 'POST /containers/create HTTP/1.1\nContent-Type: application/json';
    expect(await answerOf(await say('NONSENSE'))).toMatch(/^HTTP\/1.1 400 /);
    expect(await answerOf(await say(`${create}\nTransfer-Encoding: chunked`, 'zz\r\n{}\r\n0\r\n\r\n'))).toMatch(
      /^HTTP\/1.1 400 /,
    );
    expect(await answerOf(await say(`${create}\nConnection: close\nContent-Length: 5`, '{"a":'))).toMatch(
      /^HTTP\/1.1 400 /,
    );
    const endless = await say(`${create}\nTransfer-Encoding: chunked`);
    const feeding = feed(endless, Buffer.from(`10000\r\n${' '.repeat(0x10000)}\r\n`));
    expect(await answerOf(endless)).toMatch(/^HTTP\/1.1 (400|413) /);
    await feeding;
    const cut = await say(`${create}\nContent-Length: 100`, '{');
    cut.end();
    expect(await answerOf(cut)).toMatch(/^(HTTP\/1.1 400 |$)/);
  }, 60_000);

  test('an attached stream may be closed on either side first', async () => {
    const id = await start('cat; echo over; sleep 1000', { OpenStdin: true, StdinOnce: true });
    const attach = `POST /containers/${id}/attach?stream=1&stdin=1&stdout=1 HTTP/1.1\nConnection: Upgrade\nUpgrade: tcp`;
    const gone = await say(attach.replace('&stdin=1', ''));
    await once(gone.resume(), 'data');
    gone.destroy();
    const socket = await say(attach);
    let said = '';
    socket.on('data', (piece: Buffer) => (said += piece.toString('latin1'))).resume();
    await eventually('the upgrade', () => said.includes('101 UPGRADED'));
    socket.end('spoken\n');
    await eventually('what follows the end of input', () => said.includes('spoken\n') && said.includes('over\n'));
    await engine.client.containers.kill(id, { signal: 'KILL' }, soon());
    await eventually('the end of output', () => socket.readableEnded);
  }, 60_000);
});

/** Whether the program runs that comes behind the output of the build. */
function saysNoMore(): boolean {
  const commandOf = (pid: string) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'latin1');
    } catch {
      return ''; // gone
    }
  };
  return readdirSync('/proc').some((name) => /^\d+$/.test(name) && commandOf(name) === 'sleep\u000098765\u0000');
}

const turn = (socket: Socket, event: string) => new Promise((resolve) => socket.once(event, resolve));

/** Sends the same until the other side closes, or has had 64 MB. */
async function feed(socket: Socket, piece: Buffer): Promise<void> {
  for (let sent = 0; sent < 64 << 20 && !socket.destroyed && socket.writable; sent += piece.byteLength) {
    if (!socket.write(piece)) await Promise.race([turn(socket, 'drain'), turn(socket, 'close')]);
  }
}
