import type { LogsQuery } from '../client/index.js';
import { unixTime, type TimedLine } from './log-lines.js';

/** How far a container's log has been read, so that reading can go on without losing or repeating a line. */
export class LogPosition {
  #time: string | undefined;
  /** Lines read with exactly that stamp. */
  #count = 0;
  /** Of the first line: others with that stamp, before it, have been left out when only the end was read. */
  #first: string | undefined;

  advance({ time }: TimedLine): void {
    if (time === undefined) return;
    this.#first ??= time;
    this.#count = time === this.#time ? this.#count + 1 : 1;
    this.#time = time;
  }

  /**
   * The query that goes on from here, and a filter for the lines that it brings once more; undefined at the start.
   * @param from - where the first stretch began: with the `end` of the log, or as far back as was asked for
   */
  resume(
    from: 'begin' | 'end' = 'begin',
  ): { readonly query: LogsQuery; readonly isNew: (line: TimedLine) => boolean } | undefined {
    const since = this.#time === undefined ? undefined : unixTime(this.#time);
    if (since === undefined) return undefined;
    const seen = this.#time;
    // `since` is inclusive. How many of one stamp have been left out nobody knows; they are older than those read.
    let left = from === 'end' && this.#first === seen ? Infinity : this.#count;
    const isNew = ({ time }: TimedLine) => time !== seen || left-- <= 0;
    return { query: { since }, isNew };
  }
}
