import { parseTime } from './time.js';

/** One entry of a monitor's log: `RFC3339Nano stdout|stderr F|P text`. Slices are views of what was read. */
export interface LogEntry {
  readonly time: Buffer;
  readonly stream: 1 | 2;
  /** The line goes on in the next entry of this stream. */
  readonly partial: boolean;
  /** Without the line's end. */
  readonly text: Buffer;
  /** Text, and the line's end where there is one. */
  readonly payload: Buffer;
}

const newline = 0x0a;
const space = 0x20;
/** stdou[t] and stder[r] differ here. */
const lastOfStdout = 0x74;
const flagPartial = 0x50;
/** `stdout F ` */
const headBytes = 9;

/** Takes a log apart, cut anywhere. Give every chunk once, in order, and do not reuse its memory. */
export class LogParser {
  #rest: Buffer = Buffer.alloc(0);

  push(chunk: Buffer): LogEntry[] {
    const data = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const entries: LogEntry[] = [];
    let start = 0;
    for (let end = data.indexOf(newline); end >= 0; end = data.indexOf(newline, start)) {
      const entry = parseEntry(data, start, end);
      if (entry !== undefined) entries.push(entry);
      start = end + 1;
    }
    this.#rest = data.subarray(start);
    return entries;
  }
}

/** Undefined for a line that no monitor wrote: a crash of the host may leave zeros. */
function parseEntry(data: Buffer, start: number, end: number): LogEntry | undefined {
  const timeEnd = data.indexOf(space, start);
  const text = timeEnd + 1 + headBytes;
  if (timeEnd < 0 || text > end || data[timeEnd + 7] !== space || data[timeEnd + 9] !== space) return undefined;
  const partial = data[timeEnd + 8] === flagPartial;
  return {
    time: data.subarray(start, timeEnd),
    stream: data[timeEnd + 6] === lastOfStdout ? 1 : 2,
    partial,
    text: data.subarray(text, end),
    payload: data.subarray(text, partial ? end : end + 1),
  };
}

/** Whether the entry that starts here ends a line. */
export function endsLine(data: Buffer, start: number): boolean {
  const timeEnd = data.indexOf(space, start);
  return timeEnd >= 0 && data[timeEnd + 8] !== flagPartial;
}

/** Times of entries as unix nanoseconds. Neighbours mostly share their second, so that is read once. */
export class TimeReader {
  #known = '';
  #base = 0n;

  read(time: Buffer): bigint {
    const second = time.toString('latin1', 0, 19);
    const rest = time.toString('latin1', 19);
    const [, fraction = '', zone = 'Z'] = /^(?:\.(\d+))?(.*)$/.exec(rest) ?? [];
    const key = `${second}${zone}`;
    if (key !== this.#known) {
      this.#base = parseTime(key) ?? 0n;
      this.#known = key;
    }
    return this.#base + BigInt(fraction.slice(0, 9).padEnd(9, '0'));
  }
}
