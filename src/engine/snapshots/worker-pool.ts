import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { Worker } from 'node:worker_threads';
import { Gatherer } from '../../base/gather.js';
import { releaseFreedMemory } from '../sys/index.js';
import { type JobKind, type JobOf, type JobResults, runJob } from './jobs.js';
import { type FromWorker, receiveError, sendError, type ToWorker } from './worker-messages.js';

export interface RunOptions {
  readonly input?: Readable | undefined;
  readonly onProgress?: ((bytes: number) => void) | undefined;
  readonly signal: AbortSignal;
}

/** Runs jobs, a few at a time. */
export interface JobRunner {
  /** Always settles; `input` is destroyed when the job fails. @throws what the job throws, the abort reason */
  run<Kind extends JobKind>(job: JobOf<Kind>, options: RunOptions): Promise<JobResults[Kind]>;
  close(): Promise<void>;
}

const idleMs = 5_000;
const abortGraceMs = 500;
const chunkBytes = 256 * 1024;
const workerFile = 'layer-worker.cjs';

/** The worker's bundle lies beside the running program's; there is none when we run from source. */
export function locateWorker(): string | undefined {
  const program = process.argv[1];
  const beside = program === undefined ? undefined : join(dirname(program), workerFile);
  return beside !== undefined && existsSync(beside) ? beside : undefined;
}

/** @param workerPath - undefined runs the jobs in this thread */
export function createJobRunner(workerPath: string | undefined, maxThreads: number): JobRunner {
  return workerPath === undefined ? inlineRunner : new ThreadPool(workerPath, maxThreads);
}

const inlineRunner: JobRunner = {
  async run<Kind extends JobKind>(job: JobOf<Kind>, options: RunOptions): Promise<JobResults[Kind]> {
    const { input, onProgress, signal } = options;
    signal.throwIfAborted();
    try {
      const context = { input, signal, onProgress: (bytes: number) => onProgress?.(bytes) };
      return (await runJob(job, context)) as JobResults[Kind]; // runJob gives each kind its own result
    } catch (error) {
      input?.destroy();
      throw error;
    }
  },
  close: () => Promise.resolve(),
};

class ThreadPool implements JobRunner {
  readonly #path: string;
  readonly #maxThreads: number;
  readonly #idle: Worker[] = [];
  readonly #all = new Set<Worker>();
  readonly #waiting: ((worker: Worker) => void)[] = [];
  readonly #timers = new Map<Worker, NodeJS.Timeout>();

  constructor(path: string, maxThreads: number) {
    this.#path = path;
    this.#maxThreads = maxThreads;
  }

  async run<Kind extends JobKind>(job: JobOf<Kind>, options: RunOptions): Promise<JobResults[Kind]> {
    options.signal.throwIfAborted();
    const worker = await this.#take();
    let healthy = options.signal.aborted;
    try {
      options.signal.throwIfAborted();
      const result = await runOn(worker, job, options);
      healthy = true;
      return result;
    } catch (error) {
      options.input?.destroy();
      options.signal.throwIfAborted();
      throw error;
    } finally {
      this.#give(worker, healthy);
    }
  }

  async close(): Promise<void> {
    for (const timer of this.#timers.values()) clearTimeout(timer);
    await Promise.all([...this.#all].map((worker) => worker.terminate()));
  }

  #take(): Promise<Worker> {
    const idle = this.#idle.pop();
    if (idle !== undefined) {
      clearTimeout(this.#timers.get(idle));
      this.#timers.delete(idle);
      return Promise.resolve(idle);
    }
    if (this.#all.size < this.#maxThreads) return Promise.resolve(this.#spawn());
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #spawn(): Worker {
    // Bodies pass through in small pieces: a small young generation keeps the thread's memory low.
    const worker = new Worker(this.#path, { resourceLimits: { maxYoungGenerationSizeMb: 16 } });
    worker.unref();
    this.#all.add(worker);
    return worker;
  }

  /** A worker whose job failed may still be in it: it is ended, and with it its files and children. */
  #give(worker: Worker, healthy: boolean): void {
    const next = this.#waiting.shift();
    if (!healthy) {
      void worker.terminate();
      this.#all.delete(worker);
      if (next !== undefined) next(this.#spawn());
    } else if (next !== undefined) {
      next(worker);
    } else {
      this.#idle.push(worker);
      this.#timers.set(worker, setTimeout(() => this.#retire(worker), idleMs).unref());
    }
  }

  #retire(worker: Worker): void {
    this.#timers.delete(worker);
    this.#idle.splice(this.#idle.indexOf(worker), 1);
    this.#all.delete(worker);
    worker.terminate().then(
      () => {
        if (this.#all.size === 0) releaseFreedMemory();
      },
      () => undefined, // it had ended by itself
    );
  }
}

function runOn<Kind extends JobKind>(
  worker: Worker,
  job: JobOf<Kind>,
  { input, onProgress, signal }: RunOptions,
): Promise<JobResults[Kind]> {
  return new Promise<JobResults[Kind]>((resolve, reject) => {
    const send = (message: ToWorker, transfer: readonly ArrayBuffer[] = []) => worker.postMessage(message, transfer);
    const feeder = input === undefined ? undefined : new Feeder(input, send);
    let lastResort: NodeJS.Timeout | undefined;
    const onAbort = () => {
      send({ kind: 'abort' });
      // A job that computes without a pause does not hear it; the caller ends the thread then.
      lastResort = setTimeout(() => settle(() => reject(new Error('aborted'))), abortGraceMs);
    };
    const settle = (finish: () => void) => {
      worker.off('message', onMessage);
      worker.off('error', onError);
      worker.off('exit', onExit);
      signal.removeEventListener('abort', onAbort);
      clearTimeout(lastResort);
      feeder?.stop();
      worker.unref();
      finish();
    };
    const onMessage = (message: FromWorker) => {
      if (message.kind === 'pull') feeder?.pull(message.used);
      else if (message.kind === 'progress') onProgress?.(message.bytes);
      else if (message.kind === 'done') settle(() => resolve(message.result as JobResults[Kind]));
      else settle(() => reject(receiveError(message.error)));
    };
    const onError = (error: Error) => settle(() => reject(error));
    const onExit = () => settle(() => reject(new Error('the layer worker ended in the middle of its work')));
    worker.on('message', onMessage);
    worker.once('error', onError);
    worker.once('exit', onExit);
    signal.addEventListener('abort', onAbort, { once: true });
    worker.ref(); // work under way keeps the process alive
    send({ kind: 'job', job, hasInput: input !== undefined });
  });
}

/** Hands a stream to the worker, a chunk for each it asks for: few and large ones, whose memory goes along. */
class Feeder {
  readonly #send: (message: ToWorker, transfer?: readonly ArrayBuffer[]) => void;
  readonly #gatherer = new Gatherer(chunkBytes);
  #wanted = 0;
  #wake: (() => void) | undefined;
  #stopped = false;

  constructor(input: Readable, send: (message: ToWorker, transfer?: readonly ArrayBuffer[]) => void) {
    this.#send = send;
    void this.#run(input);
  }

  pull(used: ArrayBuffer | undefined): void {
    if (used !== undefined) this.#gatherer.giveBack(used);
    this.#wanted += 1;
    this.#wake?.();
  }

  stop(): void {
    this.#stopped = true;
    this.#wake?.();
  }

  async #run(input: Readable): Promise<void> {
    try {
      for await (const chunk of this.#gatherer.gather(input)) {
        while (this.#wanted === 0 && !this.#stopped) await new Promise<void>((resolve) => (this.#wake = resolve));
        if (this.#stopped) return;
        this.#wanted -= 1;
        this.#send({ kind: 'chunk', bytes: chunk }, [chunk.buffer]);
      }
      this.#send({ kind: 'input-end' });
    } catch (error) {
      if (!this.#stopped) this.#send({ kind: 'input-failed', error: sendError(error) });
    }
  }
}
