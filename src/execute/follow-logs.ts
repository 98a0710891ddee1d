import type { EngineEvent } from '../api/events.js';
import { composeLabels } from '../api/labels.js';
import { hasCode } from '../base/errors.js';
import type { OpenStream } from '../client/index.js';
import type { ObservedContainer } from '../plan/index.js';
import { ContainerLog } from './container-log.js';
import { FollowedContainer, type Beginning } from './followed-container.js';
import type { LogMerge } from './log-merge.js';
import type { LogOptions, LogSource } from './log-options.js';
import { boundsOf, containersWithLogs, logOptions, openMerge } from './read-logs.js';

export interface LogFollower {
  /** From here on no line and no start is missed. */
  readonly opened: Promise<void>;
  /**
   * Settles when `signal` fires (with its reason), or when `untilIdle` was called and no followed container runs.
   */
  readonly ended: Promise<void>;
  /**
   * From now on an end of all followed containers, or of the awaited ones, ends the following.
   * @param started - names of containers that have been started since it was opened. News of that comes on its own way:
   * before it is here, nothing to follow is no end.
   */
  untilIdle(started?: Iterable<string>): void;
}

/** Follows the logs, merged by time, also of containers that start later. Open it before starting what must be seen whole. */
export function followLogs(options: LogOptions): LogFollower {
  const following = new Following(options);
  const ended = following.run();
  ended.catch(() => undefined); // the caller may look later
  return {
    opened: following.opened,
    ended,
    untilIdle: (started = []) => {
      following.untilIdle(started);
    },
  };
}

class Following {
  readonly opened: Promise<void>;
  readonly #options: LogOptions;
  readonly #ending = new AbortController();
  readonly #signal: AbortSignal;
  readonly #merge: LogMerge<LogSource>;
  readonly #containers = new Map<string, FollowedContainer>();
  /** Names of containers whose start has been told, and of those where it has yet to be. */
  readonly #started = new Set<string>();
  readonly #expected = new Set<string>();
  /** Ids of containers that are about to take the place of others. */
  readonly #replacements = new Set<string>();
  #regaining: Promise<void> | undefined;
  #endsWhenIdle = false;
  #settleOpened: { readonly resolve: () => void; readonly reject: (error: unknown) => void };

  constructor(options: LogOptions) {
    this.#options = options;
    this.#signal = AbortSignal.any([options.signal, this.#ending.signal]);
    this.#merge = openMerge(options, this.#signal);
    this.#settleOpened = { resolve: () => undefined, reject: () => undefined };
    this.opened = new Promise((resolve, reject) => {
      this.#settleOpened = { resolve, reject };
    });
    this.opened.catch(() => undefined); // who does not ask for it need not handle it
  }

  untilIdle(started: Iterable<string>): void {
    this.#endsWhenIdle = true;
    for (const name of started) if (!this.#started.has(name)) this.#expected.add(name);
    for (const container of this.#containers.values()) container.lookIfUp();
    this.#checkIdle();
  }

  async run(): Promise<void> {
    try {
      const events = this.#events();
      await events.opened;
      for (const container of await containersWithLogs(this.#options, this.#signal)) {
        this.#follow(container, this.#beginningOf(container));
      }
      this.#settleOpened.resolve();
      await this.#listenOn(events);
    } catch (error) {
      this.#settleOpened.reject(error);
      this.#options.signal.throwIfAborted();
      const reason: unknown = this.#ending.signal.reason;
      if (reason !== idle) throw this.#ending.signal.aborted ? reason : error;
    } finally {
      this.#ending.abort(idle);
      await Promise.allSettled([...this.#containers.values()].map(({ rest }) => rest));
      this.#merge.flush();
    }
  }

  #events(): OpenStream<EngineEvent> {
    const { client, project } = this.#options;
    const label = [`${composeLabels.project}=${project}`];
    const filters = { type: ['container'], label, event: ['create', 'start', 'die', 'stop', 'destroy'] };
    return client.events({ filters }, this.#signal);
  }

  #beginningOf({ status }: ObservedContainer): Beginning {
    const all = this.#options.history === 'all';
    const query = boundsOf(this.#options);
    if (status === 'running' || status === 'restarting' || status === 'paused')
      return { kind: 'up', history: all ? 'read' : 'skip', query };
    if (status === 'created') return { kind: 'all' };
    return { kind: 'ended', history: all ? query : undefined };
  }

  #follow({ id, name, service }: LogSource, beginning: Beginning): FollowedContainer {
    const container = new FollowedContainer({ id, name, service }, beginning, {
      logs: this.#options,
      log: new ContainerLog(logOptions(this.#options, this.#merge)),
      regain: (error) => this.#regain(error),
      onRest: () => {
        this.#checkIdle();
      },
      onFailure: (error) => {
        this.#ending.abort(error);
      },
      signal: this.#signal,
    });
    this.#containers.set(id, container);
    return container;
  }

  /** Over ends of the engine, of which an orderly one is the end of following too. */
  async #listenOn(first: OpenStream<EngineEvent>): Promise<void> {
    for (let events = first; ; events = this.#events()) {
      try {
        await events.opened;
        if (events !== first) await this.#catchUp();
        await this.#listen(events);
        return;
      } catch (error) {
        await this.#regain(error);
      }
    }
  }

  /** @throws `error` where it is no broken connection, or nothing can be done about one */
  async #regain(error: unknown): Promise<void> {
    const { regain } = this.#options;
    if (regain === undefined || this.#signal.aborted || !hasCode(error, 'engine/unreachable')) throw error;
    await (this.#regaining ??= regain(this.#signal).finally(() => {
      this.#regaining = undefined;
    }));
  }

  /** What was started, or ended, while the engine was away. */
  async #catchUp(): Promise<void> {
    for (const found of await containersWithLogs(this.#options, this.#signal)) {
      const known = this.#containers.get(found.id);
      if (found.status === 'running') (known ?? this.#follow(found, { kind: 'all' })).look();
      else if (known !== undefined) known.lookIfUp();
      else if (found.status !== 'created') this.#follow(found, { kind: 'all' }).look();
    }
    this.#expected.clear();
    this.#replacements.clear();
    this.#checkIdle();
  }

  async #listen(events: AsyncIterable<EngineEvent>): Promise<void> {
    const { services, number } = this.#options;
    for await (const { Action, Actor } of events) {
      const { ID: id, Attributes: labels } = Actor;
      const known = this.#containers.get(id);
      if (Action !== 'start' && Action !== 'create') {
        const { exitCode } = labels;
        known?.lookIfUp(exitCode === undefined ? undefined : Number(exitCode));
        if (this.#replacements.delete(id)) this.#checkIdle();
        continue;
      }
      const service = labels[composeLabels.service] ?? '';
      if (labels[composeLabels.configHash] === undefined) continue; // that of a hook
      if (labels[composeLabels.oneoff] === 'True' || services?.includes(service) === false) continue;
      if (number !== undefined && Number(labels[composeLabels.containerNumber]) !== number) continue;
      if (Action === 'create') {
        if (labels[composeLabels.replace] !== undefined) this.#replacements.add(id);
        continue;
      }
      const name = labels['name'] ?? id.slice(0, 12);
      const beginning: Beginning = { kind: 'all', replaces: this.#replacements.delete(id) };
      (known ?? this.#follow({ id, name, service }, beginning)).look();
      this.#started.add(name);
      this.#expected.delete(name);
    }
    this.#signal.throwIfAborted();
  }

  #checkIdle(): void {
    if (!this.#endsWhenIdle || this.#expected.size + this.#replacements.size > 0) return;
    const { awaited } = this.#options;
    const pending = [...this.#containers.values()].some(
      (container) => container.pending && (awaited?.includes(container.service) ?? true),
    );
    if (!pending) this.#ending.abort(idle);
  }
}

/** Reason of an end that is no failure. */
const idle: unique symbol = Symbol('nothing left to follow');
