/** One line of a container, without its end. */
export interface TimedLine {
  readonly stream: 1 | 2;
  readonly text: string;
  /** RFC 3339 with nanoseconds, as the engine recorded it; undefined where it gave none. */
  readonly time: string | undefined;
}

const stamp = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)) /;
const longestStamp = 40;

/**
 * Puts lines together from output that is cut anywhere. `stamped`, from a log read with time stamps: the engine stamps
 * each record; a long line comes in several records, each with its stamp, only the last with a line end.
 */
export class LineAssembler {
  readonly #stamped: boolean;
  readonly #pending: Record<1 | 2, { time: string | undefined; parts: Buffer[] } | undefined> = {
    1: undefined,
    2: undefined,
  };

  constructor(kind: 'stamped' | 'plain' = 'stamped') {
    this.#stamped = kind === 'stamped';
  }

  /** Lines completed by this chunk. */
  push(stream: 1 | 2, chunk: Buffer): TimedLine[] {
    const lines: TimedLine[] = [];
    let rest = chunk;
    while (rest.byteLength > 0) {
      const end = rest.indexOf(0x0a);
      this.#append(stream, end < 0 ? rest : rest.subarray(0, end));
      if (end < 0) break;
      lines.push(...this.#take(stream));
      rest = rest.subarray(end + 1);
    }
    return lines;
  }

  /** Lines that the stream ended in the middle of. */
  end(): TimedLine[] {
    return [...this.#take(1), ...this.#take(2)];
  }

  #append(stream: 1 | 2, piece: Buffer): void {
    const pending = this.#pending[stream];
    const { time, text } = this.#unstamped(piece);
    if (pending === undefined) this.#pending[stream] = { time, parts: [text] };
    else pending.parts.push(text);
  }

  #take(stream: 1 | 2): TimedLine[] {
    const pending = this.#pending[stream];
    if (pending === undefined) return [];
    this.#pending[stream] = undefined;
    const whole = Buffer.concat(pending.parts);
    // A stamp that was cut between two chunks, as a terminal's output may be.
    const { time, text } = pending.time === undefined ? this.#unstamped(whole) : { time: pending.time, text: whole };
    const line = text.toString('utf8');
    return [{ stream, time, text: line.endsWith('\r') ? line.slice(0, -1) : line }];
  }

  #unstamped(piece: Buffer): { readonly time: string | undefined; readonly text: Buffer } {
    const time = this.#stamped ? stamp.exec(piece.subarray(0, longestStamp).toString('latin1'))?.[1] : undefined;
    return time === undefined ? { time, text: piece } : { time, text: piece.subarray(time.length + 1) };
  }
}

/** A stamp in a form in which those of one engine sort as text; fractions may have been shortened. */
export function sortableTime(time: string): string {
  return time.replace(/Z$/, '').padEnd('2006-01-02T15:04:05.'.length, '.').padEnd(29, '0');
}

/** A stamp as the `since` of a log query: Unix seconds with nanoseconds. */
export function unixTime(time: string): string | undefined {
  const ms = Date.parse(time);
  if (Number.isNaN(ms)) return undefined;
  const fraction = (/\.(\d+)/.exec(time)?.[1] ?? '').padEnd(9, '0').slice(0, 9);
  return `${Math.floor(ms / 1_000)}.${fraction}`;
}
