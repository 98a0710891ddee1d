import { createServer, type AddressInfo } from 'node:net';
import { encode } from 'dns-packet';
import { afterEach, expect, test } from 'vitest';
import { forwardQuestion, frame } from '../../../../src/engine/networks/dns-forward.js';

const undo: (() => unknown)[] = [];
afterEach(() => {
  for (const work of undo.splice(0)) work();
});

const question = encode({ type: 'query', id: 77, questions: [{ type: 'A', name: 'a.example', class: 'IN' }] });
const answer = encode({ type: 'response', id: 77, answers: [{ type: 'A', name: 'a.example', data: '192.0.2.1' }] });

/** A server that says the same to whoever connects, as `address#port`. */
async function saying(bytes: Buffer): Promise<string> {
  const server = createServer((socket) => socket.on('error', () => undefined).end(bytes));
  undo.push(() => server.close());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `127.0.0.1#${(server.address() as AddressInfo).port}`;
}

test.each([
  ['that is too short for a header', Buffer.of(1)],
  ['of nothing', Buffer.alloc(0)],
  ['to another question', encode({ type: 'response', id: 78 })],
])('an answer over TCP %s is passed over', async (_, wrong) => {
  const servers = [await saying(frame(wrong)), await saying(frame(answer))];
  const options = { servers, transport: 'tcp', inside: () => undefined, signal: new AbortController().signal } as const;
  expect(await forwardQuestion(question, options)).toEqual(answer);
});
