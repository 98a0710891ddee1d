import { parentPort } from 'node:worker_threads';
import { runJob } from './jobs.js';
import { type FromWorker, receiveError, sendError, type ToWorker } from './worker-messages.js';

// The thread's entry: takes one job after the other from the main thread.

const port = parentPort;
if (port === null) throw new Error('bug: layer-worker runs only as a worker thread');

const maxPulls = 8;

/** Chunks from the main thread, asked for a few ahead. Each is gone when the next one is asked for. */
class Input implements AsyncIterable<Buffer> {
  readonly #send: (message: FromWorker, transfer?: readonly ArrayBuffer[]) => void;
  readonly #chunks: Buffer<ArrayBuffer>[] = [];
  #state: 'open' | 'ended' | Error = 'open';
  #wake: (() => void) | undefined;

  constructor(send: (message: FromWorker, transfer?: readonly ArrayBuffer[]) => void) {
    this.#send = send;
  }

  chunk(bytes: Uint8Array<ArrayBuffer>): void {
    this.#chunks.push(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    this.#wake?.();
  }

  end(state: 'ended' | Error): void {
    this.#state = state;
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer, void, undefined> {
    for (let count = 0; count < maxPulls; count += 1) this.#send({ kind: 'pull' });
    for (;;) {
      const chunk = this.#chunks.shift();
      if (chunk !== undefined) {
        yield chunk;
        this.#send({ kind: 'pull', used: chunk.buffer }, [chunk.buffer]);
      } else if (this.#state === 'ended') {
        return;
      } else if (this.#state === 'open') {
        await new Promise<void>((resolve) => (this.#wake = resolve));
      } else {
        throw this.#state;
      }
    }
  }
}

const send = (message: FromWorker, transfer: readonly ArrayBuffer[] = []) => port.postMessage(message, transfer);
let input: Input | undefined;
let abort = new AbortController();

port.on('message', (message: ToWorker) => {
  switch (message.kind) {
    case 'job': {
      abort = new AbortController();
      input = message.hasInput ? new Input(send) : undefined;
      const onProgress = (bytes: number) => send({ kind: 'progress', bytes });
      runJob(message.job, { input, signal: abort.signal, onProgress: atMostEvery(100, onProgress) }).then(
        (result) => send({ kind: 'done', result }),
        (error: unknown) => send({ kind: 'failed', error: sendError(error) }),
      );
      return;
    }
    case 'chunk':
      input?.chunk(message.bytes);
      return;
    case 'input-end':
      input?.end('ended');
      return;
    case 'input-failed':
      input?.end(receiveError(message.error));
      return;
    case 'abort':
      abort.abort(new Error('aborted'));
      input?.end(new Error('aborted'));
  }
});

function atMostEvery(ms: number, report: (bytes: number) => void): (bytes: number) => void {
  let last = 0;
  return (bytes) => {
    const now = performance.now();
    if (now - last < ms) return;
    last = now;
    report(bytes);
  };
}
