import { expect, test } from 'vitest';
import { Gatherer } from '../../../src/base/gather.js';

async function* chunksOf(...texts: readonly string[]): AsyncGenerator<Buffer> {
  for (const text of texts) yield Promise.resolve(Buffer.from(text));
}

test('small chunks are joined, large ones cut, and nothing is lost at the end', async () => {
  const seen: string[] = [];
  for await (const chunk of new Gatherer(4).gather(chunksOf('ab', 'c', 'defghijkl', '', 'm')))
    seen.push(chunk.toString());
  expect(seen).toEqual(['abcd', 'efgh', 'ijkl', 'm']);
});

test('each chunk is alone in its memory, so that it can be transferred', async () => {
  for await (const chunk of new Gatherer(4).gather(chunksOf('abcdefg'))) {
    expect(chunk.buffer.byteLength).toBe(chunk.length);
    structuredClone(chunk, { transfer: [chunk.buffer] });
    expect(chunk.length).toBe(0);
  }
});

test('memory that was given back is used again, and holds only what came later', async () => {
  const gatherer = new Gatherer(4);
  const memories = new Set<ArrayBuffer>();
  const seen: string[] = [];
  for await (const chunk of gatherer.gather(chunksOf('abcd', 'efgh', 'ijkl', 'mnop'))) {
    seen.push(chunk.toString());
    memories.add(chunk.buffer);
    gatherer.giveBack(chunk.buffer);
  }
  expect(seen).toEqual(['abcd', 'efgh', 'ijkl', 'mnop']);
  expect(memories.size).toBe(1);
});

test('nothing gives nothing', async () => {
  const chunks: Buffer[] = [];
  for await (const chunk of new Gatherer(4).gather(chunksOf())) chunks.push(chunk);
  expect(chunks).toEqual([]);
});
