import type { Http2Stream } from 'node:http2';
import { createServer, connect, type Socket } from 'node:net';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterEach, describe, expect, test } from 'vitest';
import { type Channel, openChannel } from '../../../../src/engine/buildkit/grpc/client.js';
import { GrpcFailure, grpcCode } from '../../../../src/engine/buildkit/grpc/failure.js';
import { messagesOf } from '../../../../src/engine/buildkit/grpc/frames.js';
import { type Methods, serveGrpc, serverStream, unary } from '../../../../src/engine/buildkit/grpc/server.js';
import { agentsOf, credentialsOf, secretsOf, uploadOf } from '../../../../src/engine/buildkit/session/ask.js';
import { sendFolder } from '../../../../src/engine/buildkit/session/send.js';
import type { ClientSession } from '../../../../src/engine/buildkit/session/sessions.js';
import { bytesMessage, nothing } from '../../../../src/api/buildkit/common.js';
import {
  credentialsRequest,
  credentialsResponse,
  packet,
  packetType,
  secretRequest,
  secretResponse,
} from '../../../../src/engine/buildkit/wire/session.js';

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const work of undo.splice(0).reverse()) await work();
});
const signal = AbortSignal.timeout(60_000); // for all tests here together

/** Calls to `methods` over a connection of their own. */
async function channelTo(methods: Methods): Promise<Channel> {
  const dir = mkdtempSync(join(tmpdir(), 'tsc-grpc-'));
  undo.push(() => rmSync(dir, { recursive: true }));
  const path = join(dir, 'socket');
  const server = createServer();
  const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve));
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const channel = openChannel(connect(path));
  const served = serveGrpc(await accepted, methods, signal);
  undo.push(async () => {
    channel.close();
    await served;
    server.close();
  });
  return channel;
}

async function sessionWith(methods: Methods): Promise<ClientSession> {
  return { id: 'id', sharedKey: '', methods: new Set(Object.keys(methods)), channel: await channelTo(methods) };
}

/** Both ends of a connection; an end that hears of the other's end stays open, as those of an http server do. */
async function halfOpenPair(): Promise<{ client: Socket; server: Socket }> {
  const dir = mkdtempSync(join(tmpdir(), 'tsc-grpc-'));
  const listener = createServer({ allowHalfOpen: true });
  const accepted = new Promise<Socket>((resolve) => listener.once('connection', resolve));
  await new Promise<void>((resolve) => listener.listen(join(dir, 'socket'), resolve));
  const client = connect(join(dir, 'socket'));
  const server = await accepted;
  undo.push(() => {
    client.destroy();
    server.destroy();
    listener.close();
    rmSync(dir, { recursive: true });
  });
  return { client, server };
}

const echo = unary(bytesMessage, bytesMessage, ({ data }) => ({ data }));

describe('a client that goes away without a word', () => {
  test('ends the connection on which it called', async () => {
    const { client, server } = await halfOpenPair();
    const served = serveGrpc(server, {}, signal);
    client.destroy();
    await served;
    expect(server.destroyed).toBe(true);
  });

  test('ends the connection on which it was called', async () => {
    const { client, server } = await halfOpenPair();
    const channel = openChannel(server);
    const closed = new Promise((resolve) => channel.closed.addEventListener('abort', resolve, { once: true }));
    client.destroy();
    await closed;
  });
});

describe('calls', () => {
  test('are answered, small and large, many at once', async () => {
    const channel = await channelTo({ '/echo': echo });
    const sizes = [0, 1, 70_000, 3 << 20, 5];
    const answers = await Promise.all(
      sizes.map((size) =>
        channel.call('/echo', bytesMessage, bytesMessage, { data: Buffer.alloc(size, 1) }, { signal }),
      ),
    );
    expect(answers.map(({ data }) => data.byteLength)).toEqual(sizes);
  });

  test('that fail say so in the words and with the details they were given', async () => {
    const details = [{ typeUrl: 'some/type', value: Buffer.from('{}') }];
    const channel = await channelTo({
      '/fail': unary(nothing, nothing, () => {
        throw new GrpcFailure(grpcCode.notFound, 'gone – 100%\n', details);
      }),
    });
    await expect(channel.call('/fail', nothing, nothing, {}, { signal })).rejects.toMatchObject({
      code: grpcCode.notFound,
      message: 'gone – 100%\n',
      details: [{ typeUrl: 'some/type' }],
    });
    await expect(channel.call('/none', nothing, nothing, {}, { signal })).rejects.toMatchObject({
      code: grpcCode.unimplemented,
    });
  });

  test('that are canceled are so on both sides', async () => {
    let reason: unknown;
    const begun = new AbortController();
    const channel = await channelTo({
      '/wait': serverStream(nothing, nothing, async (_question, call) => {
        begun.abort();
        await new Promise<void>((resolve) => call.signal.addEventListener('abort', () => resolve(), { once: true }));
        reason = call.signal.reason;
      }),
    });
    const gone = new AbortController();
    const call = channel.call('/wait', nothing, nothing, {}, { signal: gone.signal });
    begun.signal.addEventListener('abort', () => gone.abort(new Error('no more')));
    await expect(call).rejects.toThrow('no more');
    await expect.poll(() => reason, { timeout: 10_000 }).toBeInstanceOf(GrpcFailure);
  });

  test('end with the connection', async () => {
    const channel = await channelTo({
      '/wait': unary(
        nothing,
        nothing,
        (_question, call) =>
          new Promise((_resolve, reject) => call.signal.addEventListener('abort', () => reject(new Error('ended')))),
      ),
    });
    const call = channel.call('/wait', nothing, nothing, {}, { signal });
    setImmediate(() => channel.close());
    await expect(call).rejects.toBeInstanceOf(GrpcFailure);
    await expect.poll(() => channel.closed.aborted, { timeout: 10_000 }).toBe(true);
  });

  test('with a message that is too large end before it is kept', async () => {
    let taken = 0;
    const chunks = function* (): Generator<Buffer> {
      yield Buffer.from([0, 0x7f, 0, 0, 0]);
      for (; taken < 1_000; taken++) yield Buffer.alloc(64);
    };
    const stream = { iterator: chunks } as unknown as Http2Stream;
    await expect(messagesOf(stream).next()).rejects.toThrow('too large');
    expect(taken).toBe(0);
  });
});

describe('what a client has', () => {
  test('a secret is its bytes; one it has not is none; without secrets nobody asks', async () => {
    const methods: Methods = {
      '/moby.buildkit.secrets.v1.Secrets/GetSecret': unary(secretRequest, secretResponse, ({ id }) => {
        if (id !== 'known') throw new GrpcFailure(grpcCode.unknown, `secret ${id} not found`);
        return { data: Buffer.from('hush') };
      }),
    };
    const secrets = secretsOf(await sessionWith(methods));
    expect(Buffer.from((await secrets('known', signal)) ?? []).toString()).toBe('hush');
    expect(await secrets('other', signal)).toBeUndefined();
    expect(await secretsOf(await sessionWith({}))('known', signal)).toBeUndefined();
  });

  test('an agent is spoken to in both directions, each connection for itself', async () => {
    const heads: (string | undefined)[] = [];
    const methods: Methods = {
      '/moby.sshforward.v1.SSH/CheckAgent': unary(nothing, nothing, () => ({})),
      '/moby.sshforward.v1.SSH/ForwardAgent': {
        run: async (incoming, call, send) => {
          heads.push(call.metadata('buildkit.ssh.id'));
          for await (const said of incoming) {
            const { data } = bytesMessage.decode(said);
            send(bytesMessage.encode({ data: Buffer.from(Buffer.from(data).toString().toUpperCase()) }));
          }
        },
      },
    };
    const connectAgent = await agentsOf(await sessionWith(methods), signal)('work', signal);
    if (connectAgent === undefined) throw new Error('no agent');
    const answers = await Promise.all(
      ['one', 'two'].map(async (word) => {
        const connection = connectAgent();
        connection.end(word);
        return (await buffer(connection)).toString();
      }),
    );
    expect(answers).toEqual(['ONE', 'TWO']);
    expect(heads).toEqual(['work', 'work']);
  });

  test('an agent of a client that went away is a connection that breaks, not a failure of ours', async () => {
    const methods: Methods = {
      '/moby.sshforward.v1.SSH/CheckAgent': unary(nothing, nothing, () => ({})),
      '/moby.sshforward.v1.SSH/ForwardAgent': echo,
    };
    const session = await sessionWith(methods);
    const connectAgent = await agentsOf(session, signal)('default', signal);
    session.channel.close();
    await expect.poll(() => session.channel.closed.aborted, { timeout: 10_000 }).toBe(true);
    const connection = connectAgent?.();
    const failure = await new Promise((resolve) => connection?.once('error', resolve));
    expect(failure).toBeInstanceOf(GrpcFailure);
  });

  test('credentials are a name with a password or a token, by the host that clients know', async () => {
    const known: Record<string, { username: string; secret: string }> = {
      'registry-1.docker.io': { username: 'me', secret: 'pass' },
      'ghcr.io': { username: '', secret: 'token' },
    };
    const methods: Methods = {
      '/moby.filesync.v1.Auth/Credentials': unary(
        credentialsRequest,
        credentialsResponse,
        ({ host }) => known[host] ?? {},
      ),
    };
    const of = credentialsOf(await sessionWith(methods), signal);
    expect(await of('docker.io')).toEqual({ username: 'me', password: 'pass', serveraddress: 'docker.io' });
    expect(await of('ghcr.io')).toEqual({ identitytoken: 'token' });
    expect(await of('example.org')).toBeUndefined();
  });

  test('an upload is read to its end', async () => {
    const methods: Methods = {
      '/moby.upload.v1.Upload/Pull': {
        run: (_incoming, call, send) => {
          for (const part of [call.metadata('urlhost'), call.metadata('urlpath')])
            send(bytesMessage.encode({ data: Buffer.from(part ?? '') }));
          return Promise.resolve();
        },
      },
    };
    const upload = uploadOf(await sessionWith(methods), new URL('http://buildkit-session/abc'), signal);
    expect((await buffer(upload)).toString()).toBe('buildkit-session/abc');
  });

  const anUpload = new URL('http://buildkit-session/abc');

  test('an upload of a client that went away breaks for who reads it, and for nobody before', async () => {
    const session = await sessionWith({ '/moby.upload.v1.Upload/Pull': echo });
    session.channel.close();
    await expect.poll(() => session.channel.closed.aborted, { timeout: 10_000 }).toBe(true);
    const upload = uploadOf(session, anUpload, signal);
    await new Promise(setImmediate);
    await expect(buffer(upload)).rejects.toThrow('went away');
  });

  test('an upload of what are no messages breaks', async () => {
    const methods: Methods = {
      '/moby.upload.v1.Upload/Pull': {
        run: (_incoming, _call, send) => {
          send(Buffer.of(0x0a, 5, 1)); // five bytes are promised
          return Promise.resolve();
        },
      },
    };
    await expect(buffer(uploadOf(await sessionWith(methods), anUpload, signal))).rejects.toThrow();
  });

  test('a folder that is sent has no content but that of its files', async () => {
    const root = mkdtempSync(join(tmpdir(), 'tsc-send-'));
    undo.push(() => rmSync(root, { recursive: true }));
    writeFileSync(join(root, 'a-file'), 'inside');
    symlinkSync('/etc/hostname', join(root, 'b-link'));
    const came: string[] = [];
    const methods: Methods = {
      '/moby.filesync.v1.FileSend/DiffCopy': {
        run: async (incoming, _call, send) => {
          const ask = (id: number) => send(packet.encode({ type: packetType.request, id }));
          for await (const message of incoming) {
            const { type, stat, id, data } = packet.decode(message);
            if (type === packetType.stat && stat === undefined) for (const each of [1, 0]) ask(each);
            if (type !== packetType.data) continue;
            came.push(`${id} ${Buffer.from(data).toString()}`);
            if (data.byteLength === 0) send(packet.encode({ type: packetType.finish }));
          }
        },
      },
    };
    await sendFolder(await sessionWith(methods), root, { onProgress: () => undefined, signal });
    expect(came).toEqual(['0 inside', '0 ']);
  });
});
