import type { ContainerInspect, ContainerState } from '../api/container.js';
import { isNotFound, type LogsQuery } from '../client/index.js';
import type { ContainerLog } from './container-log.js';
import type { LogOptions, LogSource } from './log-options.js';
import { unread } from './read-logs.js';

/** How long it may take to notice that a container which waits for its next run was killed: that is no event. */
const betweenRunsMs = 2_000;

export interface FollowedContainerOptions {
  readonly logs: LogOptions;
  readonly log: ContainerLog;
  /** Resolves when the engine answers again. @throws `error` where it is no broken connection, or nothing can be done */
  readonly regain: (error: unknown) => Promise<void>;
  /** Nothing is under way any more: look at `pending`. */
  readonly onRest: () => void;
  readonly onFailure: (error: unknown) => void;
  readonly signal: AbortSignal;
}

/** What of its log is wanted. */
export type Beginning =
  /** It is new: all of it. `replaces` another one. */
  | { readonly kind: 'all'; readonly replaces?: boolean }
  /** It has ended: what is written, when asked for, and the runs to come. */
  | { readonly kind: 'ended'; readonly history: LogsQuery | undefined }
  /** It is up: what is written, when asked for, and what comes. */
  | { readonly kind: 'up'; readonly history: 'read' | 'skip'; readonly query: LogsQuery };

/**
 * Follows one container through its runs. Events only say that it is to be looked at; what is to be done is decided by
 * its state, in which a run is told from the next one by the time of its start.
 */
export class FollowedContainer {
  readonly #options: FollowedContainerOptions;
  readonly #beginning: Beginning;
  #source: LogSource;
  /** `StartedAt` of the run that was read last. */
  #run: string | undefined;
  /** Whether the end of that run has been told. */
  #told: 'nothing' | 'restarting' | 'end' = 'end';
  /** As the last event said. */
  #exitCode: number | undefined;
  /** It runs, or will again. */
  #up = false;
  #readable = true;
  #looking: Promise<void> | undefined;
  #lookAgain = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(source: LogSource, beginning: Beginning, options: FollowedContainerOptions) {
    this.#source = source;
    this.#beginning = beginning;
    this.#options = options;
    this.#up = beginning.kind === 'up';
    if (beginning.kind === 'up' || (beginning.kind === 'ended' && beginning.history !== undefined)) {
      options.logs.onEvent({ kind: 'attached', source });
      this.#work(async () => {
        await this.#readHistory();
        if (this.#up) this.#lookAgain = true;
      });
    }
  }

  get service(): string {
    return this.#source.service;
  }

  /** It is being read, or will be again. */
  get pending(): boolean {
    return this.#looking !== undefined || this.#up;
  }

  /** Settles when nothing is under way. */
  get rest(): Promise<void> {
    return this.#looking ?? Promise.resolve();
  }

  /** A run has begun, or may have. */
  look(): void {
    this.#lookAgain = true;
    this.#work(() => Promise.resolve());
  }

  /** What has been seen last of it may no longer be so. */
  lookIfUp(exitCode?: number): void {
    this.#exitCode = exitCode ?? this.#exitCode;
    if (this.#up) this.look();
  }

  #work(first: () => Promise<void>): void {
    clearTimeout(this.#timer);
    if (this.#looking !== undefined) return;
    const { onRest, onFailure, signal } = this.#options;
    const work = async (): Promise<void> => {
      await first();
      while (this.#lookAgain && !signal.aborted) await this.#lookOnce();
    };
    this.#looking = work()
      .catch((error: unknown) => {
        if (!signal.aborted) onFailure(error);
      })
      .finally(() => {
        this.#looking = undefined;
        onRest();
      });
  }

  async #lookOnce(): Promise<void> {
    this.#lookAgain = false;
    const container = await this.#inspect();
    if (container === undefined) {
      this.#up = false;
      return;
    }
    const { State, Name } = container;
    // An event may have the temporary name of a replacement that has been renamed since.
    this.#source = { ...this.#source, name: Name.replace(/^\//, '') };
    if (State.StartedAt.startsWith('0001'))
      this.#up = false; // never
    else if (State.StartedAt === this.#run) this.#tellEnd(State);
    else await this.#readRun(State);
  }

  async #readRun({ StartedAt, ExitCode }: ContainerState): Promise<void> {
    if (this.#told === 'nothing') this.#tell(this.#exitCode ?? ExitCode, 'restarting');
    this.#exitCode = undefined;
    const { onEvent } = this.#options.logs;
    if (this.#run === undefined && this.#beginning.kind === 'all' && this.#beginning.replaces === true)
      onEvent({ kind: 'recreated', source: this.#source });
    if (this.#run !== undefined || this.#beginning.kind !== 'up') onEvent({ kind: 'attached', source: this.#source });
    const query = this.#queryOf(StartedAt);
    this.#run = StartedAt;
    this.#told = 'nothing';
    this.#up = true;
    await this.#read(query, 'live');
    this.#lookAgain = true; // for how it ended
  }

  /** Of a container that ran before we came only the new run; what has been read is not read again anyway. */
  #queryOf(startedAt: string): LogsQuery {
    const beginning = this.#beginning;
    if (beginning.kind === 'all') return {};
    return this.#run === undefined && beginning.kind === 'up' ? beginning.query : { since: startedAt };
  }

  #tellEnd({ Running, Restarting, ExitCode }: ContainerState): void {
    this.#up = Running || Restarting;
    if (this.#up && !Restarting) return; // its log cannot be read, or ended before it did
    const news = Restarting ? 'restarting' : 'end';
    if (this.#told !== news) this.#tell(ExitCode, news);
    if (!Restarting || this.#lookAgain) return;
    this.#timer = setTimeout(() => {
      this.lookIfUp();
    }, betweenRunsMs);
    this.#timer.unref();
  }

  #tell(exitCode: number, how: 'restarting' | 'end'): void {
    const repeated = this.#told !== 'nothing';
    this.#told = how;
    const end = { exitCode, restarting: how === 'restarting', repeated };
    this.#options.logs.onEvent({ kind: 'exited', source: this.#source, ...end });
  }

  async #readHistory(): Promise<void> {
    const beginning = this.#beginning;
    if (beginning.kind === 'up' && beginning.history === 'read') await this.#read(beginning.query, 'history');
    if (beginning.kind === 'ended' && beginning.history !== undefined) await this.#read(beginning.history, 'whole');
  }

  async #read(query: LogsQuery, stretch: 'whole' | 'history' | 'live'): Promise<void> {
    const { logs, log, regain, signal } = this.#options;
    const beganS = String(Date.now() / 1_000);
    let wanted = query;
    while (this.#readable) {
      try {
        await log.read(this.#source, wanted, stretch, signal);
        return;
      } catch (error) {
        if (signal.aborted) return;
        if (unread(error, this.#source, logs)) this.#readable = false;
        else await regain(error);
        // Of one that has said nothing yet, what it said meanwhile is new.
        if (query.tail === 0) wanted = { since: beganS };
      }
    }
  }

  /** Undefined: it is gone. */
  async #inspect(): Promise<ContainerInspect | undefined> {
    const { logs, regain, signal } = this.#options;
    for (;;) {
      try {
        return await logs.client.containers.inspect(this.#source.id, signal);
      } catch (error) {
        if (isNotFound(error)) return undefined;
        await regain(error);
      }
    }
  }
}
