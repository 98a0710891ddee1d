import type { Http2Stream } from 'node:http2';
import { GrpcFailure, grpcCode } from './failure.js';

const headBytes = 5;
/** What gRPC implementations take; BuildKit's own clients and daemons go up to this. */
const maxMessageBytes = 16 << 20;

/** A message with its prefix: not compressed, length (grpc/doc/PROTOCOL-HTTP2.md, "Length-Prefixed-Message"). */
export function frameOf(message: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(headBytes + message.byteLength);
  frame[0] = 0;
  frame.writeUInt32BE(message.byteLength, 1);
  frame.set(message, headBytes);
  return frame;
}

/**
 * The messages that come on a stream, in order, until the other side ends. Who leaves early still has the stream
 * to answer on or to close.
 * @throws GrpcFailure for what is no message, Error when the stream breaks
 */
export async function* messagesOf(stream: Http2Stream): AsyncGenerator<Buffer, void, undefined> {
  let kept: Buffer[] = [];
  let keptBytes = 0;
  for await (const chunk of stream.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    kept.push(chunk);
    keptBytes += chunk.byteLength;
    if (keptBytes < neededBytes(kept)) continue;
    let rest = kept.length === 1 ? chunk : Buffer.concat(kept);
    while (rest.byteLength >= headBytes) {
      const end = neededBytes([rest]);
      if (rest[0] !== 0) throw new GrpcFailure(grpcCode.unimplemented, 'compressed messages are not supported');
      if (rest.byteLength < end) break;
      yield rest.subarray(headBytes, end);
      rest = rest.subarray(end);
    }
    kept = rest.byteLength === 0 ? [] : [rest];
    keptBytes = rest.byteLength;
  }
  if (keptBytes > 0) throw new GrpcFailure(grpcCode.internal, 'the stream ended within a message');
}

/**
 * Of the first message in `chunks`, so that a large one is put together once and not with every chunk.
 * @throws GrpcFailure for one that is too large, before more of it is kept
 */
function neededBytes([first]: readonly Buffer[]): number {
  if (first === undefined || first.byteLength < headBytes) return headBytes;
  const bytes = headBytes + first.readUInt32BE(1);
  if (bytes > maxMessageBytes)
    throw new GrpcFailure(grpcCode.invalidArgument, `a message of ${bytes} bytes is too large`);
  return bytes;
}
