import { compareTimes, type TimedLine } from './log-lines.js';

/** How long a live line waits for an earlier one of another container: longer than a local socket needs, shorter than an eye sees. */
const reorderMs = 25;

/**
 * `history`: a log as far as it is written; nothing goes past it before its next line is known. `live`: lines come when
 * they come, and others wait for them no longer than a moment.
 */
export type LaneKind = 'history' | 'live';

export interface Lane {
  readonly push: (line: TimedLine) => void;
  /** Resolves when all its lines are out. */
  readonly close: () => Promise<void>;
}

interface OpenLane<S> {
  readonly source: S;
  readonly kind: LaneKind;
  readonly lines: TimedLine[];
  closed: (() => void) | undefined;
}

/** Merges the lines of several sources by time. Lines of one source keep their order. */
export class LogMerge<S> {
  readonly #emit: (source: S, line: TimedLine) => void;
  readonly #lanes = new Set<OpenLane<S>>();
  #timer: NodeJS.Timeout | undefined;

  constructor(emit: (source: S, line: TimedLine) => void) {
    this.#emit = emit;
  }

  open(source: S, kind: LaneKind): Lane {
    const lane: OpenLane<S> = { source, kind, lines: [], closed: undefined };
    this.#lanes.add(lane);
    return {
      push: (line) => {
        lane.lines.push(line);
        this.#drain('patient');
        this.#expectExpiry();
      },
      close: () =>
        new Promise((resolve) => {
          lane.closed = resolve;
          this.#drain('patient');
          this.#expectExpiry();
        }),
    };
  }

  /** Lets out what is left, whatever may still come. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    while (this.#emitEarliest()) continue;
    this.#dropClosed();
  }

  #expectExpiry(): void {
    if (this.#timer !== undefined || ![...this.#lanes].some(({ lines }) => lines.length > 0)) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#drain('expired');
      this.#expectExpiry();
    }, reorderMs);
  }

  #drain(patience: 'patient' | 'expired'): void {
    this.#dropClosed();
    while (!this.#mustWait(patience) && this.#emitEarliest()) this.#dropClosed();
  }

  /** Whether an open lane may still come with an earlier line. */
  #mustWait(patience: 'patient' | 'expired'): boolean {
    for (const { kind, lines } of this.#lanes) {
      if (lines.length === 0 && (kind === 'history' || patience === 'patient')) return true;
    }
    return false;
  }

  #dropClosed(): void {
    for (const lane of this.#lanes) {
      if (lane.closed === undefined || lane.lines.length > 0) continue;
      this.#lanes.delete(lane);
      lane.closed();
    }
  }

  #emitEarliest(): boolean {
    let earliest: OpenLane<S> | undefined;
    for (const lane of this.#lanes) {
      const [line] = lane.lines;
      if (line === undefined) continue;
      const best = earliest?.lines[0];
      if (best === undefined || isBefore(line, best)) earliest = lane;
    }
    const line = earliest?.lines.shift();
    if (earliest === undefined || line === undefined) return false;
    this.#emit(earliest.source, line);
    return true;
  }
}

function isBefore(a: TimedLine, b: TimedLine): boolean {
  return a.time !== undefined && b.time !== undefined && compareTimes(a.time, b.time) < 0;
}
