import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { frame, FrameReader } from '../../../src/relay/frames.js';

describe('frames', () => {
  test('come out as they went in, however the bytes are cut', () => {
    const frames = fc.array(fc.tuple(fc.constantFrom('o', 'e', 'x'), fc.uint8Array({ maxLength: 40 })), {
      maxLength: 8,
    });
    fc.assert(
      fc.property(frames, fc.infiniteStream(fc.integer({ min: 1, max: 17 })), (sent, sizes) => {
        const received: (readonly [string, Uint8Array])[] = [];
        const reader = new FrameReader((kind, payload) => received.push([kind, Uint8Array.from(payload)]));
        let bytes = Buffer.concat(sent.map(([kind, payload]) => frame(kind, payload)));
        for (const size of sizes) {
          if (bytes.byteLength === 0) break;
          reader.push(bytes.subarray(0, size));
          bytes = bytes.subarray(size);
        }
        expect(received).toEqual(sent);
      }),
    );
  });

  test('of a length nobody sends are refused before they fill the memory', () => {
    const reader = new FrameReader(() => undefined);
    expect(() => {
      reader.push(Buffer.from([0x6f, 0xff, 0xff, 0xff, 0xff]));
    }).toThrow(RangeError);
  });
});
