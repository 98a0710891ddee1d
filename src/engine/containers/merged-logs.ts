import { breather } from '../../base/breathe.js';
import { messageOf } from '../../base/errors.js';
import type { Container } from './container.js';
import { type LogEntry, TimeReader } from './log-entry.js';
import { entriesOf, EntryRenderer, everything } from './logs.js';
import type { Room } from './room.js';
import type { HistoryOptions, SourcedChunk } from './types.js';

/** One of several logs. */
export interface OpenableLog {
  /** What its chunks have as their source. */
  readonly source: number;
  /** May throw, as may reading. */
  readonly open: () => AsyncGenerator<LogEntry[]>;
}

/**
 * What several containers have written so far, with times, in the order of time: one reader in place of one for each.
 * @param containers - a chunk's source is an index of them; undefined ones have written nothing
 */
export function mergedLogs(
  room: Room,
  containers: readonly (Container | undefined)[],
  options: HistoryOptions,
  signal: AbortSignal,
): AsyncGenerator<SourcedChunk> {
  const logs = containers.flatMap((container, source) => {
    if (container === undefined) return [];
    return { source, open: () => entriesOf(room, container, { ...options, follow: false }, signal) };
  });
  return mergeByTime(logs, options);
}

/** Of a log that cannot be read, a chunk of stream 3 says why; the others go on. */
export async function* mergeByTime(
  logs: readonly OpenableLog[],
  options: HistoryOptions,
): AsyncGenerator<SourcedChunk> {
  const lanes = logs.map((log) => new Lane(log, options));
  const pause = breather();
  try {
    for (const lane of lanes) yield* await lane.fill();
    for (;;) {
      const [first, second] = earliest(lanes);
      if (first === undefined) return;
      yield* first.takeUntil(second?.nextNs);
      if (first.nextNs === undefined) yield* await first.fill();
      await pause();
    }
  } finally {
    for (const lane of lanes) await lane.close();
  }
}

/** The lane that is next, and the one after it. */
function earliest(lanes: readonly Lane[]): readonly [Lane | undefined, Lane | undefined] {
  let first: Lane | undefined;
  let second: Lane | undefined;
  for (const lane of lanes) {
    if (lane.nextNs === undefined) continue;
    if (first?.nextNs === undefined || lane.nextNs < first.nextNs) [first, second] = [lane, first];
    else if (second?.nextNs === undefined || lane.nextNs < second.nextNs) second = lane;
  }
  return [first, second];
}

/** One log, and how far it is read. */
class Lane {
  /** When the next entry was written, in Unix nanoseconds; undefined when one has to `fill`, or at the end. */
  nextNs: bigint | undefined;
  readonly #log: OpenableLog;
  readonly #renderer: EntryRenderer;
  readonly #times = new TimeReader();
  #batches: AsyncGenerator<LogEntry[]> | undefined;
  #entries: readonly LogEntry[] = [];
  #taken = 0;

  constructor(log: OpenableLog, { sinceNs, untilNs }: HistoryOptions) {
    this.#log = log;
    this.#renderer = new EntryRenderer({
      ...everything,
      timestamps: true,
      ...(sinceNs === undefined ? {} : { sinceNs }),
      ...(untilNs === undefined ? {} : { untilNs }),
    });
  }

  /** Reads on. @returns why that failed, if it did */
  async fill(): Promise<SourcedChunk[]> {
    if (this.#renderer.isPastEnd) return [];
    try {
      this.#batches ??= this.#log.open();
      const batch = await this.#batches.next();
      this.#entries = batch.done === true ? [] : batch.value;
      this.#taken = 0;
      this.#look();
      return [];
    } catch (error) {
      return [{ source: this.#log.source, stream: 3, payload: Buffer.from(messageOf(error)) }];
    }
  }

  /** The next entry, and all after it that are in hand and not later than `limitNs`. */
  takeUntil(limitNs: bigint | undefined): SourcedChunk[] {
    const begin = this.#taken;
    do {
      this.#taken++;
      this.#look();
    } while (this.nextNs !== undefined && (limitNs === undefined || this.nextNs <= limitNs));
    const chunks = this.#renderer.push(this.#entries.slice(begin, this.#taken));
    if (this.#renderer.isPastEnd) this.nextNs = undefined;
    return chunks.map((chunk) => ({ source: this.#log.source, ...chunk }));
  }

  #look(): void {
    const entry = this.#entries[this.#taken];
    this.nextNs = entry === undefined ? undefined : this.#times.read(entry.time);
  }

  /** Lets go of the file. */
  async close(): Promise<void> {
    await this.#batches?.return(undefined);
  }
}
