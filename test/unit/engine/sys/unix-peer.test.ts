import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { hasHungUp, isAccepted } from '../../../../src/engine/sys/index.js';
import { folderPerTest } from '../../../support/test-folder.js';

let folder: string;
folderPerTest((path) => (folder = path));

async function listening(): Promise<{ readonly path: string; readonly taken: Promise<Socket> }> {
  const path = join(folder, 'socket');
  const server = createServer({ allowHalfOpen: true }).listen(path);
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  return { path, taken: once(server, 'connection').then(([socket]) => socket as Socket) };
}

test('a connection is accepted once the other side has taken it, and not as soon as it is there', async () => {
  const { path, taken } = await listening();
  const client = connect(path); // made at once; our own event loop takes it later
  expect(isAccepted(client)).toBe(false);
  const other = await taken;
  expect(isAccepted(client)).toBe(true);
  other.destroy();
  client.destroy();
});

test('a side that has ended its sending has hung up only when it has closed', async () => {
  const { path, taken } = await listening();
  const client = connect({ path, allowHalfOpen: true });
  const other = await taken;
  client.end();
  await once(other.resume(), 'end');
  expect(hasHungUp(other)).toBe(false);
  client.destroy();
  await expect.poll(() => hasHungUp(other)).toBe(true);
  other.destroy();
  expect(hasHungUp(other)).toBe(false); // nobody can tell any more
});
