import type { Message } from '../../../api/buildkit/message.js';
import type { statusResponse } from '../../../api/buildkit/status.js';

export type Status = Partial<typeof statusResponse extends Message<infer T> ? T : never>;

/** What a build has said so far and what it says yet: who comes late hears it all. */
export class StatusLog {
  readonly #said: Status[] = [];
  readonly #listeners = new Set<() => void>();
  #ended = false;

  say(status: Status): void {
    if (this.#ended) return;
    this.#said.push(status);
    for (const wake of this.#listeners) wake();
  }

  end(): void {
    this.#ended = true;
    for (const wake of this.#listeners) wake();
  }

  /** Hands over everything in order, until the end or `signal`. */
  async follow(hear: (status: Status) => void, signal: AbortSignal): Promise<void> {
    let next = 0;
    for (;;) {
      for (; next < this.#said.length; next++) hear(this.#said[next] ?? {});
      if (this.#ended || signal.aborted) return;
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          this.#listeners.delete(wake);
          signal.removeEventListener('abort', wake);
          resolve();
        };
        this.#listeners.add(wake);
        signal.addEventListener('abort', wake, { once: true });
      });
    }
  }
}
