import type { LogsQuery } from '../client/index.js';
import { unixTime, type TimedLine } from './log-lines.js';

/** How far a container's log has been read, so that reading can go on without losing or repeating a line. */
export class LogPosition {
  #time: string | undefined;
  /** Lines read with exactly that stamp. */
  #count = 0;

  advance({ time }: TimedLine): void {
    if (time === undefined) return;
    this.#count = time === this.#time ? this.#count + 1 : 1;
    this.#time = time;
  }

  /** The query that goes on from here, and a filter for the lines that it brings once more; undefined at the start. */
  resume(): { readonly query: LogsQuery; readonly isNew: (line: TimedLine) => boolean } | undefined {
    const since = this.#time === undefined ? undefined : unixTime(this.#time);
    if (since === undefined) return undefined;
    const seen = this.#time;
    let left = this.#count; // `since` is inclusive
    const isNew = ({ time }: TimedLine) => time !== seen || left-- <= 0;
    return { query: { since }, isNew };
  }
}
