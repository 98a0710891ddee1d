import { sortableTime, type TimedLine } from './log-lines.js';

/** How long a live line waits for an earlier one of another container: longer than a local socket needs, shorter than an eye sees. */
const reorderMs = 25;
/** Lines that one source may be ahead of the others. */
const mostLines = 1_000;

/**
 * `history`: a log as far as it is written; nothing goes past it before its next line is known. `live`: lines come when
 * they come, and others wait for them no longer than a moment.
 */
export type LaneKind = 'history' | 'live';

export interface Lane {
  readonly push: (line: TimedLine) => void;
  /** Resolves when it does not hold too many lines to take more: others, which are behind, are read first. */
  readonly room: () => Promise<void>;
  /** Resolves when all its lines are out. */
  readonly close: () => Promise<void>;
}

/** Merges the lines of several sources by time. Lines of one source keep their order. */
export class LogMerge<S> {
  readonly #emit: (source: S, line: TimedLine) => void;
  readonly #lanes = new Set<OpenLane<S>>();
  #timer: NodeJS.Timeout | undefined;
  #flushed = false;

  constructor(emit: (source: S, line: TimedLine) => void) {
    this.#emit = emit;
  }

  open(source: S, kind: LaneKind): Lane {
    const lane = new OpenLane(source, kind);
    this.#lanes.add(lane);
    return {
      push: (line) => {
        lane.push(line);
        this.#drain(lane.hasRoom ? 'patient' : 'expired'); // so many do not come from a moment
        this.#expectExpiry();
      },
      room: () => lane.room(),
      close: () =>
        new Promise((resolve) => {
          lane.closed = resolve;
          this.#dropIfOver(lane);
          this.#drain('patient');
          this.#expectExpiry();
        }),
    };
  }

  /** From now on nothing waits for anything: what is left goes out, and what still comes. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#flushed = true;
    this.#drain('patient');
  }

  #expectExpiry(): void {
    if (this.#timer !== undefined || ![...this.#lanes].some(({ next }) => next !== undefined)) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#drain('expired');
      this.#expectExpiry();
    }, reorderMs);
  }

  #drain(patience: Patience): void {
    for (let lane = this.#earliest(patience); lane !== undefined; lane = this.#earliest(patience)) {
      const line = lane.take();
      if (line !== undefined) this.#emit(lane.source, line);
      this.#dropIfOver(lane);
    }
  }

  /** Whose line is next; undefined while an open lane may still come with an earlier one. */
  #earliest(patience: Patience): OpenLane<S> | undefined {
    let earliest: OpenLane<S> | undefined;
    for (const lane of this.#lanes) {
      if (lane.next !== undefined) {
        if (earliest?.next === undefined || isBefore(lane.next, earliest.next)) earliest = lane;
      } else if (!this.#flushed && (patience === 'patient' || lane.kind === 'history')) return undefined;
    }
    return earliest;
  }

  #dropIfOver(lane: OpenLane<S>): void {
    if (lane.closed === undefined || lane.next !== undefined) return;
    this.#lanes.delete(lane);
    lane.closed();
  }
}

/** What empty lanes are waited for: all, or those of history. */
type Patience = 'patient' | 'expired';

interface WaitingLine {
  readonly line: TimedLine;
  /** Undefined where the engine gave no stamp: in its turn. */
  readonly time: string | undefined;
}

class OpenLane<S> {
  readonly source: S;
  readonly kind: LaneKind;
  closed: (() => void) | undefined;
  /** Those before `#first` are out: taking one off the front of a long array moves all others. */
  #lines: WaitingLine[] = [];
  #first = 0;
  #onRoom: (() => void)[] = [];

  constructor(source: S, kind: LaneKind) {
    this.source = source;
    this.kind = kind;
  }

  get next(): WaitingLine | undefined {
    return this.#lines[this.#first];
  }

  push(line: TimedLine): void {
    this.#lines.push({ line, time: line.time === undefined ? undefined : sortableTime(line.time) });
  }

  take(): TimedLine | undefined {
    const taken = this.next;
    this.#first++;
    if (this.#first >= mostLines && this.#first * 2 >= this.#lines.length) {
      this.#lines = this.#lines.slice(this.#first);
      this.#first = 0;
    }
    if (this.hasRoom) for (const resolve of this.#onRoom.splice(0)) resolve();
    return taken?.line;
  }

  async room(): Promise<void> {
    if (!this.hasRoom) await new Promise<void>((resolve) => this.#onRoom.push(resolve));
  }

  get hasRoom(): boolean {
    return this.#lines.length - this.#first < mostLines;
  }
}

function isBefore(a: WaitingLine, b: WaitingLine): boolean {
  return a.time !== undefined && b.time !== undefined && a.time < b.time;
}
