import { createContext, Script } from 'node:vm';
import type { HealthLogEntry } from '../../api/container.js';
import { messageOf } from '../../base/errors.js';
import type { Container } from './container.js';
import { type LogEntry, TimeReader } from './log-entry.js';
import { atTime, readLog } from './log-reader.js';
import { logPathOf, type Room } from './room.js';
import { parseTime } from './time.js';

/** The monitor's clock and ours may differ by this much; no container stops and starts within it. */
const clockSlackNs = 5_000_000n;
const maxLineBytes = 16 * 1024;
/** A pattern that takes longer over some lines is taken to be one that never ends. */
const longestMatchMs = 200;
const find = new Script('lines.findIndex((line) => pattern.test(line))');

/** Waits for a line of a container's present run that matches, reading its log as it is written. */
export class LogWatch {
  /** When a line was found, or when none can be any more. */
  readonly settled: Promise<void>;
  #line: string | undefined;
  #problem: string | undefined;
  readonly #signal: AbortSignal;

  constructor(room: Room, container: Container, pattern: RegExp, signal: AbortSignal) {
    this.#signal = signal;
    this.settled = this.#read(room, container, pattern).catch((error: unknown) => {
      this.#problem = isTimeout(error) ? 'the pattern takes too long' : messageOf(error);
    });
  }

  result(): Pick<HealthLogEntry, 'ExitCode' | 'Output'> {
    if (this.#line !== undefined) return { ExitCode: 0, Output: this.#line };
    return { ExitCode: 1, Output: this.#problem ?? 'no line of output matches yet' };
  }

  async #read(room: Room, container: Container, pattern: RegExp): Promise<void> {
    if (container.record.hostConfig.LogConfig?.Type === 'none')
      throw new Error('the container keeps no log to look at');
    const path = logPathOf(room, container.id);
    const sinceNs = (parseTime(container.state.startedAt) ?? clockSlackNs) - clockSlackNs;
    const lines = new Lines(sinceNs);
    const until = new Promise((resolve) => {
      this.#signal.addEventListener('abort', resolve, { once: true });
    });
    const context: { lines: string[]; pattern: RegExp } = { lines: [], pattern };
    createContext(context);
    for await (const entries of readLog(path, () => atTime(path, sinceNs), { until, signal: this.#signal })) {
      context.lines = lines.push(entries);
      // In a context of its own only for the time limit, which nothing else gives a pattern.
      const found = find.runInContext(context, { timeout: longestMatchMs }) as number;
      this.#line = context.lines[found];
      if (this.#line !== undefined) return;
    }
  }
}

/** It comes from the other context, and is no `Error` of this one. */
function isTimeout(error: unknown): boolean {
  return (
    typeof error === 'object' && error !== null && 'code' in error && error.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT'
  );
}

/** Entries since a time as whole lines. */
class Lines {
  readonly #sinceNs: bigint;
  readonly #times = new TimeReader();
  readonly #rest = { 1: '', 2: '' };

  constructor(sinceNs: bigint) {
    this.#sinceNs = sinceNs;
  }

  push(entries: readonly LogEntry[]): string[] {
    return entries.flatMap(({ time, stream, text, partial }) => {
      if (this.#times.read(time) < this.#sinceNs) return [];
      const line = (this.#rest[stream] + text.toString()).slice(0, maxLineBytes);
      this.#rest[stream] = partial ? line : '';
      return partial ? [] : [line];
    });
  }
}
