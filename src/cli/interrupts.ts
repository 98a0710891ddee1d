import { TscomposeError } from '../base/errors.js';

declare module '../base/errors.js' {
  interface ErrorFacts {
    'cli/interrupted': { readonly signal: string };
  }
}

export type InterruptSignal = 'SIGINT' | 'SIGTERM' | 'SIGHUP';

/** Sees one interrupt; true: taken care of, so the one below is not asked. */
export type InterruptHandler = (signal: InterruptSignal) => boolean;

/**
 * Ctrl-C and its kin. The newest handler is asked first. Where none takes it, the first interrupt aborts `signal` and
 * the second one ends the process at once, with what was under way left to the next run.
 */
export class Interrupts {
  readonly #abort = new AbortController();
  readonly #handlers: InterruptHandler[] = [];
  readonly #exit: (code: number) => void;

  constructor(exit: (code: number) => void) {
    this.#exit = exit;
  }

  /** For every call of a command that waits. Its reason is a `cli/interrupted`. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Returns what takes the handler away again. */
  handle(handler: InterruptHandler): () => void {
    this.#handlers.push(handler);
    return () => {
      const index = this.#handlers.lastIndexOf(handler);
      if (index >= 0) this.#handlers.splice(index, 1);
    };
  }

  raise(signal: InterruptSignal): void {
    for (const handler of this.#handlers.toReversed()) if (handler(signal)) return;
    if (this.#abort.signal.aborted) {
      this.#exit(exitCodes.interrupted);
      return;
    }
    this.#abort.abort(new TscomposeError({ code: 'cli/interrupted', message: 'interrupted', facts: { signal } }));
  }
}

/** As docker compose v5: everything that is not a container's own code is 1, an interrupt is 130. */
export const exitCodes = { success: 0, failure: 1, interrupted: 130 } as const;
