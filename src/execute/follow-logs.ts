import type { EngineEvent } from '../api/events.js';
import { composeLabels } from '../api/labels.js';
import { hasCode } from '../base/errors.js';
import { isNotFound, type EngineClient, type LogsQuery } from '../client/index.js';
import type { ObservedContainer } from '../plan/index.js';
import { justAfter, LineAssembler, type TimedLine } from './log-lines.js';
import { LogMerge } from './log-merge.js';
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
  readonly onEvent: (event: LogEvent) => void;
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
  /** From now on an end of all followed containers ends the following. */
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
  readonly #options: LogOptions;
  readonly #mode: 'read' | 'follow';
  readonly #merge: LogMerge<LogSource>;
  readonly #streams = new Map<string, Promise<void>>();
  /** Stamp of the last line of each container, to go on from after a restart. */
  readonly #last = new Map<string, string>();
  readonly opened: Promise<void>;
  #resolveOpened: () => void = () => undefined;
  #rejectOpened: (error: unknown) => void = () => undefined;
  #endsWhenIdle = false;
  readonly #restarting = new Set<string>();
  readonly #idle = new AbortController();

  constructor(options: LogOptions, mode: 'read' | 'follow') {
    this.#options = options;
    this.#mode = mode;
    this.#merge = new LogMerge((source, line) => {
      options.onEvent({ kind: 'line', source, ...line });
    });
    this.opened = new Promise((resolve, reject) => {
      this.#resolveOpened = resolve;
      this.#rejectOpened = reject;
    });
    this.opened.catch(() => undefined);
  }

  untilIdle(): void {
    this.#endsWhenIdle = true;
    this.#checkIdle();
  }

  async run(): Promise<void> {
    const { client, project, signal } = this.#options;
    const inside = AbortSignal.any([signal, this.#idle.signal]);
    try {
      const filters = { type: ['container'], label: [`${composeLabels.project}=${project}`], event: ['start', 'die'] };
      const events = this.#mode === 'follow' ? client.events({ filters }, inside) : undefined;
      await events?.opened;
      const known = (await this.#containers()).sort((a, b) => (a.name < b.name ? -1 : 1));
      for (const container of known) this.#attachExisting(container, inside);
      this.#resolveOpened();
      if (events === undefined) await Promise.all(this.#streams.values());
      else await this.#listen(events, inside);
    } catch (error) {
      this.#rejectOpened(error);
      if (!this.#idle.signal.aborted) throw error;
    } finally {
      this.#idle.abort();
      await Promise.allSettled(this.#streams.values());
      this.#merge.flush();
    }
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
    const { history, tail, since, until } = this.#options;
    const running =
      container.status === 'running' || container.status === 'restarting' || container.status === 'paused';
    if (history === 'none' && !running) return;
    const query: LogsQuery = {
      ...(history === 'none' ? { tail: 0 } : tail === undefined ? {} : { tail }),
      ...(since === undefined ? {} : { since }),
      ...(until === undefined ? {} : { until }),
    };
    this.#attach(container, query, signal);
  }

  async #listen(events: AsyncIterable<EngineEvent>, signal: AbortSignal): Promise<void> {
    for await (const { Action, Actor } of events) {
      if (Action !== 'start') continue;
      const { services, number, client } = this.#options;
      const labels = Actor.Attributes;
      const service = labels[composeLabels.service] ?? '';
      if (labels[composeLabels.oneoff] === 'True' || services?.includes(service) === false) continue;
      if (number !== undefined && Number(labels[composeLabels.containerNumber]) !== number) continue;
      // The event's name may be a temporary one of a replacement that has been renamed since.
      const name = await this.#nameOf(Actor.ID, labels['name'] ?? Actor.ID.slice(0, 12), client, signal);
      await this.#resume({ id: Actor.ID, name, service }, signal);
    }
    signal.throwIfAborted();
  }

  async #nameOf(id: string, fallback: string, client: EngineClient, signal: AbortSignal): Promise<string> {
    try {
      return (await client.containers.inspect(id, signal)).Name.replace(/^\//, '');
    } catch (error) {
      if (isNotFound(error)) return fallback;
      throw error;
    }
  }

  /** A container has started: read on where its log was left. */
  async #resume(source: LogSource, signal: AbortSignal): Promise<void> {
    const running = this.#streams.get(source.id);
    const seen = this.#seen.has(source.id);
    await running; // it ends with the run before
    const last = this.#last.get(source.id);
    const since = last === undefined ? undefined : justAfter(last);
    const fresh = seen ? {} : await this.#fromThisStart(source.id, signal);
    this.#attach(source, since === undefined ? fresh : { since }, signal);
  }

  readonly #seen = new Set<string>();

  /** Of a container that ran before we came: only its new run. */
  async #fromThisStart(id: string, signal: AbortSignal): Promise<LogsQuery> {
    try {
      const { State } = await this.#options.client.containers.inspect(id, signal);
      // What it wrote may be stamped before its start was recorded, but never before the end of the run before.
      const since = State.FinishedAt.startsWith('0001') ? undefined : justAfter(State.FinishedAt);
      return since === undefined ? {} : { since };
    } catch (error) {
      if (isNotFound(error)) return {};
      throw error;
    }
  }

  #attach(container: LogSource, query: LogsQuery, signal: AbortSignal): void {
    const { id, name, service } = container;
    const source = { id, name, service };
    this.#seen.add(id);
    this.#restarting.delete(id);
    this.#options.onEvent({ kind: 'attached', source });
    const run = this.#read(source, query, signal).finally(() => {
      if (this.#streams.get(id) === run) this.#streams.delete(id);
      this.#checkIdle();
    });
    run.catch((error: unknown) => {
      this.#rejectOpened(error);
      this.#idle.abort(error);
    });
    this.#streams.set(id, run);
  }

  async #read(source: LogSource, query: LogsQuery, signal: AbortSignal): Promise<void> {
    const { client, onEvent } = this.#options;
    const lane = this.#merge.open(source);
    const assembler = new LineAssembler();
    const push = (line: TimedLine) => {
      if (line.time !== undefined) this.#last.set(source.id, line.time);
      lane.push(line);
    };
    try {
      const follow = this.#mode === 'follow';
      const chunks = client.containers.logs(source.id, { ...query, follow, timestamps: true }, signal);
      for await (const { stream, payload } of chunks) assembler.push(stream, payload).forEach(push);
      assembler.end().forEach(push);
    } catch (error) {
      if (signal.aborted) return;
      if (isNotFound(error)) return;
      if (!hasCode(error, 'engine/response')) throw error;
      onEvent({ kind: 'unreadable', source, reason: error.facts.message });
      return;
    } finally {
      lane.close();
    }
    if (this.#mode === 'follow') await this.#reportExit(source, signal);
  }

  async #reportExit(source: LogSource, signal: AbortSignal): Promise<void> {
    try {
      const { State } = await this.#options.client.containers.inspect(source.id, signal);
      const restarting = State.Restarting || State.Running;
      if (restarting) this.#restarting.add(source.id);
      this.#options.onEvent({ kind: 'exited', source, exitCode: State.ExitCode, restarting });
    } catch (error) {
      if (signal.aborted || isNotFound(error)) return;
      throw error;
    }
  }

  #checkIdle(): void {
    if (this.#endsWhenIdle && this.#streams.size === 0 && this.#restarting.size === 0) this.#idle.abort();
  }
}
