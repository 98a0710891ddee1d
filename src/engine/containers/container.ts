import { EventEmitter } from 'node:events';
import type { WaitCondition, WaitResponse } from '../../api/container.js';
import type { StartWait } from '../../api/tscompose.js';
import type { HealthMonitor } from './health.js';
import type { SyslogForward } from './syslog-forward.js';
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

/** One container in memory: its record, and what lives only as long as this engine. */
export class Container {
  record: ContainerRecord;
  readonly signals = new EventEmitter<Signals>();
  readonly preparations = new Set<Preparation>();
  health: HealthMonitor | undefined;
  /** Of the driver `syslog`. */
  forward: SyslogForward | undefined;
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
  #turn: Promise<unknown> = Promise.resolve();

  constructor(record: ContainerRecord, save: (record: ContainerRecord) => Promise<void>) {
    this.record = record;
    this.#save = save;
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

  /** Takes the transition and writes it down. @throws Error when the table has none: callers ask first */
  async move(
    event: ContainerEvent,
    change: Partial<ContainerState> = {},
    from: ContainerState = this.state,
  ): Promise<void> {
    const status = nextStatus(this.state.status, event);
    if (status === undefined) throw new Error(`bug: ${event} of a container that is ${this.state.status}`);
    await this.change({ state: { ...from, ...change, status } });
  }

  async change(change: Partial<ContainerRecord>): Promise<void> {
    if (this.gone) throw removing(this.id);
    this.record = { ...this.record, ...change };
    await this.#save(this.record);
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
      const onAbort = () => finish(() => reject(signal.reason instanceof Error ? signal.reason : new Error('aborted')));
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
