import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { encodeFrame } from '../../../src/api/stream-frame.js';
import { connectEngine, isConflict, isNotFound, type EngineClient } from '../../../src/client/index.js';

/** A dockerd of one's own: says `version`, remembers what it was asked, answers as told. */
class Dockerd implements AsyncDisposable {
  readonly #dir = mkdtempSync(join(tmpdir(), 'dockerd-'));
  readonly #server;
  readonly asked: string[] = [];
  readonly client: EngineClient;

  constructor(
    answer: (request: IncomingMessage, response: ServerResponse) => void,
    { version = '1.45', folder = '' }: { version?: string; folder?: string } = {},
  ) {
    this.#server = createServer((request, response) => {
      this.asked.push(`${request.method ?? ''} ${request.url ?? ''}`);
      if (request.url === '/_ping') {
        response.setHeader('Api-Version', version).end();
      } else answer(request, response);
    });
    const dir = join(this.#dir, folder);
    mkdirSync(dir, { recursive: true });
    this.#server.listen(join(this.#dir, 's'));
    if (folder !== '') symlinkSync(join(this.#dir, 's'), join(dir, 's'));
    this.client = connectEngine({ host: `unix://${join(dir, 's')}` });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.client.close();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
    rmSync(this.#dir, { recursive: true, force: true });
  }
}

const soon = () => AbortSignal.timeout(15_000);

test.each([
  ['1.45', '/v1.45/info'],
  ['1.24', '/v1.24/info'],
  ['1.52', '/v1.47/info'],
])('with an engine of API %s the path is %s', async (version, path) => {
  await using dockerd = new Dockerd((_request, response) => response.end('{}'), { version });
  await dockerd.client.info(soon());
  expect(dockerd.asked).toEqual(['HEAD /_ping', `GET ${path}`]);
});

test('the version is negotiated once, also for requests at the same time', async () => {
  await using dockerd = new Dockerd((_request, response) => response.end('[]'));
  await Promise.all(Array.from({ length: 20 }, () => dockerd.client.containers.list({ all: true }, soon())));
  expect(dockerd.asked.filter((line) => line.includes('_ping'))).toHaveLength(1);
  expect(dockerd.asked).toHaveLength(21);
});

test('nobody there is told as such, with the host', async () => {
  const client = connectEngine({ host: 'unix:///nonexistent/engine.sock' });
  await expect(client.info(soon())).rejects.toMatchObject({
    code: 'engine/unreachable',
    facts: { host: 'unix:///nonexistent/engine.sock', errno: 'ENOENT' },
  });
});

test('a socket path too long for the kernel works all the same', async () => {
  const folder = 'a-folder-with-a-rather-long-name/'.repeat(5);
  await using dockerd = new Dockerd((_request, response) => response.end('{"Name":"far"}'), { folder });
  expect(await dockerd.client.info(soon())).toEqual({ Name: 'far' });
});

test('a failed answer carries status, prose and what it was about', async () => {
  await using dockerd = new Dockerd((request, response) => {
    response.statusCode = request.url?.includes('web') === true ? 404 : 409;
    response.end(JSON.stringify({ message: 'No such container: web' }));
  });
  const missing: unknown = await dockerd.client.containers.inspect('web', soon()).catch((error: unknown) => error);
  expect(isNotFound(missing)).toBe(true);
  expect(missing).toMatchObject({
    message: 'No such container: web',
    facts: { status: 404, method: 'GET', path: '/containers/web/json', resource: 'container' },
  });
  const conflict: unknown = await dockerd.client.volumes.remove('v', {}, soon()).catch((error: unknown) => error);
  expect([isConflict(conflict), isNotFound(conflict)]).toEqual([true, false]);
});

test('names are escaped in paths, image references keep their slashes', async () => {
  await using dockerd = new Dockerd((_request, response) => response.end('{}'));
  await dockerd.client.containers.inspect('a/b?c', soon());
  await dockerd.client.images.inspect('reg.example:5000/a/b@sha256:ff', soon());
  await dockerd.client.networks.inspect('x y', soon());
  expect(dockerd.asked.slice(1)).toEqual([
    'GET /v1.45/containers/a%2Fb%3Fc/json',
    'GET /v1.45/images/reg.example:5000/a/b@sha256:ff/json',
    'GET /v1.45/networks/x%20y',
  ]);
});

test('starting what runs and stopping what stands is no failure', async () => {
  await using dockerd = new Dockerd((_request, response) => {
    response.statusCode = 304;
    response.end();
  });
  await dockerd.client.containers.start('c', soon());
  await dockerd.client.containers.stop('c', { timeoutS: 0 }, soon());
  expect(dockerd.asked.slice(1)).toEqual(['POST /v1.45/containers/c/start', 'POST /v1.45/containers/c/stop?t=0']);
});

test.each([
  ['a/b', 'fromImage=a%2Fb&tag=latest'],
  ['a:1', 'fromImage=a&tag=1'],
  ['host:5000/a', 'fromImage=host%3A5000%2Fa&tag=latest'],
  ['a:1@sha256:ff', 'fromImage=a&tag=sha256%3Aff'],
])('pulling %s asks for %s', async (reference, query) => {
  await using dockerd = new Dockerd((_request, response) => response.end('{"status":"done"}\r\n'));
  for await (const message of dockerd.client.images.pull({ reference }, soon())) expect(message.status).toBe('done');
  expect(dockerd.asked[1]).toBe(`POST /v1.45/images/create?${query}`);
});

test('progress is read to its end, then its failure is thrown', async () => {
  await using dockerd = new Dockerd((_request, response) => {
    response.write('{"stream":"Step 1"}\r\n{"errorDetail":{"code":7,"mess');
    response.end('age":"it broke"},"error":"it broke"}\r\n{"stream":"after"}\r\n');
  });
  const seen: unknown[] = [];
  const build = async () => {
    const context = { kind: 'tar', stream: Readable.from([Buffer.from('tar')]) } as const;
    for await (const message of dockerd.client.images.build(context, {}, soon())) seen.push(message.stream);
  };
  await expect(build()).rejects.toMatchObject({
    code: 'engine/stream-failed',
    message: 'it broke',
    facts: { exitCode: 7 },
  });
  expect(seen).toEqual(['Step 1', 'after']);
});

test('logs are put together from frames cut anywhere', async () => {
  await using dockerd = new Dockerd((_request, response) => {
    response.setHeader('Content-Type', 'application/vnd.docker.multiplexed-stream');
    const bytes = Buffer.concat([encodeFrame(1, Buffer.from('out\n')), encodeFrame(2, Buffer.from('err\n'))]);
    response.write(bytes.subarray(0, 5));
    setTimeout(() => response.end(bytes.subarray(5)), 5);
  });
  const seen: string[] = [];
  for await (const { stream, payload } of dockerd.client.containers.logs('c', { tail: 5 }, soon())) {
    seen.push(`${stream}:${payload.toString()}`);
  }
  expect(seen).toEqual(['1:out\n', '2:err\n']);
  expect(dockerd.asked[1]).toBe('GET /v1.45/containers/c/logs?stdout=1&stderr=1&tail=5');
});

test('an engine’s own error in the frames is thrown', async () => {
  await using dockerd = new Dockerd((_request, response) => {
    response.setHeader('Content-Type', 'application/vnd.docker.multiplexed-stream');
    response.end(encodeFrame(3, Buffer.from('log driver failed')));
  });
  const read = async () => {
    for await (const chunk of dockerd.client.containers.logs('c', {}, soon())) expect(chunk).toBeUndefined();
  };
  await expect(read()).rejects.toMatchObject({ code: 'engine/stream-failed', message: 'log driver failed' });
});

test('events flow until the signal, whose reason ends the iteration', async () => {
  await using dockerd = new Dockerd((_request, response) => {
    response.writeHead(200).flushHeaders();
    response.write('{"Action":"start"}\n{"Action":"die"}\n');
  });
  const controller = new AbortController();
  const events = dockerd.client.events({ filters: { type: ['container'] } }, controller.signal);
  await events.opened;
  const seen: string[] = [];
  const read = async () => {
    for await (const { Action } of events) {
      seen.push(Action);
      if (seen.length === 2) controller.abort(new Error('seen enough'));
    }
  };
  await expect(read()).rejects.toThrow('seen enough');
  expect(seen).toEqual(['start', 'die']);
});

test('a wait is begun when its head has come, and ends with its line', async () => {
  let finish: () => void = () => undefined;
  await using dockerd = new Dockerd((_request, response) => {
    response.writeHead(200).flushHeaders();
    finish = () => void response.end('{"StatusCode":3}\n');
  });
  const { result } = await dockerd.client.containers.beginWait('c', { condition: 'next-exit' }, soon());
  finish();
  expect(await result).toEqual({ StatusCode: 3 });
  expect(dockerd.asked[1]).toBe('POST /v1.45/containers/c/wait?condition=next-exit');
});

test('a connection that breaks in the middle of an answer is the engine gone, not bad JSON', async () => {
  await using dockerd = new Dockerd((_request, response) => {
    response.writeHead(200, { 'Content-Length': '100' });
    response.write('{"half":', () => response.destroy());
  });
  await expect(dockerd.client.info(soon())).rejects.toMatchObject({ code: 'engine/unreachable' });
});

test('an abort throws its own reason, before and during a request', async () => {
  await using dockerd = new Dockerd(() => undefined);
  const controller = new AbortController();
  const asked = dockerd.client.info(controller.signal);
  setTimeout(() => controller.abort(new Error('changed my mind')), 10);
  await expect(asked).rejects.toThrow('changed my mind');
  await expect(dockerd.client.info(controller.signal)).rejects.toThrow('changed my mind');
});

test('an idle connection that the engine closed is replaced without a word', async () => {
  await using dockerd = new Dockerd((request, response) => {
    response.end('{}');
    setTimeout(() => request.socket.destroy(), 1); // the response has let go of it by then
  });
  for (let round = 0; round < 10; round += 1) {
    await dockerd.client.info(soon());
    await new Promise((resolve) => setTimeout(resolve, round % 3)); // sometimes before, sometimes after the close
  }
});

test('the context and the answer flow at the same time', async () => {
  await using dockerd = new Dockerd((request, response) => {
    response.writeHead(200);
    request.on('data', (piece: Buffer) => response.write(`${JSON.stringify({ stream: piece.toString() })}\r\n`));
    request.on('end', () => response.end());
  });
  const stream = new Readable({ read: () => undefined });
  const more = (text: string | null) => void stream.push(text);
  more('first');
  const seen: (string | undefined)[] = [];
  for await (const { stream: text } of dockerd.client.images.build({ kind: 'tar', stream }, {}, soon())) {
    seen.push(text);
    more(seen.length === 1 ? 'second' : null);
  }
  expect(seen).toEqual(['first', 'second']);
});

test('a directory goes by its path, a Dockerfile text and secrets in the body', async () => {
  let body = '';
  await using dockerd = new Dockerd((request, response) => {
    request.on('data', (piece: Buffer) => (body += piece.toString()));
    request.on('end', () => response.end());
  });
  const details = { dockerfile: 'FROM scratch\n', secrets: { token: 'czNjcmV0' } };
  const context = { kind: 'directory', path: '/src/app', details } as const;
  const messages = dockerd.client.images.build(
    context,
    { tags: ['a:1', 'b'], args: { X: null }, noCache: true },
    soon(),
  );
  for await (const message of messages) expect(message).toBeUndefined();
  const query = new URLSearchParams(dockerd.asked[1]?.split('?')[1]);
  expect(Object.fromEntries(query)).toMatchObject({
    'x-tscompose-context': '/src/app',
    'x-tscompose-details': '1',
    buildargs: '{"X":null}',
    nocache: '1',
    version: '1',
  });
  expect(query.getAll('t')).toEqual(['a:1', 'b']);
  expect(JSON.parse(body)).toEqual(details);
  expect(dockerd.asked[1]).not.toContain('czNjcmV0');
});
