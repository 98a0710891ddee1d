import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { CleanupStack } from '../../base/cleanup-stack.js';
import { messageOf } from '../../base/errors.js';
import type { Container, LogForward } from './container.js';
import { type LogEntry, TimeReader } from './log-entry.js';
import { atTime, readLog } from './log-reader.js';
import { endOfRun } from './logs.js';
import { folderOf, logPathOf, type Room } from './room.js';
import { type MessageHead, renderSyslog, renderTag } from './syslog-message.js';
import { readSyslogTarget, type SyslogTarget } from './syslog-options.js';
import { openSyslogSink, type SyslogSink } from './syslog-sink.js';

const retryMs = 1_000;
/** How long the end of a container's log may hold up its removal. */
const finishMs = 3_000;

/**
 * Sends a container's log to a syslog daemon, from the file that `logs` reads too: a slow daemon holds up nobody, and one
 * that is away gets the lines when it is back. How far it got lies beside the log, so that the next engine goes on there;
 * after a crash the lines of the last moment may come twice.
 */
export class SyslogForward implements LogForward {
  readonly #done: Promise<void>;
  readonly #stop = new AbortController();

  constructor(room: Room, container: Container, sink: SyslogSink | undefined) {
    const until = container.isLive ? endOfRun(container, room.closing) : Promise.resolve();
    const before = container.forward?.settled() ?? Promise.resolve();
    this.#done = before
      .then(() => this.#run(room, container, sink, until))
      .catch((error: unknown) => {
        room.log.warn('a log no longer goes to syslog', { containerId: container.id, error });
      });
  }

  settled(): Promise<void> {
    return this.#done;
  }

  async finish(): Promise<void> {
    const late = setTimeout(finishMs, undefined, { ref: false });
    await Promise.race([this.#done, late]);
    this.#stop.abort();
    await this.#done;
  }

  async #run(room: Room, container: Container, first: SyslogSink | undefined, until: Promise<unknown>): Promise<void> {
    const signal = AbortSignal.any([room.closing, this.#stop.signal]);
    await using undo = new CleanupStack();
    let sink = first;
    undo.defer(() => sink?.close());
    // A daemon that takes nothing in settles no write, and must hold up nobody for all that.
    const aborted = new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => reject(new Error('nobody waits any more')), { once: true });
    });
    aborted.catch(() => undefined);
    const target = readSyslogTarget(container.record.hostConfig.LogConfig?.Config ?? {});
    const head = headOf(target, container);
    const path = logPathOf(room, container.id);
    const progress = new Progress(join(folderOf(room, container.id), 'syslog-sent'));
    undo.defer(() => progress.close());
    const lines = new LineJoiner();
    const deliver = async (messages: readonly Buffer[]): Promise<void> => {
      while (messages.length > 0 && !signal.aborted) {
        try {
          sink ??= await openSyslogSink(target.address, signal);
          await Promise.race([sink.send(messages), aborted]);
          break;
        } catch (error) {
          room.log.debug('a syslog daemon is away', { containerId: container.id, reason: messageOf(error) });
          sink?.close();
          sink = undefined;
          await setTimeout(retryMs, undefined, { signal, ref: false }).catch(() => undefined);
        }
      }
      if (!signal.aborted) progress.save();
    };
    for await (const entries of readLog(path, () => atTime(path, progress.sentNs), { until, signal })) {
      const messages: Buffer[] = [];
      for (const entry of entries) {
        const timeNs = progress.pass(entry);
        if (timeNs === undefined) continue;
        const line = lines.push(entry);
        if (line.length > 0) messages.push(renderSyslog(head, entry.stream, timeNs, line));
        if (lines.areWhole) progress.mark();
      }
      await deliver(messages);
    }
    progress.mark();
    await deliver(lines.rest().map(([stream, line]) => renderSyslog(head, stream, progress.timeNs, line)));
  }
}

/** As dockerd's: a longer line becomes several messages. */
const maxLineBytes = 16 * 1024;

/** The monitor cuts lines where its reads end; here they are whole again. */
class LineJoiner {
  readonly #begun: Record<1 | 2, Buffer[]> = { 1: [], 2: [] };

  /** @returns what is to be sent now; empty when the line goes on, or is empty */
  push({ stream, partial, text }: LogEntry): Buffer {
    const begun = this.#begun[stream];
    begun.push(text);
    if (partial && begun.reduce((sum, piece) => sum + piece.length, 0) < maxLineBytes) return Buffer.alloc(0);
    return Buffer.concat(begun.splice(0));
  }

  /** No line has begun. */
  get areWhole(): boolean {
    return this.#begun[1].length === 0 && this.#begun[2].length === 0;
  }

  /** The lines that nothing ended. */
  rest(): [1 | 2, Buffer][] {
    return ([1, 2] as const)
      .map((stream): [1 | 2, Buffer] => [stream, Buffer.concat(this.#begun[stream].splice(0))])
      .filter(([, line]) => line.length > 0);
  }
}

function headOf({ facility, format, tag }: SyslogTarget, { record }: Container): MessageHead {
  return { facility, format, tag: renderTag(tag, record), hostname: hostname(), pid: process.pid };
}

const recordBytes = 64;

/** How much of a log was sent: the time of the last entry, and how many of that time. Parts of a log may come and go. */
class Progress {
  readonly #fd: number;
  readonly #times = new TimeReader();
  readonly #sent: { readonly timeNs: bigint; readonly count: number };
  #timeNs = -1n;
  #count = 0;
  #mark: { readonly timeNs: bigint; readonly count: number } | undefined;

  constructor(path: string) {
    this.#fd = openSync(path, 'a+', 0o600);
    closeSync(this.#fd);
    const [, timeNs = '-1', count = '0'] = /^(\d+) (\d+)/.exec(readFileSync(path, 'latin1')) ?? []; // torn by a power cut: from the beginning
    this.#sent = { timeNs: BigInt(timeNs), count: Number(count) };
    this.#fd = openSync(path, 'r+');
  }

  /** Of the last entry that an earlier engine, or run, sent; -1 for none. */
  get sentNs(): bigint {
    return this.#sent.timeNs;
  }

  /** @returns its time, or undefined when it was sent before */
  pass({ time }: LogEntry): bigint | undefined {
    const timeNs = this.#times.read(time);
    this.#count = timeNs === this.#timeNs ? this.#count + 1 : 1;
    this.#timeNs = timeNs;
    const { timeNs: lastNs, count } = this.#sent;
    return timeNs < lastNs || (timeNs === lastNs && this.#count <= count) ? undefined : timeNs;
  }

  /** Of the entry that passed last. */
  get timeNs(): bigint {
    return this.#timeNs;
  }

  /** Everything so far is in messages: from here the next engine may go on. */
  mark(): void {
    const [timeNs, count] = [this.#timeNs, this.#count];
    const { timeNs: lastNs, count: lastCount } = this.#sent;
    if (timeNs > lastNs || (timeNs === lastNs && count > lastCount)) this.#mark = { timeNs, count };
  }

  /** Call when the messages up to the mark are sent. */
  save(): void {
    if (this.#mark === undefined) return;
    writeSync(this.#fd, `${this.#mark.timeNs} ${this.#mark.count}`.padEnd(recordBytes), 0, 'latin1');
    this.#mark = undefined;
  }

  close(): void {
    closeSync(this.#fd);
  }
}
