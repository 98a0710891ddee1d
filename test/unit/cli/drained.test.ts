import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { drained, writeAll } from '../../../src/cli/terminal.js';

const full = (): PassThrough => {
  const stream = new PassThrough({ highWaterMark: 4 });
  stream.write('more than that');
  return stream;
};

test('whoever waits for a slow reader goes on when it has read, and all wait as one', async () => {
  const stream = full();
  const waiting = Array.from({ length: 20 }, () => drained(stream));
  expect(stream.listenerCount('drain')).toBe(1);
  stream.resume();
  await Promise.all(waiting);
  stream.pause().write('again too much');
  const again = drained(stream);
  expect(stream.listenerCount('drain')).toBe(1);
  stream.resume();
  await again;
});

test('no more is taken from a source than its reader has read', async () => {
  const stream = full();
  let taken = 0;
  const source = async function* (): AsyncGenerator<Buffer> {
    for (; taken < 5; taken++) yield await Promise.resolve(Buffer.from('a chunk'));
  };
  const written = writeAll(stream, source());
  await new Promise((resolve) => setImmediate(resolve));
  expect(taken).toBe(0);
  stream.resume();
  await written;
  expect(taken).toBe(5);
});
