import type { EngineClient } from '../client/index.js';
import type { GlobalValues } from './global-flags.js';
import type { Interrupts } from './interrupts.js';
import type { Progress, ProgressMode } from './render/progress.js';
import type { AnsiChoice } from './render/style.js';
import type { Terminal } from './terminal.js';

/** What a command is given: its settings resolved, everything costly behind a function. */
export interface CliContext {
  readonly globals: GlobalValues;
  readonly terminal: Terminal;
  /** The environment with the `COMPOSE_…` variables of the project's env files. */
  readonly settings: Terminal['environment'];
  readonly interrupts: Interrupts;
  /** Aborted by the first Ctrl-C unless a command handles that itself. */
  readonly signal: AbortSignal;
  readonly dryRun: boolean;
  readonly ansi: AnsiChoice;
  readonly progressMode: ProgressMode;
  /** Operations on the engine at one time; undefined: no limit of the user's. */
  readonly parallel: number | undefined;
  /** Connects to the chosen engine; the embedded one is started when it does not run. One connection a command. */
  engine(): Promise<EngineClient>;
  /**
   * Waits until the engine answers again after a connection to it broke; the embedded one is started if nobody else
   * does. The client of `engine` then works on. @throws `engine/unreachable` when it has been away too long
   */
  regainEngine(signal: AbortSignal): Promise<void>;
  /** Ended by the program when the command is over; ask again after `end` for a new one. */
  progress(operation: string): Promise<Progress>;
  /** What is drawn of the progress stays, and the next event begins another drawing: nothing hides what is written now. */
  readonly finishDrawing: () => Promise<void>;
  /** A line for people, on standard error, never in the middle of a drawing. */
  readonly warn: (text: string) => void;
}
