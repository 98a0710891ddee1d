import type { EngineClient } from '../client/index.js';
import type { TimedLine } from './log-lines.js';

/** A container whose log is read. */
export interface LogSource {
  readonly id: string;
  readonly name: string;
  readonly service: string;
}

export type LogEvent =
  | { readonly kind: 'attached'; readonly source: LogSource }
  | ({ readonly kind: 'line'; readonly source: LogSource } & TimedLine)
  /** It takes the place of one that was there when following began. Before its first line. */
  | { readonly kind: 'recreated'; readonly source: LogSource }
  /**
   * After its last line. `restarting`: its restart policy starts it again; when that comes to nothing, because somebody
   * stops it, another one without follows, which is then `repeated`.
   */
  | {
      readonly kind: 'exited';
      readonly source: LogSource;
      readonly exitCode: number;
      readonly restarting: boolean;
      readonly repeated: boolean;
    }
  | { readonly kind: 'unreadable'; readonly source: LogSource; readonly reason: string };

export interface LogOptions {
  readonly client: EngineClient;
  readonly project: string;
  /** Whose logs; absent: every service's. One-offs and hooks never. */
  readonly services?: readonly string[];
  /** A single replica. */
  readonly number?: number;
  /** `none`: only what is written, or what starts, from now on. */
  readonly history: 'all' | 'none';
  readonly tail?: number | 'all';
  readonly since?: string | number;
  readonly until?: string | number;
  /** Whose end `untilIdle` waits for; absent: that of all that are followed. */
  readonly awaited?: readonly string[];
  readonly onEvent: (event: LogEvent) => void;
  /** Awaited after each piece that was read, so that reading is no faster than what takes the events. */
  readonly pace?: () => Promise<void>;
  /** Resolves when an engine whose connection broke answers again; following then goes on. Absent: it fails. */
  readonly regain?: (signal: AbortSignal) => Promise<void>;
  readonly signal: AbortSignal;
}
