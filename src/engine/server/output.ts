import type { Writable } from 'node:stream';
import { encodeFrame, type StreamType, streamTypes } from '../../api/stream-frame.js';
import type { ApiMinor } from './version.js';

interface Chunk {
  readonly stream: 1 | 2 | 3;
  readonly payload: Uint8Array;
  /** Where the output of several containers comes together: whose it is. */
  readonly source?: number;
}

/** Since API 1.42 the type says whether output is framed. */
export function streamContentType(tty: boolean, minor: ApiMinor): string {
  return tty || minor < 42 ? 'application/vnd.docker.raw-stream' : 'application/vnd.docker.multiplexed-stream';
}

/**
 * Writes output as fast as the reader takes it, until it ends, `to` closes or `signal` fires. Leaves `to` open. A source is
 * asked even where the reader has gone before: only then does it let go of what it holds.
 * A source that fails is told as a frame of the engine's own errors; from a TTY as text.
 */
export async function pump(
  output: AsyncIterable<Chunk>,
  {
    tty,
    to,
    signal,
    describe,
  }: { tty: boolean; to: Writable; signal: AbortSignal; describe: (error: unknown) => string },
): Promise<void> {
  const encode = (stream: StreamType, payload: Uint8Array, source = 0) =>
    tty ? payload : encodeFrame(stream, payload, source);
  const isGone = () => to.destroyed || signal.aborted;
  const write = async (): Promise<void> => {
    try {
      for await (const { stream, payload, source } of output) {
        if (isGone()) return;
        if (!to.write(encode(stream, payload, source))) await drained(to);
      }
    } catch (error) {
      if (!isGone()) to.write(encode(streamTypes.systemError, Buffer.from(describe(error))));
    }
  };
  await new Promise<void>((resolve) => {
    // A source that is silent is not waited for: it is left when it next speaks.
    const settle = () => {
      to.off('close', settle);
      signal.removeEventListener('abort', settle);
      resolve();
    };
    to.once('close', settle);
    signal.addEventListener('abort', settle, { once: true });
    void write().then(settle);
    if (isGone()) settle();
  });
}

/** Resolves when there is room again, or nobody to write to any more. */
export function drained(to: Writable): Promise<void> {
  if (to.destroyed || !to.writableNeedDrain) return Promise.resolve();
  return new Promise((resolve) => {
    const settle = () => {
      to.off('drain', settle).off('close', settle).off('error', settle);
      resolve();
    };
    to.on('drain', settle).on('close', settle).on('error', settle);
  });
}
