import { setMaxListeners } from 'node:events';
import { performServerHandshake, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import type { Duplex } from 'node:stream';
import type { Message } from '../../../api/buildkit/message.js';
import { asGrpcFailure, GrpcFailure, grpcCode, trailersOf } from './failure.js';
import { frameOf, messagesOf } from './frames.js';
import { http2Options, windowBytes } from './settings.js';

/** One call as its handler sees it. */
export interface Call {
  /** The first value of a header. */
  metadata(name: string): string | undefined;
  /** Fires when the caller cancels or goes away. */
  readonly signal: AbortSignal;
}

/** Answers one call: writes messages by `send`; what it throws is the call's status. */
export interface Method {
  readonly headers?: () => Readonly<Record<string, string>>;
  run(
    incoming: AsyncGenerator<Buffer, void, undefined>,
    call: Call,
    send: (message: Uint8Array) => void,
  ): Promise<void>;
}

/** By path: `/moby.buildkit.v1.Control/Solve`. */
export type Methods = Readonly<Record<string, Method>>;

export function unary<Question, Answer>(
  question: Message<Question>,
  answer: Message<Answer>,
  work: (question: Question, call: Call) => Partial<Answer> | Promise<Partial<Answer>>,
): Method {
  return {
    run: async (incoming, call, send) => send(answer.encode(await work(await onlyMessage(incoming, question), call))),
  };
}

export function serverStream<Question, Item>(
  question: Message<Question>,
  item: Message<Item>,
  work: (question: Question, call: Call, send: (item: Partial<Item>) => void) => Promise<void>,
  headers?: Method['headers'],
): Method {
  return {
    ...(headers === undefined ? {} : { headers }),
    run: async (incoming, call, send) => {
      await work(await onlyMessage(incoming, question), call, (value) => send(item.encode(value)));
    },
  };
}

async function onlyMessage<T>(incoming: AsyncGenerator<Buffer, void, undefined>, type: Message<T>): Promise<T> {
  const { value } = await incoming.next();
  if (value === undefined) throw new GrpcFailure(grpcCode.invalidArgument, 'the call has no message');
  return type.decode(value);
}

/**
 * Serves gRPC over a connection that speaks HTTP/2 from here on, until it closes.
 * @param signal - closes the connection
 */
export async function serveGrpc(socket: Duplex, methods: Methods, signal: AbortSignal): Promise<void> {
  const session = performServerHandshake(socket, http2Options);
  session.on('error', () => undefined); // `close` follows
  session.once('remoteSettings', () => {
    if (!session.destroyed) session.setLocalWindowSize(windowBytes);
  });
  const running = new Set<Promise<void>>();
  session.on('stream', (stream, headers) => {
    const run = answer(stream, headers, methods)
      .catch(() => undefined) // the stream broke under the answer: nobody is left to tell
      .finally(() => running.delete(run));
    running.add(run);
  });
  const destroy = (): void => session.destroy();
  signal.addEventListener('abort', destroy, { once: true });
  // A client may go away without a GOAWAY, and the http server's sockets stay half open.
  socket.once('end', destroy).once('close', destroy);
  if (signal.aborted) destroy();
  if (!session.destroyed) await new Promise((resolve) => session.once('close', resolve));
  signal.removeEventListener('abort', destroy);
  await Promise.allSettled(running);
  socket.destroy();
}

async function answer(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, methods: Methods): Promise<void> {
  const controller = new AbortController();
  setMaxListeners(0, controller.signal);
  let finished = false;
  stream.on('error', () => undefined); // `close` follows
  stream.once('close', () => {
    if (!finished) controller.abort(new GrpcFailure(grpcCode.canceled, 'context canceled'));
  });
  const path = headers[':path'] ?? '';
  const method = Object.hasOwn(methods, path) ? methods[path] : undefined;
  let failure: GrpcFailure | undefined;
  stream.once('wantTrailers', () => {
    if (!stream.destroyed) stream.sendTrailers(trailersOf(failure));
  });
  const call: Call = {
    signal: controller.signal,
    metadata: (name) => {
      const value = headers[name];
      return Array.isArray(value) ? value[0] : value;
    },
  };
  stream.respond(
    { ':status': 200, 'content-type': 'application/grpc', ...method?.headers?.() },
    { waitForTrailers: true },
  );
  try {
    if (method === undefined) throw new GrpcFailure(grpcCode.unimplemented, `unknown method ${path}`);
    await method.run(messagesOf(stream), call, (message) => {
      if (!stream.destroyed && !stream.writableEnded) stream.write(frameOf(message));
    });
  } catch (error) {
    failure = asGrpcFailure(error);
  }
  finished = true;
  if (stream.destroyed) return;
  stream.end();
  stream.resume(); // what the caller still says is not wanted
}
