import type { ContainerInspect } from '../api/container.js';
import type { EngineEvent } from '../api/events.js';
import { composeLabels } from '../api/labels.js';
import { hasCode } from '../base/errors.js';
import { isNotFound, type EngineClient, type LogsQuery, type OpenStream } from '../client/index.js';
import type { ObservedContainer } from '../plan/index.js';
import { LineAssembler, type TimedLine } from './log-lines.js';
import { LogMerge, type LaneKind } from './log-merge.js';
import { LogPosition } from './log-position.js';
import { observedContainer } from './observe.js';

/** A container whose log is read. */
export interface LogSource {
  readonly id: string;
  readonly name: string;
  readonly service: string;
}

export type LogEvent =
  | { readonly kind: 'attached'; readonly source: LogSource }
  | ({ readonly kind: 'line'; readonly source: LogSource } & TimedLine)
  /** After its last line. `restarting`: its restart policy starts it again. */
  | {
      readonly kind: 'exited';
      readonly source: LogSource;
      readonly exitCode: number;
      readonly restarting: boolean;
    }
  | { readonly kind: 'unreadable'; readonly source: LogSource; readonly reason: string };

export interface LogOptions {
  readonly client: EngineClient;
  readonly project: string;
  /** Whose logs; absent: every service's. One-offs never. */
  readonly services?: readonly string[];
  /** A single replica. */
  readonly number?: number;
  /** `none`: only what is written, or what starts, from now on. */
  readonly history: 'all' | 'none';
  readonly tail?: number | 'all';
  readonly since?: string | number;
  readonly until?: string | number;
  /** Whose end `untilIdle` waits for; absent: that of all that are followed. */
  readonly awaited?: readonly string[];
  readonly onEvent: (event: LogEvent) => void;
  /** Awaited after each piece that was read, so that reading is no faster than what takes the events. */
  readonly pace?: () => Promise<void>;
  /** Resolves when an engine whose connection broke answers again; following then goes on. Absent: it fails. */
  readonly regain?: (signal: AbortSignal) => Promise<void>;
  readonly signal: AbortSignal;
}

/** Reads the logs as they are, merged by time. Resolves when all is read. */
export async function readLogs(options: LogOptions): Promise<void> {
  await new LogReader(options, 'read').run();
}

export interface LogFollower {
  /** From here on no line and no start is missed. */
  readonly opened: Promise<void>;
  /**
   * Settles when `signal` fires (with its reason), or when `untilIdle` was called and no followed container runs.
   */
  readonly ended: Promise<void>;
  /** From now on an end of all followed containers, or of the awaited ones, ends the following. */
  untilIdle(): void;
}

/** Follows the logs, merged by time, also of containers that start later. Open it before starting what must be seen whole. */
export function followLogs(options: LogOptions): LogFollower {
  const reader = new LogReader(options, 'follow');
  const ended = reader.run();
  ended.catch(() => undefined); // the caller may look later
  return {
    opened: reader.opened,
    ended,
    untilIdle: () => {
      reader.untilIdle();
    },
  };
}

class LogReader {
  readonly opened: Promise<void>;
  readonly #options: LogOptions;
  readonly #mode: 'read' | 'follow';
  readonly #merge: LogMerge<LogSource>;
  /** Readings under way, by container. */
  readonly #readings = new Map<string, Promise<void>>();
  readonly #positions = new Map<string, LogPosition>();
  /** Between two runs of a container with a restart policy. */
  readonly #restarting = new Set<string>();
  /** Of all that were attached, by container. */
  readonly #services = new Map<string, string>();
  /** Containers that have been there; of another one everything is new. */
  readonly #known = new Set<string>();
  #regaining: Promise<void> | undefined;
  readonly #ending = new AbortController();
  #endsWhenIdle = false;
  #settleOpened: { readonly resolve: () => void; readonly reject: (error: unknown) => void };

  constructor(options: LogOptions, mode: 'read' | 'follow') {
    this.#options = options;
    this.#mode = mode;
    this.#merge = new LogMerge((source, line) => {
      options.onEvent({ kind: 'line', source, ...line });
    });
    this.#settleOpened = { resolve: () => undefined, reject: () => undefined };
    this.opened = new Promise((resolve, reject) => {
      this.#settleOpened = { resolve, reject };
    });
    this.opened.catch(() => undefined); // who does not ask for it need not handle it
  }

  untilIdle(): void {
    this.#endsWhenIdle = true;
    this.#checkIdle();
  }

  async run(): Promise<void> {
    const { signal } = this.#options;
    const inside = AbortSignal.any([signal, this.#ending.signal]);
    try {
      const events = this.#mode === 'follow' ? this.#events(inside) : undefined;
      await events?.opened;
      const known = (await this.#containers()).sort((a, b) => (a.name < b.name ? -1 : 1));
      for (const container of known) this.#attachExisting(container, inside);
      this.#settleOpened.resolve();
      if (events === undefined) await Promise.all(this.#readings.values());
      else await this.#listenOn(events, inside);
    } catch (error) {
      this.#settleOpened.reject(error);
      signal.throwIfAborted();
      const reason: unknown = this.#ending.signal.reason;
      if (reason !== idle) throw this.#ending.signal.aborted ? reason : error;
    } finally {
      this.#ending.abort(idle);
      await Promise.allSettled(this.#readings.values());
      this.#merge.flush();
    }
  }

  #events(signal: AbortSignal): OpenStream<EngineEvent> {
    const { client, project } = this.#options;
    const filters = { type: ['container'], label: [`${composeLabels.project}=${project}`], event: ['start'] };
    return client.events({ filters }, signal);
  }

  async #containers(): Promise<ObservedContainer[]> {
    const { client, project, services, number, signal } = this.#options;
    const label = [`${composeLabels.project}=${project}`, composeLabels.configHash];
    const found = await client.containers.list({ all: true, filters: { label } }, signal);
    return found
      .map(observedContainer)
      .filter(({ oneOff, service }) => !oneOff && (services?.includes(service) ?? true))
      .filter((container) => number === undefined || container.number === number);
  }

  #attachExisting(container: ObservedContainer, signal: AbortSignal): void {
    const { history, tail, since } = this.#options;
    const { id, name, service, status } = container;
    this.#known.add(id);
    const running = status === 'running' || status === 'restarting' || status === 'paused';
    if (history === 'none' && !running) return;
    const none: LogsQuery = { tail: 0 };
    const all: LogsQuery = { ...(tail === undefined ? {} : { tail }), ...(since === undefined ? {} : { since }) };
    const stretches = { history: history === 'all', live: running };
    this.#attach({ id, name, service }, history === 'none' ? none : all, stretches, signal);
  }

  /** Over ends of the engine, of which an orderly one is the end of following too. */
  async #listenOn(first: OpenStream<EngineEvent>, signal: AbortSignal): Promise<void> {
    for (let events = first; ; events = this.#events(signal)) {
      try {
        await events.opened;
        if (events !== first) await this.#catchUp(signal);
        await this.#listen(events, signal);
        return;
      } catch (error) {
        await this.#regain(error, signal);
      }
    }
  }

  /** @throws `error` where it is no broken connection, or nothing can be done about one */
  async #regain(error: unknown, signal: AbortSignal): Promise<void> {
    const { regain } = this.#options;
    if (regain === undefined || signal.aborted || !hasCode(error, 'engine/unreachable')) throw error;
    await (this.#regaining ??= regain(signal).finally(() => {
      this.#regaining = undefined;
    }));
  }

  /** What was started, or ended, while the engine was away and is not being read. */
  async #catchUp(signal: AbortSignal): Promise<void> {
    for (const { id, name, service, status } of await this.#containers()) {
      if (this.#readings.has(id)) continue;
      const source = { id, name, service };
      const isNew = !this.#known.has(id);
      if (status === 'running' && !isNew) await this.#started(source, signal);
      else if (isNew && status !== 'created') this.#attach(source, {}, { history: true, live: true }, signal);
      else if (this.#positions.has(id)) this.#attach(source, {}, { history: true, live: false }, signal);
    }
  }

  async #listen(events: AsyncIterable<EngineEvent>, signal: AbortSignal): Promise<void> {
    const { services, number } = this.#options;
    for await (const { Action, Actor } of events) {
      if (Action !== 'start') continue;
      const labels = Actor.Attributes;
      const service = labels[composeLabels.service] ?? '';
      if (labels[composeLabels.oneoff] === 'True' || services?.includes(service) === false) continue;
      if (number !== undefined && Number(labels[composeLabels.containerNumber]) !== number) continue;
      await this.#started({ id: Actor.ID, name: labels['name'] ?? Actor.ID.slice(0, 12), service }, signal);
    }
    signal.throwIfAborted();
  }

  /** Reads on where the log was left; of a container that ran before we came only the new run. */
  async #started(source: LogSource, signal: AbortSignal): Promise<void> {
    const { client } = this.#options;
    await this.#readings.get(source.id); // it ends with the run before
    let container: ContainerInspect;
    try {
      container = await client.containers.inspect(source.id, signal);
    } catch (error) {
      if (isNotFound(error)) return;
      throw error;
    }
    // The event may have the temporary name of a replacement that has been renamed since.
    const named = { ...source, name: container.Name.replace(/^\//, '') };
    const { StartedAt, FinishedAt } = container.State;
    const ranBefore = !FinishedAt.startsWith('0001') || container.RestartCount > 0;
    this.#attach(named, ranBefore ? { since: StartedAt } : {}, { history: false, live: true }, signal);
  }

  #attach(source: LogSource, query: LogsQuery, stretches: Stretches, signal: AbortSignal): void {
    const { id } = source;
    this.#restarting.delete(id);
    this.#services.set(id, source.service);
    this.#known.add(id);
    const reading = this.#read(source, query, stretches, signal).finally(() => {
      if (this.#readings.get(id) === reading) this.#readings.delete(id);
      this.#checkIdle();
    });
    reading.catch((error: unknown) => {
      this.#ending.abort(error);
    });
    this.#readings.set(id, reading);
    this.#options.onEvent({ kind: 'attached', source }); // nothing is read before this is over
  }

  async #read(source: LogSource, query: LogsQuery, { history, live }: Stretches, signal: AbortSignal): Promise<void> {
    const attachedS = String(Date.now() / 1_000);
    try {
      if (this.#mode === 'read') {
        await this.#pump(source, query, 'history', signal);
        return;
      }
      if (history) await this.#pump(source, query, 'history', signal);
      if (!live) return;
      await this.#pump(source, history ? {} : query, 'live', signal);
      await this.#reportExit(source, signal);
    } catch (error) {
      if (signal.aborted || isNotFound(error)) return;
      if (hasCode(error, 'engine/unreachable')) {
        await this.#regain(error, signal);
        // Of one that has said nothing yet, what it said meanwhile is new.
        const again = !history && query.tail === 0 ? { since: attachedS } : query;
        await this.#read(source, again, { history, live }, signal);
        return;
      }
      if (!hasCode(error, 'engine/response')) throw error;
      this.#options.onEvent({ kind: 'unreadable', source, reason: error.facts.message });
    }
  }

  /** Reads one stretch of a log into the merge, from where the last one ended. */
  async #pump(source: LogSource, query: LogsQuery, kind: LaneKind, signal: AbortSignal): Promise<void> {
    const { client, until, pace } = this.#options;
    const position = this.#positions.get(source.id) ?? new LogPosition();
    this.#positions.set(source.id, position);
    const resumed = position.resume();
    const lane = this.#merge.open(source, kind);
    const assembler = new LineAssembler();
    const push = (line: TimedLine) => {
      if (resumed?.isNew(line) === false) return;
      position.advance(line);
      lane.push(line);
    };
    try {
      const follow = kind === 'live';
      const bounds = until === undefined ? {} : { until };
      const request = { ...(resumed?.query ?? query), ...bounds, follow, timestamps: true };
      for await (const { stream, payload } of client.containers.logs(source.id, request, signal)) {
        assembler.push(stream, payload).forEach(push);
        await pace?.();
      }
      // When more is to come, it begins with the line that is incomplete here.
      if (follow || this.#mode === 'read') assembler.end().forEach(push);
    } finally {
      await Promise.race([lane.close(), aborted(signal)]);
    }
  }

  async #reportExit(source: LogSource, signal: AbortSignal): Promise<void> {
    const { State } = await this.#options.client.containers.inspect(source.id, signal);
    const restarting = State.Restarting || State.Running;
    if (restarting) this.#restarting.add(source.id);
    this.#options.onEvent({ kind: 'exited', source, exitCode: State.ExitCode, restarting });
  }

  #checkIdle(): void {
    if (!this.#endsWhenIdle) return;
    const { awaited } = this.#options;
    const isAwaited = (id: string): boolean => awaited?.includes(this.#services.get(id) ?? '') ?? true;
    if (![...this.#readings.keys(), ...this.#restarting].some(isAwaited)) this.#ending.abort(idle);
  }
}

/** What to read of a log: what is written, what comes. */
interface Stretches {
  readonly history: boolean;
  readonly live: boolean;
}

/** Reason of an end that is no failure. */
const idle: unique symbol = Symbol('nothing left to follow');

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
