import { compareTimes, type TimedLine } from './log-lines.js';

/** How long a line waits for an earlier one of another container. Longer than a local socket needs, shorter than an eye sees. */
const reorderMs = 25;

interface Source<S> {
  readonly source: S;
  readonly lines: TimedLine[];
}

/**
 * Merges the lines of several sources by time. While sources catch up with their history a line waits until every
 * source has shown a later one or ended; live lines wait a moment at most.
 */
export class LogMerge<S> {
  readonly #emit: (source: S, line: TimedLine) => void;
  readonly #sources = new Set<Source<S>>();
  #timer: NodeJS.Timeout | undefined;

  constructor(emit: (source: S, line: TimedLine) => void) {
    this.#emit = emit;
  }

  /** Lines of one source, in its own order. */
  open(source: S): { readonly push: (line: TimedLine) => void; readonly close: () => void } {
    const entry: Source<S> = { source, lines: [] };
    this.#sources.add(entry);
    return {
      push: (line) => {
        entry.lines.push(line);
        this.#drain('complete');
        this.#timer ??= setTimeout(() => {
          this.#timer = undefined;
          this.#drain('all');
        }, reorderMs);
      },
      close: () => {
        // Its last lines come out before anyone hears of its end.
        while (entry.lines.length > 0) this.#emitEarliest();
        this.#sources.delete(entry);
        this.#drain('complete');
      },
    };
  }

  /** Emits what is left. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#drain('all');
  }

  #drain(how: 'complete' | 'all'): void {
    const open = () => [...this.#sources];
    while (how === 'all' ? open().some(hasLines) : this.#sources.size > 0 && open().every(hasLines)) {
      this.#emitEarliest();
    }
  }

  #emitEarliest(): void {
    let earliest: Source<S> | undefined;
    for (const entry of this.#sources) {
      const [line] = entry.lines;
      if (line === undefined) continue;
      const best = earliest?.lines[0];
      if (best === undefined || isBefore(line, best)) earliest = entry;
    }
    const line = earliest?.lines.shift();
    if (earliest !== undefined && line !== undefined) this.#emit(earliest.source, line);
  }
}

function hasLines({ lines }: Source<unknown>): boolean {
  return lines.length > 0;
}

function isBefore(a: TimedLine, b: TimedLine): boolean {
  return a.time !== undefined && b.time !== undefined && compareTimes(a.time, b.time) < 0;
}
