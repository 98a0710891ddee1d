import { EventEmitter } from 'node:events';
import type { HealthState, WaitCondition, WaitResponse } from '../../api/container.js';
import type { StartWait } from '../../api/tscompose.js';
import { asError } from '../../base/errors.js';
import type { Log } from '../../base/log.js';
import type { ContainerRecord, ContainerState, EngineRestart } from './record.js';
import { removing } from './errors.js';
import { type ContainerEvent, isLive, nextStatus } from './status.js';

interface Signals {
  /** Created and about to run: whoever wants its input connects now. */
  prepared: [];
  started: [];
  /** The run is over and everything it wrote is in the log. */
  ended: [WaitResponse];
  removed: [];
  renamed: [];
}

/** A session that must be in place between `create` and `start`, so that it misses nothing. */
export interface Preparation {
  connect(): Promise<void>;
}

/** What watches its health while it runs. */
export interface HealthMonitor {
  readonly state: HealthState;
  /** How long it was healthy the last time it was. */
  readonly healthyForMs: number;
  stop(): void;
}

/** What sends its log elsewhere. */
export interface LogForward {
  settled(): Promise<void>;
  /** Before the log goes away: what is in it is sent, unless that takes too long. */
  finish(): Promise<void>;
}

/** One container in memory: its record, and what lives only as long as this engine. */
export class Container {
  record: ContainerRecord;
  readonly signals = new EventEmitter<Signals>();
  readonly preparations = new Set<Preparation>();
  health: HealthMonitor | undefined;
  /** Of the driver `syslog`. */
  forward: LogForward | undefined;
  /** Of the part of its log that was rotated away last. What failed is not tried again. */
  logPacking: 'due' | 'under way' | 'failed' = 'due';
  /** Waits to start it again; see the restart policy. */
  restartTimer: NodeJS.Timeout | undefined;
  restartDelayMs = 0;
  /** Somebody asked it to end, in this run: the exit is not for the restart policy. */
  stopRequested = false;
  /** Its policy wants it started, now; only what it needs may keep it. See `scheduler.ts`. */
  due = false;
  /** What keeps it while it is due. */
  startWait: StartWait | undefined;
  /** Of a hook that the scheduler ran with this run. */
  hookFailure: string | undefined;
  /** As in the record, where it comes a little later. */
  engineRestart: EngineRestart | undefined;
  gone = false;
  readonly #save: (record: ContainerRecord) => Promise<void>;
  readonly #log: Log;
  /** Whether the disk has an older record, since it took none when something had happened. */
  #unsaved = false;
  #written: Promise<unknown> = Promise.resolve();
  #turn: Promise<unknown> = Promise.resolve();

  constructor(record: ContainerRecord, save: (record: ContainerRecord) => Promise<void>, log: Log) {
    this.record = record;
    this.#save = save;
    this.#log = log;
    this.signals.setMaxListeners(0);
  }

  get id(): string {
    return this.record.id;
  }

  get state(): ContainerState {
    return this.record.state;
  }

  get isLive(): boolean {
    return isLive(this.state.status);
  }

  /** Work that changes what a container is goes one after the other. */
  exclusive<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work, work);
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  /** Settles when nothing changes the container, nor waits for its turn to. */
  async idle(): Promise<void> {
    let turn: Promise<unknown>;
    do {
      turn = this.#turn;
      await turn;
    } while (turn !== this.#turn);
  }

  /**
   * Takes a transition that may still be refused, as `change` does.
   * @throws Error when the table has none: callers ask first
   */
  async move(event: ContainerEvent, change: Partial<ContainerState> = {}, from = this.state): Promise<void> {
    await this.change({ state: this.#after(event, change, from) });
  }

  /** Takes a transition that has happened, as `note` does. @throws as `move` */
  async moved(event: ContainerEvent, change: Partial<ContainerState> = {}, from = this.state): Promise<void> {
    await this.note({ state: this.#after(event, change, from) });
  }

  #after(event: ContainerEvent, change: Partial<ContainerState>, from: ContainerState): ContainerState {
    const status = nextStatus(this.state.status, event);
    if (status === undefined) throw new Error(`bug: ${event} of a container that is ${this.state.status}`);
    return { ...from, ...change, status };
  }

  /**
   * Writes a change down, then makes it: where it cannot be written, nothing has changed.
   * @throws `container/removing`; what the disk says
   */
  change(change: Partial<ContainerRecord>): Promise<void> {
    return this.#write(change, (error) => {
      throw error;
    });
  }

  /**
   * Writes down what has happened or is wanted in any case. Where the disk takes nothing, as when it is full, that is
   * true all the same, and `writeAgain` is to be called later.
   * @throws `container/removing`
   */
  note(change: Partial<ContainerRecord>): Promise<void> {
    return this.#write(change, (error) => {
      this.#unsaved = true;
      this.#log.error('cannot write down the state of a container', { containerId: this.id, error });
    });
  }

  /** Whether the disk knows what has happened to it. */
  get isWritten(): boolean {
    return !this.#unsaved;
  }

  /** Never rejects. */
  async writeAgain(): Promise<void> {
    if (this.#unsaved && !this.gone) await this.note({}).catch(() => undefined); // gone meanwhile
  }

  /** One after the other, each on what the last one has left: not all that change a container have its turn. */
  #write(change: Partial<ContainerRecord>, onFailure: (error: unknown) => void): Promise<void> {
    const write = async (): Promise<void> => {
      if (this.gone) throw removing(this.id);
      const record = { ...this.record, ...change };
      try {
        await this.#save(record);
        this.#unsaved = false;
      } catch (error) {
        onFailure(error);
      }
      this.record = record;
    };
    const written = this.#written.then(write);
    this.#written = written.catch(() => undefined);
    return written;
  }

  /** Settles with the exit of the run that `condition` means. */
  wait(condition: WaitCondition, signal: AbortSignal): Promise<WaitResponse> {
    const last = (): WaitResponse => ({
      StatusCode: this.state.exitCode,
      ...(this.state.error === '' ? {} : { Error: { Message: this.state.error } }),
    });
    return new Promise((resolve, reject) => {
      if (condition === 'not-running' && !this.isLive && this.state.status !== 'starting') {
        resolve(last());
        return;
      }
      if (this.gone) {
        resolve(last());
        return;
      }
      let ended: WaitResponse | undefined;
      const onEnded = (response: WaitResponse) => {
        ended = response;
        if (condition !== 'removed') finish(() => resolve(response));
      };
      const onRemoved = () => finish(() => resolve(ended ?? { StatusCode: this.state.exitCode }));
      const onAbort = () => finish(() => reject(asError(signal.reason)));
      const finish = (settle: () => void) => {
        this.signals.off('ended', onEnded).off('removed', onRemoved);
        signal.removeEventListener('abort', onAbort);
        settle();
      };
      if (signal.aborted) {
        onAbort();
        return;
      }
      this.signals.on('ended', onEnded).on('removed', onRemoved);
      signal.addEventListener('abort', onAbort, { once: true });
    });
  }
}
