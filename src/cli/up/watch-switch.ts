import type { CliContext } from '../context.js';
import type { WatchWork } from '../watch/carry-out.js';

/** Turns watching on and off while `up` is attached. */
export class WatchSwitch {
  readonly #context: CliContext;
  readonly #work: Omit<WatchWork, 'signal'>;
  readonly #services: readonly string[];
  readonly #show: (watching: boolean) => void;
  #watching: AbortController | undefined;

  /** @param show - told of every change */
  constructor(
    context: CliContext,
    work: Omit<WatchWork, 'signal'>,
    services: readonly string[],
    show: (watching: boolean) => void,
  ) {
    this.#context = context;
    this.#work = work;
    this.#services = services;
    this.#show = show;
  }

  get on(): boolean {
    return this.#watching !== undefined;
  }

  /** Settles when it has been turned off. @throws what ended it otherwise; it is off then */
  async turnOn(): Promise<void> {
    const watching = new AbortController();
    this.#watching = watching;
    this.#show(true);
    try {
      const { openWatch } = await import('../watch/session.js');
      await openWatch(this.#context, { ...this.#work, signal: watching.signal }, this.#services).ended;
    } catch (error) {
      if (watching.signal.aborted) return;
      this.#watching = undefined;
      this.#show(false);
      throw error;
    }
  }

  turnOff(): void {
    if (this.#watching === undefined) return;
    this.#watching.abort();
    this.#watching = undefined;
    this.#show(false);
  }
}
