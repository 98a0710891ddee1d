import type { ContainerInspect } from '../api/container.js';
import { composeLabels } from '../api/labels.js';
import type { EngineClient } from '../client/index.js';

/**
 * Waits for states of a project's containers. One event subscription serves every wait; an event only means "look
 * again", so late, doubled or foreign events do no harm. When the subscription ends, as when the engine restarts, it is
 * opened anew and everyone looks again.
 */
export class ContainerWatch {
  readonly #client: EngineClient;
  readonly #project: string;
  readonly #signal: AbortSignal;
  readonly #wakers = new Map<string, Set<() => void>>();
  #subscription: Promise<void> | undefined;
  #failure: { readonly error: unknown } | undefined;

  /** @param signal - ends the subscription */
  constructor(client: EngineClient, project: string, signal: AbortSignal) {
    this.#client = client;
    this.#project = project;
    this.#signal = signal;
  }

  /**
   * The first answer of `judge` that is not undefined.
   * @throws what `judge` throws; the reason of `signal`; why the engine does not answer
   */
  async until<T>(
    containerId: string,
    judge: (container: ContainerInspect) => T | undefined,
    signal: AbortSignal,
  ): Promise<T> {
    await (this.#subscription ??= this.#subscribe());
    for (;;) {
      signal.throwIfAborted();
      const changed = this.#nextChange(containerId, signal);
      const verdict = judge(await this.#client.containers.inspect(containerId, signal));
      if (verdict !== undefined) {
        changed.cancel();
        return verdict;
      }
      await changed.happened;
      if (this.#failure !== undefined) throw this.#failure.error;
    }
  }

  async #subscribe(): Promise<void> {
    const filters = { type: ['container'], label: [`${composeLabels.project}=${this.#project}`] };
    const events = this.#client.events({ filters }, this.#signal);
    await events.opened;
    this.#listen(events).catch((error: unknown) => {
      this.#failure = { error };
      this.#wakeAll();
    });
  }

  async #listen(events: AsyncIterable<{ readonly Actor: { readonly ID: string } }>): Promise<void> {
    try {
      for await (const { Actor } of events) this.#wake(Actor.ID);
    } finally {
      if (!this.#signal.aborted) await this.#subscribe();
    }
    this.#wakeAll();
  }

  #nextChange(id: string, signal: AbortSignal): { readonly happened: Promise<void>; readonly cancel: () => void } {
    const wakers = this.#wakers.get(id) ?? new Set();
    this.#wakers.set(id, wakers);
    let cancel = (): void => undefined;
    const happened = new Promise<void>((resolve) => {
      cancel = () => {
        wakers.delete(cancel);
        signal.removeEventListener('abort', cancel);
        resolve();
      };
      wakers.add(cancel);
      signal.addEventListener('abort', cancel, { once: true });
    });
    return { happened, cancel };
  }

  #wake(id: string): void {
    for (const wake of [...(this.#wakers.get(id) ?? [])]) wake();
  }

  #wakeAll(): void {
    for (const id of this.#wakers.keys()) this.#wake(id);
  }
}
