import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PassThrough, type Duplex } from 'node:stream';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openSession } from '../../../src/cli/container-session.js';
import { Interrupts } from '../../../src/cli/interrupts.js';
import { connectEngine } from '../../../src/client/index.js';

/** An engine with one container, which runs until `exit`; its output ends at once, or when something is typed. */
const server = createServer((request, response) => {
  const { url = '' } = request;
  response.writeHead(200, { 'content-type': 'application/json', 'api-version': '1.45' }).flushHeaders();
  if (url.includes('/kill')) kills++;
  if (url.includes('/wait')) waiting = response;
  else response.end(url.includes('/json') ? '{"State":{"Running":true,"Restarting":false}}' : 'OK');
});
server.on('upgrade', (_request, socket: Duplex) => {
  upgraded.add(socket);
  socket.write('HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n');
  if (outputEnds === 'at once') socket.end();
  else socket.once('data', () => socket.end());
});
const upgraded = new Set<Duplex>();
let waiting: ServerResponse | undefined;
let kills = 0;
let outputEnds: 'at once' | 'when typed';
const exit = (): unknown => waiting?.end('{"StatusCode":3}');

beforeEach(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});

afterEach(async () => {
  for (const socket of upgraded) socket.destroy();
  upgraded.clear();
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
});

function session(stdin: PassThrough, tty: boolean): Promise<{ readonly ended: Promise<number> }> {
  const terminal = { stdin, stdout: new PassThrough(), stderr: new PassThrough(), environment: {}, cwd: '/' };
  const context = { terminal, interrupts: new Interrupts(() => undefined), signal: AbortSignal.timeout(20_000) };
  const client = connectEngine({ host: `tcp://127.0.0.1:${(server.address() as AddressInfo).port}` });
  return openSession(context, client, { containerId: 'c', tty, stdin: true, signals: false });
}

test.each([
  ['with', true],
  ['without', false],
])('output may end before the process, %s a terminal: the exit code is the process’s', async (_word, tty) => {
  outputEnds = 'at once';
  const stdin = new PassThrough();
  const { ended } = await session(stdin, tty);
  setTimeout(exit, 100);
  expect(await ended).toBe(3);
});

test('who typed the keys that leave it has left, though it runs on', async () => {
  outputEnds = 'when typed';
  const stdin = new PassThrough();
  const { ended } = await session(stdin, true);
  stdin.write('ls\r\x10\x11');
  expect(await ended).toBe(0);
});

test('two interrupts go to a process that takes no notice, the third leaves it', async () => {
  outputEnds = 'when typed';
  const terminal = { stdin: new PassThrough(), stdout: new PassThrough(), stderr: new PassThrough() };
  const interrupts = new Interrupts(() => undefined);
  const context = { terminal: { ...terminal, environment: {}, cwd: '/' }, interrupts, signal: interrupts.signal };
  const client = connectEngine({ host: `tcp://127.0.0.1:${(server.address() as AddressInfo).port}` });
  const options = { containerId: 'c', tty: false, stdin: true, signals: true };
  const { ended } = await openSession(context, client, options);
  for (let count = 1; count <= 2; count++) interrupts.raise('SIGINT');
  await expect.poll(() => kills).toBe(2);
  interrupts.raise('SIGTERM');
  await expect(ended).rejects.toMatchObject({ code: 'cli/interrupted' });
  expect(kills).toBe(2);
});
