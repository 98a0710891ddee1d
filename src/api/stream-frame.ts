/** Stream of a frame in the multiplexed format ("Attach to a container", stream format). */
export type StreamType = 0 | 1 | 2 | 3;
export const streamTypes = { stdin: 0, stdout: 1, stderr: 2, systemError: 3 } as const;

export interface Frame {
  readonly stream: StreamType;
  /** Where the output of several containers comes together: whose it is. Else 0. */
  readonly source: number;
  readonly payload: Buffer;
}

const headerBytes = 8;

/**
 * One frame: stream, three bytes that are zero for Docker and hold the source for us, payload length as unsigned 32-bit
 * big-endian, payload.
 */
export function encodeFrame(stream: StreamType, payload: Uint8Array, source = 0): Buffer {
  const frame = Buffer.allocUnsafe(headerBytes + payload.byteLength);
  frame.writeUInt32BE(stream * 0x0100_0000 + source, 0);
  frame.writeUInt32BE(payload.byteLength, 4);
  frame.set(payload, headerBytes);
  return frame;
}

/** Puts frames together from chunks cut anywhere. Give every chunk once, in order. */
export class FrameDecoder {
  #pending: Buffer = Buffer.alloc(0);

  /** Frames completed by this chunk, in order. @throws Error on a stream type above 3. */
  push(chunk: Buffer): Frame[] {
    const data = this.#pending.byteLength === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    const frames: Frame[] = [];
    let offset = 0;
    while (data.byteLength - offset >= headerBytes) {
      const stream = data.readUInt8(offset);
      if (!isStreamType(stream)) throw new Error(`unknown stream type ${stream} in a multiplexed stream`);
      const end = offset + headerBytes + data.readUInt32BE(offset + 4);
      if (data.byteLength < end) break;
      frames.push({
        stream,
        source: data.readUIntBE(offset + 1, 3),
        payload: data.subarray(offset + headerBytes, end),
      });
      offset = end;
    }
    this.#pending = data.subarray(offset);
    return frames;
  }
}

function isStreamType(value: number): value is StreamType {
  return value >= 0 && value <= 3;
}
