import type { Filters } from '../../api/common.js';
import type { EngineEvent } from '../../api/events.js';
import { timerMs } from '../../base/timer.js';
import { matchesEvent } from './match.js';

export type NewEvent = Pick<EngineEvent, 'Type' | 'Action' | 'Actor'>;

export interface EventQuery {
  /** Unix nanoseconds. With it, what is remembered from then on comes first. */
  readonly sinceNs?: bigint;
  /** Unix nanoseconds. The stream ends there; in the past, only remembered events come. */
  readonly untilNs?: bigint;
  readonly filters?: Filters;
}

export interface EventHub {
  publish(event: NewEvent): void;
  /**
   * Counts from the call, not from the first `next()`: no event in between is lost. Ends at `untilNs`, when `signal`
   * fires, and when the reader falls 10,000 events behind; events are hints, and a reader that lost some should look anew.
   */
  subscribe(query: EventQuery, signal: AbortSignal): AsyncIterable<EngineEvent>;
}

const remembered = 512;
const maxBehind = 10_000;

interface Stamped {
  readonly event: EngineEvent;
  readonly timeNs: bigint;
}

/** @param nowNs - unix nanoseconds; made strictly increasing here, so that a time names one event */
export function createEventHub(nowNs: () => bigint): EventHub {
  const history: Stamped[] = [];
  const subscriptions = new Set<Subscription>();
  let lastNs = 0n;
  return {
    publish(event) {
      const now = nowNs();
      lastNs = now > lastNs ? now : lastNs + 1n;
      const stamped: Stamped = {
        timeNs: lastNs,
        event: {
          Type: event.Type,
          Action: event.Action,
          Actor: { ID: event.Actor.ID, Attributes: { ...event.Actor.Attributes } },
          scope: 'local',
          time: Number(lastNs / 1_000_000_000n),
          timeNano: Number(lastNs),
        },
      };
      history.push(stamped);
      if (history.length > remembered) history.shift();
      for (const subscription of subscriptions) subscription.offer(stamped);
    },
    subscribe(query, signal) {
      const subscription = new Subscription(query, () => subscriptions.delete(subscription));
      const { sinceNs } = query;
      if (sinceNs !== undefined) {
        for (const stamped of history) if (stamped.timeNs >= sinceNs) subscription.offer(stamped);
      } else if (query.untilNs !== undefined && query.untilNs <= nowNs()) {
        for (const stamped of history) subscription.offer(stamped); // a span of the past alone means all of it
      }
      subscriptions.add(subscription);
      subscription.endAt(nowNs());
      if (signal.aborted) subscription.end();
      else signal.addEventListener('abort', () => subscription.end(), { once: true });
      return subscription;
    },
  };
}

/** A queue with one reader. */
class Subscription implements AsyncIterable<EngineEvent> {
  readonly #query: EventQuery;
  readonly #onEnd: () => void;
  readonly #queue: EngineEvent[] = [];
  #wake: (() => void) | undefined;
  #timer: NodeJS.Timeout | undefined;
  #ended = false;

  constructor(query: EventQuery, onEnd: () => void) {
    this.#query = query;
    this.#onEnd = onEnd;
  }

  offer({ event, timeNs }: Stamped): void {
    const { untilNs, filters = {} } = this.#query;
    if (this.#ended || (untilNs !== undefined && timeNs > untilNs) || !matchesEvent(event, filters)) return;
    if (this.#queue.length >= maxBehind) this.end();
    else this.#queue.push(event);
    this.#wake?.();
  }

  endAt(nowNs: bigint): void {
    const { untilNs } = this.#query;
    if (untilNs === undefined) return;
    if (untilNs <= nowNs) {
      this.end();
      return;
    }
    const leftMs = timerMs(Number((untilNs - nowNs) / 1_000_000n) + 1);
    this.#timer = setTimeout(() => this.end(), leftMs);
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#timer);
    this.#onEnd();
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<EngineEvent, void, void> {
    try {
      for (;;) {
        for (let event = this.#queue.shift(); event !== undefined; event = this.#queue.shift()) yield event;
        if (this.#ended) return;
        await new Promise<void>((resolve) => (this.#wake = resolve));
        this.#wake = undefined;
      }
    } finally {
      this.end();
    }
  }
}
