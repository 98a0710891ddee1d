import { failureDetails } from '../api/common.js';
import type { IncomingMessage } from 'node:http';
import type { Duplex, Readable, Writable } from 'node:stream';
import type { ProgressMessage } from '../api/image.js';
import { type Frame, FrameDecoder } from '../api/stream-frame.js';
import { TscomposeError } from '../base/errors.js';
import { type Connection, guarded, type WireRequest } from './connection.js';

/** Output of a container. From a TTY everything is stream 1. */
export interface OutputChunk {
  readonly stream: 1 | 2;
  readonly payload: Buffer;
}

/**
 * A stream whose request is sent at once, whether or not someone reads yet; read it, or abort its signal. Iterating
 * throws the abort reason, or what went wrong; it can be done once.
 */
export interface OpenStream<T> extends AsyncIterable<T> {
  /** Settles with the head of the answer: from then on nothing is missed. */
  readonly opened: Promise<void>;
}

/** Both directions of an attached container or exec. */
export interface AttachedStream {
  /** Ends when the engine closes the connection. Iterate once. */
  readonly output: AsyncIterable<OutputChunk>;
  /** Standard input; `end()` is its end of file, output goes on. */
  readonly input: Writable;
  /** Leaves; the container goes on. */
  close(): void;
}

/** Whether output comes framed: the type says it since API 1.42; before that, all that is not a TTY's. */
export async function isFramed(
  connection: Connection,
  contentType: string,
  tty: boolean,
  signal: AbortSignal,
): Promise<boolean> {
  if (contentType.includes('multiplexed')) return true;
  const [major = 0, minor = 0] = (await connection.apiVersion(signal)).split('.').map(Number);
  return major === 1 && minor < 42 && !tty;
}

/** @param tty - of the container or exec; only an engine older than API 1.42 makes us need it */
export async function attach(
  connection: Connection,
  request: WireRequest,
  tty: boolean,
  signal: AbortSignal,
): Promise<AttachedStream> {
  const { socket, contentType } = await connection.upgrade(request, signal);
  const close = () => void socket.destroy();
  signal.addEventListener('abort', close, { once: true });
  socket.once('close', () => signal.removeEventListener('abort', close));
  socket.on('error', () => undefined); // a reader gets it from the iteration; nobody reading is no fault
  if (signal.aborted) close();
  const framed = await isFramed(connection, contentType, tty, signal);
  return { output: outputOf(connection.host, request, socket, framed, signal), input: socket, close };
}

/** The frames of a body. A frame of the engine's own errors ends it as `engine/stream-failed`. */
export async function* outputOf(
  host: string,
  request: WireRequest,
  body: Readable | Duplex,
  framed: boolean,
  signal: AbortSignal,
): AsyncGenerator<OutputChunk, void, void> {
  if (!framed) {
    for await (const payload of chunksOf(host, body, signal)) yield { stream: 1, payload };
    return;
  }
  for await (const { stream, payload } of framesOf(host, body, signal)) {
    if (stream === 3) throw streamFailed(request, payload.toString('utf8'), undefined);
    yield { stream: stream === 2 ? 2 : 1, payload };
  }
}

/** The frames of a body, whatever their streams. */
export async function* framesOf(
  host: string,
  body: Readable | Duplex,
  signal: AbortSignal,
): AsyncGenerator<Frame, void, void> {
  const decoder = new FrameDecoder();
  for await (const chunk of chunksOf(host, body, signal)) yield* decoder.push(chunk);
}

/** One JSON value a line. */
export async function* jsonLines<T>(host: string, body: Readable, signal: AbortSignal): AsyncGenerator<T, void, void> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of chunksOf(host, body, signal)) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line.trim() !== '') yield JSON.parse(line) as T; // the engine's word for its own shapes
  }
  if (rest.trim() !== '') yield JSON.parse(rest) as T;
}

/** Every message of a pull, build, load or push; read to its end, then a failure told in the stream is thrown. */
export async function* progressOf(
  connection: Connection,
  request: WireRequest,
  signal: AbortSignal,
): AsyncGenerator<ProgressMessage, void, void> {
  const body = await connection.stream(request, signal);
  let failure: TscomposeError | undefined;
  for await (const message of jsonLines<ProgressMessage>(connection.host, body, signal)) {
    const text = message.errorDetail?.message ?? message.error;
    if (text === undefined) yield message;
    else failure ??= streamFailed(request, text, message.errorDetail);
  }
  if (failure !== undefined) throw failure;
}

/** Sends now, reads later. */
export function openStream<T>(
  open: () => Promise<IncomingMessage>,
  read: (body: IncomingMessage) => AsyncGenerator<T, void, void>,
): OpenStream<T> {
  const answer = open();
  const opened = answer.then(() => undefined);
  opened.catch(() => undefined); // whoever iterates gets it
  return {
    opened,
    async *[Symbol.asyncIterator]() {
      yield* read(await answer);
    },
  };
}

async function* chunksOf(host: string, body: Readable, signal: AbortSignal): AsyncGenerator<Buffer, void, void> {
  const iterator = (body as AsyncIterable<Buffer>)[Symbol.asyncIterator](); // no encoding set: Buffers
  try {
    for (;;) {
      const next = await guarded(host, signal, () => iterator.next());
      if (next.done === true) break;
      yield next.value;
    }
    signal.throwIfAborted();
  } finally {
    body.destroy();
  }
}

function streamFailed(
  { method, path }: WireRequest,
  message: string,
  detail: ProgressMessage['errorDetail'],
): TscomposeError {
  const text = message.trim();
  const { hint, at } = failureDetails(detail?.details ?? {});
  return new TscomposeError({
    code: 'engine/stream-failed',
    message: text,
    facts: { message: text, method, path, exitCode: detail?.code },
    hint,
    at,
  });
}
