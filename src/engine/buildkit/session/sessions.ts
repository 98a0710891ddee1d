import { setTimeout as sleep } from 'node:timers/promises';
import type { Duplex } from 'node:stream';
import { GrpcFailure, grpcCode } from '../grpc/failure.js';
import { type Channel, openChannel } from '../grpc/client.js';

/** What a client says of itself in the headers of `POST /session`. */
export interface SessionFacts {
  readonly id: string;
  /** The same for builds of the same folder, so that what was sent once is kept for the next. */
  readonly sharedKey: string;
  /** Paths of the methods it serves. */
  readonly methods: ReadonlySet<string>;
}

/** A client that waits for calls of ours: for files, secrets, credentials. */
export interface ClientSession extends SessionFacts {
  readonly channel: Channel;
}

/** A client opens its session and starts its build at the same time; whichever comes first waits so long. */
const arrivalMs = 10_000;

/** The sessions of all clients by id. One lives as long as its connection. */
export class Sessions {
  readonly #open = new Map<string, ClientSession>();
  readonly #arrivals = new Set<() => void>();

  /** Serves until the client goes away. @param signal - ends the session */
  async serve(facts: SessionFacts, socket: Duplex, signal: AbortSignal): Promise<void> {
    const channel = openChannel(socket);
    const session: ClientSession = { ...facts, channel };
    this.#open.set(facts.id, session);
    for (const tell of this.#arrivals) tell();
    const close = (): void => channel.close();
    signal.addEventListener('abort', close, { once: true });
    if (signal.aborted) close();
    if (!channel.closed.aborted) {
      await new Promise((resolve) => channel.closed.addEventListener('abort', resolve, { once: true }));
    }
    signal.removeEventListener('abort', close);
    if (this.#open.get(facts.id) === session) this.#open.delete(facts.id);
    socket.destroy();
  }

  /** Waits for a session that is still on its way. @throws GrpcFailure where none comes; the abort reason */
  async get(id: string, signal: AbortSignal): Promise<ClientSession> {
    const tooLate = AbortSignal.timeout(arrivalMs);
    const ended = AbortSignal.any([signal, tooLate]);
    for (;;) {
      signal.throwIfAborted();
      const session = this.#open.get(id);
      if (session !== undefined) return session;
      if (tooLate.aborted)
        throw new GrpcFailure(grpcCode.notFound, `no active session for ${id}: context deadline exceeded`);
      await this.#arrival(ended);
    }
  }

  /** Settles when any session comes, or at `ended`. */
  async #arrival(ended: AbortSignal): Promise<void> {
    const turn = new AbortController();
    const tell = (): void => turn.abort();
    this.#arrivals.add(tell);
    await sleep(arrivalMs, undefined, { signal: AbortSignal.any([turn.signal, ended]) }).catch(() => undefined);
    this.#arrivals.delete(tell);
  }
}
