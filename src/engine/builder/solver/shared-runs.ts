import type { Digest } from '../../../base/digest.js';
import type { Outcome, RunIo } from './operation.js';

/** Output kept for builds that join a run late. */
const maxReplayBytes = 4 * 1024 * 1024;

interface SharedRun {
  readonly outcome: Promise<Outcome>;
  /** Of the build whose things it works with. */
  readonly startedBy: AbortSignal;
  readonly listeners: Set<(chunk: Buffer) => void>;
  readonly replay: Buffer[];
  readonly controller: AbortController;
  waiting: number;
}

/** Runs under way in this engine by key: builds that come to the same step at the same time share one run of it. */
export class SharedRuns {
  readonly #runs = new Map<Digest, SharedRun>();

  /**
   * Joins the run of `key`, or starts it. A run goes on while one build still waits for it. It works with the context, the
   * secrets and the folders of the build that started it: that one stays until it ends, and where it fails for a build
   * that was stopped, those that wait run it with their own.
   * @throws what the run throws; the abort reason
   */
  async join(key: Digest, start: (io: RunIo) => Promise<Outcome>, io: RunIo): Promise<Outcome> {
    for (;;) {
      io.signal.throwIfAborted();
      const known = this.#runs.get(key);
      const run = known ?? this.#start(key, start, io.signal);
      try {
        return await this.#wait(key, run, io);
      } catch (error) {
        if (known === undefined || io.signal.aborted || !run.startedBy.aborted) throw error;
      }
    }
  }

  async #wait(key: Digest, run: SharedRun, io: RunIo): Promise<Outcome> {
    for (const chunk of run.replay) io.onOutput(chunk);
    run.listeners.add(io.onOutput);
    run.waiting++;
    let left = false;
    const leave = (): void => {
      if (left) return;
      left = true;
      run.waiting--;
      run.listeners.delete(io.onOutput);
      if (run.waiting > 0) return;
      if (this.#runs.get(key) === run) this.#runs.delete(key);
      run.controller.abort(io.signal.reason);
    };
    let onAbort = (): void => undefined;
    const aborted = new Promise<'aborted'>((resolve) => (onAbort = () => resolve('aborted')));
    io.signal.addEventListener('abort', onAbort, { once: true });
    try {
      const outcome = await Promise.race([run.outcome, aborted]);
      if (outcome !== 'aborted') return outcome;
      leave();
      // Who started it takes away what it works with, and the last to leave waits until nothing runs any more.
      if (run.startedBy === io.signal || run.controller.signal.aborted) await run.outcome.catch(() => undefined);
      throw io.signal.reason;
    } finally {
      io.signal.removeEventListener('abort', onAbort);
      leave();
    }
  }

  #start(key: Digest, start: (io: RunIo) => Promise<Outcome>, startedBy: AbortSignal): SharedRun {
    const controller = new AbortController();
    const listeners = new Set<(chunk: Buffer) => void>();
    const replay: Buffer[] = [];
    let replayBytes = 0;
    const onOutput = (chunk: Buffer): void => {
      replayBytes += chunk.byteLength;
      if (replayBytes <= maxReplayBytes) replay.push(chunk);
      for (const listener of listeners) listener(chunk);
    };
    const outcome = Promise.resolve().then(() => start({ onOutput, signal: controller.signal }));
    const run: SharedRun = { outcome, startedBy, listeners, replay, controller, waiting: 0 };
    this.#runs.set(key, run);
    const forget = (): void => {
      if (this.#runs.get(key) === run) this.#runs.delete(key);
    };
    outcome.then(forget, forget);
    return run;
  }
}
