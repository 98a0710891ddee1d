import { expect, test } from 'vitest';
import { TscomposeError } from '../../../../src/base/errors.js';
import type { BuildMessage } from '../../../../src/engine/builder/index.js';
import { readJson } from '../../../../src/engine/server/body.js';
import { sendJson } from '../../../../src/engine/server/exchange.js';
import { streamProgress } from '../../../../src/engine/server/progress.js';
import type { Route } from '../../../../src/engine/server/router.js';
import { Served } from './serve.js';

const echo: Route = [
  'POST',
  '/echo',
  async (exchange) => sendJson(exchange, 200, await readJson(exchange.body, exchange.request.headers)),
];
const json = { 'content-type': 'application/json' };

test('every answer carries the headers that clients negotiate by', async () => {
  await using served = await Served.routes();
  for (const path of ['/_ping', '/nowhere']) {
    const { headers } = await served.request('HEAD', path);
    expect(headers).toMatchObject({
      'api-version': '1.47',
      ostype: 'linux',
      'docker-experimental': 'false',
      server: 'tscompose/1.2.3 (linux)',
    });
  }
});

test('an unknown page is 404 in the words of dockerd', async () => {
  await using served = await Served.routes();
  const { status, text, headers } = await served.request('GET', '/v1.45/nowhere');
  expect([status, headers['content-type'], text]).toEqual([
    404,
    'application/json',
    '{"message":"page not found","code":"request/no-route"}\n',
  ]);
});

test('doubled slashes are redirected away', async () => {
  await using served = await Served.routes();
  const { status, headers } = await served.request('GET', '/v1.45/containers//json?all=1');
  expect([status, headers.location]).toEqual([301, '/v1.45/containers/json?all=1']);
});

test('a whole address in place of a path is that path', async () => {
  await using served = await Served.routes(['GET', '/here', (exchange) => sendJson(exchange, 200, {})]);
  const { status } = await served.request('GET', 'http://docker/v1.45/here?all=1');
  expect(status).toBe(200);
});

test('what a client asks with is not in the log, but where', async () => {
  await using served = await Served.routes(['POST', '/build', () => Promise.reject(new Error('no space left'))]);
  expect((await served.request('POST', '/build?buildargs=%7B%22TOKEN%22%3A%22s3cret%22%7D')).status).toBe(500);
  await expect.poll(() => served.logLines.length).toBe(2);
  for (const line of served.logLines) expect(JSON.parse(line)).toMatchObject({ method: 'POST', path: '/build' });
  expect(served.logLines.join('')).not.toContain('s3cret');
});

test('OPTIONS is answered everywhere', async () => {
  await using served = await Served.routes();
  expect((await served.request('OPTIONS', '/anything')).status).toBe(200);
});

test.each<[body: string, headers: Record<string, string>, status: number, text: string]>([
  ['{"a":1}', json, 200, '{"a":1}'],
  ['{"a":1}', { 'content-type': 'application/json; charset=utf-8' }, 200, '{"a":1}'],
  ['', {}, 200, '{}'],
  ['null', json, 200, '{}'],
  ['{"a":1}', {}, 400, "must be 'application/json'"],
  ['{"a":1}', { 'content-type': 'text/plain' }, 400, 'unsupported Content-Type header (text/plain)'],
  ['{"a":1}x', json, 400, 'unexpected content after JSON'],
  ['{"a"', json, 400, 'invalid JSON: '],
  ['[1]', json, 400, 'not an object'],
])('a body %j with headers %j is answered %d', async (body, headers, status, text) => {
  await using served = await Served.routes(echo);
  const answer = await served.request('POST', '/echo', { body, headers });
  expect(answer.status).toBe(status);
  expect(answer.text).toContain(text);
});

test('a body without end is cut off', async () => {
  await using served = await Served.routes(echo);
  const body = JSON.stringify({ a: 'x'.repeat(5 << 20) });
  const answer = await served.request('POST', '/echo', { body, headers: json });
  expect([answer.status, JSON.parse(answer.text)]).toMatchObject([413, { code: 'request/too-large' }]);
});

test('a failure is told with code, hint and causes; a bug as 500', async () => {
  const failing: Route = [
    'GET',
    '/failing',
    () => {
      throw new TscomposeError({
        code: 'request/forbidden',
        message: 'cannot do it',
        facts: { feature: 'x' },
        hint: 'try y',
        cause: new Error('the disk is full'),
      });
    },
  ];
  const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
  await using served = await Served.routes(
    failing,
    ['GET', '/bug', () => Promise.reject(new Error('bug: oh'))],
    ['GET', '/full', () => Promise.reject(full)],
  );
  const answer = await served.request('GET', '/failing');
  expect([answer.status, JSON.parse(answer.text)]).toEqual([
    403,
    { message: 'cannot do it: the disk is full', code: 'request/forbidden', hint: 'try y' },
  ]);
  const { text } = await served.request('GET', '/full');
  expect(JSON.parse(text)).toHaveProperty('message', full.message);
  expect(text).toContain('"hint":"make room where the folders lie');
  expect(await served.request('GET', '/bug')).toMatchObject({ status: 500, text: '{"message":"bug: oh"}\n' });
});

test('output that a client does not read is clipped, told as text or as an event', async () => {
  const text = 'y'.repeat(1 << 20);
  const messages: Record<string, BuildMessage> = {
    text: { stream: text },
    event: { tscompose: { kind: 'output', step: 0, text } },
  };
  const routes = Object.entries(messages).map(([name, message]): Route => [
    'POST',
    `/loud/${name}`,
    (exchange) =>
      streamProgress(exchange, (send) => {
        for (let megabyte = 0; megabyte < 12; megabyte++) send(message);
        return Promise.resolve();
      }),
  ]);
  await using served = await Served.routes(...routes);
  for (const name of Object.keys(messages)) {
    const told = await served.request('POST', `/loud/${name}`);
    expect(told.text.length).toBeLessThan(7 << 20);
    expect(told.text).toContain('output clipped');
  }
});

test('a failure before the first line of progress has a status, a later one a line', async () => {
  const broken = (after: number): Route => [
    'POST',
    `/broken/${after}`,
    (exchange) =>
      streamProgress(exchange, (send) => {
        for (let index = 0; index < after; index += 1) send({ status: `step ${index}` });
        return Promise.reject(
          new TscomposeError({
            code: 'build/step-failed',
            message: 'the step failed',
            facts: { instruction: 'RUN false', line: 2, command: '/bin/sh -c x', exitCode: 7, tail: '' },
          }),
        );
      }),
  ];
  await using served = await Served.routes(broken(0), broken(2));
  expect(await served.request('POST', '/broken/0')).toMatchObject({ status: 400 });
  const late = await served.request('POST', '/broken/2');
  expect(late.status).toBe(200);
  expect(late.text.split('\r\n')).toEqual([
    '{"status":"step 0"}',
    '{"status":"step 1"}',
    '{"errorDetail":{"code":7,"message":"the step failed","details":{"code":"build/step-failed"}},"error":"the step failed"}',
    '',
  ]);
});

test('a client that goes away fires its signal, not the engine’s', async () => {
  let seen: (signals: { client: AbortSignal; engine: AbortSignal }) => void = () => undefined;
  const arrived = new Promise<{ client: AbortSignal; engine: AbortSignal }>((resolve) => (seen = resolve));
  await using served = await Served.routes([
    'GET',
    '/slow',
    async ({ client, engine }) => {
      seen({ client, engine });
      await new Promise((resolve) => client.addEventListener('abort', resolve));
    },
  ]);
  const controller = new AbortController();
  const asked = fetchOver(served.socket, controller.signal);
  const { client, engine } = await arrived;
  controller.abort();
  await asked;
  await new Promise<void>((resolve) => {
    if (client.aborted) resolve();
    else client.addEventListener('abort', () => resolve());
  });
  expect([client.aborted, engine.aborted]).toEqual([true, false]);
});

test('closing waits for changes under way and ends what clients only follow', async () => {
  const steps: string[] = [];
  let begin: () => void = () => undefined;
  const begun = new Promise<void>((resolve) => (begin = resolve));
  let finish: () => void = () => undefined;
  const finished = new Promise<void>((resolve) => (finish = resolve));
  let following: () => void = () => undefined;
  const followed = new Promise<void>((resolve) => (following = resolve));
  const served = await Served.routes(
    [
      'POST',
      '/change',
      async (exchange) => {
        begin();
        await finished;
        steps.push(`changed, aborted: ${String(exchange.engine.aborted)}`);
        exchange.response.end();
      },
    ],
    [
      'GET',
      '/follow',
      async ({ client, response }) => {
        response.flushHeaders();
        following();
        await new Promise((resolve) => client.addEventListener('abort', resolve));
        steps.push('follower left');
        response.end();
      },
    ],
  );
  const change = served.request('POST', '/change');
  const follow = served.request('GET', '/follow').catch(() => undefined);
  await Promise.all([begun, followed]);
  const closed = served.server.close(15_000).then(() => steps.push('closed'));
  await expect.poll(() => steps).toEqual(['follower left']);
  finish();
  await closed;
  expect(steps).toEqual(['follower left', 'changed, aborted: false', 'closed']);
  expect((await change).status).toBe(200);
  await follow;
});

async function fetchOver(socketPath: string, signal: AbortSignal): Promise<void> {
  const { request } = await import('node:http');
  await new Promise<void>((resolve) => {
    request({ socketPath, path: '/slow', signal })
      .on('error', () => resolve())
      .end();
  });
}
