import { connect, constants, type ClientHttp2Stream } from 'node:http2';
import type { Duplex } from 'node:stream';
import type { Message } from '../../../api/buildkit/message.js';
import { failureOf, GrpcFailure, grpcCode } from './failure.js';
import { frameOf, messagesOf } from './frames.js';
import { http2Options, windowBytes } from './settings.js';

export type CallHeaders = Readonly<Record<string, string | readonly string[]>>;

export interface CallOptions {
  readonly headers?: CallHeaders;
  readonly signal: AbortSignal;
}

/** A call whose both sides may send any number of messages. */
export interface Stream {
  /** What comes back, until the other side ends; throws its failure then. */
  readonly incoming: AsyncGenerator<Buffer, void, undefined>;
  /** Settles when more may be sent. @throws Error when the stream is gone */
  send(message: Uint8Array): Promise<void>;
  /** Says that nothing more will be sent. */
  end(): void;
  /** Ends the call at once; nothing happens when it has ended. */
  cancel(): void;
}

/** The calling side of gRPC over a connection that somebody else opened. */
export interface Channel {
  /** @throws GrpcFailure */
  call<Question, Answer>(
    path: string,
    question: Message<Question>,
    answer: Message<Answer>,
    value: Partial<Question>,
    options: CallOptions,
  ): Promise<Answer>;
  open(path: string, options: CallOptions): Stream;
  /** Fires when the connection is gone. */
  readonly closed: AbortSignal;
  close(): void;
}

export function openChannel(socket: Duplex): Channel {
  const session = connect('http://localhost', { ...http2Options, createConnection: () => socket });
  const gone = new AbortController();
  session.on('error', () => undefined); // `close` follows
  session.once('connect', () => {
    if (!session.destroyed) session.setLocalWindowSize(windowBytes);
  });
  session.once('close', () => gone.abort(new GrpcFailure(grpcCode.unavailable, 'the client of the session went away')));
  const destroy = (): void => session.destroy();
  socket.once('end', destroy).once('close', destroy); // without `end` the http server's sockets stay half open

  const open = (path: string, { headers, signal }: CallOptions): Stream => {
    signal.throwIfAborted();
    gone.signal.throwIfAborted();
    const stream = session.request(
      {
        ':method': 'POST',
        ':path': path,
        'content-type': 'application/grpc',
        te: 'trailers',
        ...Object.fromEntries(Object.entries(headers ?? {}).map(([name, value]) => [name, mutable(value)])),
      },
      { endStream: false },
    );
    const cancel = (): void => stream.close(constants.NGHTTP2_CANCEL);
    signal.addEventListener('abort', cancel, { once: true });
    stream.once('close', () => signal.removeEventListener('abort', cancel));
    return {
      incoming: incomingOf(stream, signal),
      send: (message) => send(stream, message),
      end: () => void stream.end(),
      cancel,
    };
  };

  return {
    open,
    call: async (path, question, answer, value, options) => {
      const stream = open(path, options);
      await stream.send(question.encode(value));
      stream.end();
      let reply: Buffer | undefined;
      for await (const message of stream.incoming) reply ??= message;
      if (reply === undefined) throw new GrpcFailure(grpcCode.internal, `${path} gave no answer`);
      return answer.decode(reply);
    },
    closed: gone.signal,
    close: destroy,
  };
}

function mutable(value: string | readonly string[]): string | string[] {
  return typeof value === 'string' ? value : [...value];
}

function send(stream: ClientHttp2Stream, message: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    if (stream.destroyed || stream.closed) {
      reject(new GrpcFailure(grpcCode.unavailable, 'the call has ended'));
      return;
    }
    if (stream.write(frameOf(message))) {
      resolve();
      return;
    }
    const settle = (): void => {
      stream.off('drain', settle).off('close', settle);
      resolve();
    };
    stream.on('drain', settle).on('close', settle);
  });
}

interface Ending {
  trailers: Readonly<Record<string, unknown>>;
  broken?: Error;
}

/** How the call ends is heard from its start: trailers may come before anybody reads the messages. */
function incomingOf(stream: ClientHttp2Stream, signal: AbortSignal): AsyncGenerator<Buffer, void, undefined> {
  const ending: Ending = { trailers: {} };
  stream.on('error', (error: Error) => {
    ending.broken = error;
  });
  stream.on('response', (headers) => {
    if ('grpc-status' in headers) ending.trailers = headers; // a failure without a body
  });
  stream.on('trailers', (headers: Readonly<Record<string, unknown>>) => {
    ending.trailers = headers;
  });
  return messagesTo(stream, ending, signal);
}

async function* messagesTo(
  stream: ClientHttp2Stream,
  ending: Ending,
  signal: AbortSignal,
): AsyncGenerator<Buffer, void, undefined> {
  try {
    yield* messagesOf(stream);
  } catch (error) {
    signal.throwIfAborted();
    if (!('grpc-status' in ending.trailers)) throw error instanceof GrpcFailure ? error : brokenOff(error);
  }
  signal.throwIfAborted();
  const failure = failureOf(ending.trailers);
  if (failure === undefined) return;
  throw ending.broken === undefined || 'grpc-status' in ending.trailers ? failure : brokenOff(ending.broken);
}

function brokenOff(cause: unknown): GrpcFailure {
  return new GrpcFailure(grpcCode.unavailable, 'the call broke off', [], { cause });
}
