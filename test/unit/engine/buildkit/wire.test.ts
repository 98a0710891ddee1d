import { describe, expect, test } from 'vitest';
import { statusResponse } from '../../../../src/api/buildkit/status.js';
import { solveRequest } from '../../../../src/engine/buildkit/wire/control.js';
import {
  bigInteger,
  bytes,
  integer,
  many,
  message,
  messageMap,
  one,
  text,
  textMap,
  texts,
} from '../../../../src/api/buildkit/message.js';
import { packet } from '../../../../src/engine/buildkit/wire/session.js';

describe('messages', () => {
  test('are the bytes that protobuf writes', () => {
    // Of the protobuf encoding guide: a varint of two bytes, and a string.
    expect(Buffer.from(message({ a: integer(1) }).encode({ a: 150 })).toString('hex')).toBe('089601');
    expect(Buffer.from(message({ b: text(2) }).encode({ b: 'testing' })).toString('hex')).toBe('120774657374696e67');
    const nested = message({ c: one(3, message({ a: integer(1) })) });
    expect(Buffer.from(nested.encode({ c: { a: 150 } })).toString('hex')).toBe('1a03089601');
  });

  test('are read as they were written', () => {
    const inner = message({ name: text(1), size: bigInteger(2) });
    const outer = message({
      names: texts(1),
      map: textMap(2),
      inner: one(3, inner),
      many: many(4, inner),
      named: messageMap(5, inner),
      data: bytes(6),
    });
    const value = {
      names: ['a', ''],
      map: { one: '1', empty: '' },
      inner: { name: 'x', size: 2n ** 62n },
      many: [{ name: 'y', size: -1n }],
      named: { k: { name: 'z', size: 0n } },
      data: new Uint8Array([0, 255]),
    };
    expect(outer.decode(outer.encode(value))).toEqual(value);
  });

  test('without a member have its default, and a member nobody knows is passed over', () => {
    const now = message({ a: text(1), later: text(9) });
    const before = message({ a: text(1) });
    expect(before.decode(now.encode({ a: 'x', later: 'y' }))).toEqual({ a: 'x' });
    expect(statusResponse.decode(new Uint8Array())).toEqual({ vertexes: [], statuses: [], logs: [], warnings: [] });
    expect(packet.decode(new Uint8Array())).toMatchObject({ type: 0, stat: undefined, id: 0 });
  });

  test('of clients are understood', () => {
    // What docker compose 2.26 sent for a service with one build argument.
    const sent = solveRequest.encode({
      ref: 'r',
      exporter: 'moby',
      exporterAttrs: { name: 'x/y' },
      session: 's',
      frontendAttrs: { 'build-arg:A': '1' },
      exporters: [{ type: 'moby', attrs: { name: 'x/y' } }],
    });
    expect(solveRequest.decode(sent)).toMatchObject({
      exporters: [{ type: 'moby', attrs: { name: 'x/y' } }],
      frontend: '',
    });
  });

  test('with a map keep every key as a member of its own', () => {
    const labels = message({ map: textMap(2) });
    const map = Object.fromEntries([['__proto__', 'own']]) as Record<string, string>;
    const read = labels.decode(labels.encode({ map }));
    expect(Object.entries(read.map)).toEqual([['__proto__', 'own']]);
  });

  test('cut short are refused', () => {
    expect(() => message({ b: text(2) }).decode(Buffer.from('1207746573', 'hex'))).toThrow();
  });
});
