import { connect, type Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { joinSession } from '../../../../src/engine/server/routes/container-streams.js';
import { readJson } from '../../../../src/engine/server/body.js';
import type { Route } from '../../../../src/engine/server/router.js';
import { Served } from './serve.js';

interface Chunk {
  readonly stream: 1 | 2;
  readonly payload: Buffer;
}

/** A session that tells what it reads, until its input ends. */
function echoing(tty: boolean): { route: Route; seen: { body?: unknown } } {
  const seen: { body?: unknown } = {};
  const route: Route = [
    'POST',
    '/exec/{id}/start',
    async (exchange) => {
      seen.body = await readJson(exchange.body, exchange.request.headers);
      const stdin = new PassThrough();
      await joinSession(exchange, { tty, output: upperCase(stdin), stdin });
    },
  ];
  return { route, seen };
}

async function* upperCase(input: PassThrough): AsyncGenerator<Chunk> {
  yield { stream: 2, payload: Buffer.from('ready\n') };
  for await (const piece of input) yield { stream: 1, payload: Buffer.from(String(piece).toUpperCase()) };
  yield { stream: 1, payload: Buffer.from('end\n') };
}

test('our client and our server talk both ways over a hijacked connection, until the half-close', async () => {
  const { route, seen } = echoing(false);
  await using served = await Served.routes(route);
  const session = await served.client.exec.start('x', { Tty: false }, AbortSignal.timeout(15_000));
  session.input.write('one\n');
  const got: string[] = [];
  for await (const { stream, payload } of session.output) {
    got.push(`${stream}:${payload.toString()}`);
    if (payload.toString() === 'ONE\n') session.input.end('two\n');
  }
  expect(got).toEqual(['2:ready\n', '1:ONE\n', '1:TWO\n', '1:end\n']);
  expect(seen.body).toEqual({ Tty: false, Detach: false });
});

test('a terminal is not framed and says so by its type', async () => {
  await using served = await Served.routes(echoing(true).route);
  const answer = await rawExchange(served.socket, [head({ length: 2 }), '{}hi']);
  expect(answer).toBe(`HTTP/1.1 101 UPGRADED\r
Content-Type: application/vnd.docker.raw-stream\r
Connection: Upgrade\r
Upgrade: tcp\r
api-version: 1.47\r
docker-experimental: false\r
ostype: linux\r
server: tscompose/1.2.3 (linux)\r
\r
ready\nHIend\n`);
});

test.each([
  ['everything in one packet', [`${head({ length: 14 })}{"Tty":"true"} typed`]],
  ['head, body and input apart', [head({ length: 14 }), '{"Tty":"true"} ', 'typed']],
  ['cut within the body', [`${head({ length: 14 })}{"Tty"`, ':"true"} ty', 'ped']],
])('bytes that follow the body belong to the input: %s', async (_case, pieces) => {
  const { route, seen } = echoing(true);
  await using served = await Served.routes(route);
  const answer = await rawExchange(served.socket, pieces);
  expect(answer.split('\r\n\r\n')[1]).toBe('ready\n TYPEDend\n');
  expect(seen.body).toEqual({ Tty: 'true' });
});

test('before API 1.42 framed output has the raw type', async () => {
  await using served = await Served.routes(echoing(false).route);
  const answer = await rawExchange(served.socket, [head({ length: 2, version: '/v1.41' }), '{}']);
  expect(answer).toContain('Content-Type: application/vnd.docker.raw-stream');
  expect(answer).toContain('\u0002\u0000\u0000\u0000\u0000\u0000\u0000\u0006ready\n');
});

test('without an upgrade the answer is 200, unchunked, until the connection closes', async () => {
  await using served = await Served.routes(echoing(true).route);
  const request =
    'POST /exec/x/start HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}';
  const answer = await rawExchange(served.socket, [request], { halfClose: false });
  expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  expect(answer).not.toContain('chunked');
  expect(answer.split('\r\n\r\n')[1]).toBe('ready\nend\n');
});

test('a failure before the hijack is an ordinary answer', async () => {
  await using served = await Served.routes(['POST', '/exec/{id}/start', () => Promise.reject(new Error('no'))]);
  await expect(served.client.exec.start('x', {}, AbortSignal.timeout(15_000))).rejects.toMatchObject({
    code: 'engine/response',
    facts: { status: 500, message: 'no', resource: 'exec' },
  });
});

test('an upgrade to something else than a hijack is answered as if it had not been asked for', async () => {
  await using served = await Served.routes(['GET', '/plain', ({ response }) => void response.end('text')]);
  const request = 'GET /plain HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\n';
  const answer = await rawExchange(served.socket, [request], { halfClose: false });
  expect(answer).toMatch(/^HTTP\/1\.1 200 OK/);
  expect(answer).toContain('text');
});

test.each([
  ['with the next output', ticking],
  ['soon, where there is none', silent],
])('a client that hangs up ends the session %s', async (_when, output) => {
  let ended: () => void = () => undefined;
  const left = new Promise<void>((resolve) => (ended = resolve));
  const route: Route = [
    'POST',
    '/exec/{id}/start',
    async (exchange) => {
      exchange.client.addEventListener('abort', () => ended());
      await joinSession(exchange, { tty: true, output: output() });
    },
  ];
  await using served = await Served.routes(route);
  const session = await served.client.exec.start('x', { Tty: true }, AbortSignal.timeout(15_000));
  session.close();
  await left;
});

async function* ticking(): AsyncGenerator<Chunk> {
  for (;;) {
    yield { stream: 1, payload: Buffer.from('tick\n') };
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

async function* silent(): AsyncGenerator<Chunk> {
  yield { stream: 1, payload: Buffer.from('only this\n') };
  await new Promise(() => undefined);
}

function head({ length, version = '' }: { length: number; version?: string }): string {
  return `POST ${version}/exec/x/start HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: tcp\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n\r\n`;
}

/** Sends the pieces as packets of their own, and reads to the end. */
async function rawExchange(path: string, pieces: readonly string[], { halfClose = true } = {}): Promise<string> {
  const socket: Socket = connect({ path, allowHalfOpen: true });
  let text = '';
  socket.setEncoding('latin1').on('data', (piece: string) => (text += piece));
  const ended = new Promise<void>((resolve, reject) => socket.on('end', resolve).on('error', reject));
  for (const piece of pieces) {
    await new Promise<void>((resolve) => socket.write(piece, () => resolve()));
    await new Promise((resolve) => setTimeout(resolve, 10)); // packets of their own, as the network may cut them
  }
  if (halfClose) socket.end();
  await ended;
  socket.destroy();
  return text;
}
