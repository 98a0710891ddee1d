import type { EngineClient, LogsQuery } from '../client/index.js';
import { LineAssembler, type TimedLine } from './log-lines.js';
import type { LogMerge } from './log-merge.js';
import type { LogSource } from './log-options.js';
import { LogPosition } from './log-position.js';

/**
 * `whole`: as far as it is written, of a container that writes no more. `history`: the same of one that goes on. `live`:
 * also what comes, until the run ends.
 */
export type Stretch = 'whole' | 'history' | 'live';

export interface ContainerLogOptions {
  readonly client: EngineClient;
  /** Flushed when `signal` of what reads from it fires. */
  readonly merge: LogMerge<LogSource>;
  readonly until?: string | number;
  readonly pace?: () => Promise<void>;
}

/** The log of one container, read into the merge in stretches, each from where the one before ended. */
export class ContainerLog {
  readonly #options: ContainerLogOptions;
  readonly #position = new LogPosition();
  #from: 'begin' | 'end' = 'begin';

  constructor(options: ContainerLogOptions) {
    this.#options = options;
  }

  /**
   * Takes its place in the merge before anything is awaited.
   * @param query - applies as long as no line has been read
   */
  async read(source: LogSource, query: LogsQuery, stretch: Stretch, signal: AbortSignal): Promise<void> {
    const { client, merge, until, pace } = this.#options;
    const resumed = this.#position.resume(this.#from);
    if (resumed === undefined) this.#from = typeof query.tail === 'number' ? 'end' : 'begin';
    const follow = stretch === 'live';
    const lane = merge.open(source, follow ? 'live' : 'history');
    const assembler = new LineAssembler();
    const push = (line: TimedLine) => {
      if (resumed?.isNew(line) === false) return;
      this.#position.advance(line);
      lane.push(line);
    };
    try {
      const bounds = until === undefined ? {} : { until };
      const request = { ...(resumed?.query ?? query), ...bounds, follow, timestamps: true };
      for await (const { stream, payload } of client.containers.logs(source.id, request, signal)) {
        assembler.push(stream, payload).forEach(push);
        await lane.room();
        await pace?.();
      }
      // When more is to come, it begins with the line that is incomplete here.
      if (stretch !== 'history') assembler.end().forEach(push);
    } finally {
      await lane.close();
    }
  }
}
