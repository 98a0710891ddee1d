import type { Flags, FlagValues } from './flags.js';
import type { CliContext } from './context.js';

/** One command: its own file in commands/, loaded only when it is called. */
export interface CommandDefinition<Table extends Flags = Flags> {
  /** More for help than the summary in the command table. */
  readonly details?: string;
  /** `[SERVICE...]` */
  readonly usage: string;
  readonly flags: Table;
  readonly stopsAtFirstArgument?: boolean;
  /**
   * Whether it may run in the command server: it is over soon, and writes no files, for which the mask and limits of
   * the caller's own process would count. Without it, never.
   */
  readonly relayable?: (flags: FlagValues<Table>) => boolean;
  /** Returns the exit code. */
  run(invocation: Invocation<Table>): Promise<number>;
}

export interface Invocation<Table extends Flags> {
  readonly flags: FlagValues<Table>;
  readonly args: readonly string[];
  readonly context: CliContext;
}

/** Commands of commands, such as `engine start`. */
export interface CommandGroup {
  readonly details?: string;
  readonly subcommands: readonly CommandEntry[];
}

export interface CommandEntry {
  readonly name: string;
  readonly summary: string;
  readonly hidden?: boolean;
  load(): Promise<AnyCommand | CommandGroup>;
}

/** A command with the type of its flags forgotten: what `defineCommand` gives. */
export type AnyCommand = CommandDefinition & { readonly erased: true };

/** Types the flags for `run`, then forgets them for the table. */
export function defineCommand<Table extends Flags>(definition: CommandDefinition<Table>): AnyCommand {
  const run = (invocation: Invocation<Flags>): Promise<number> =>
    definition.run(invocation as unknown as Invocation<Table>); // parsed from this very table
  const { relayable, ...rest } = definition;
  const erased = { ...rest, run, erased: true } as const;
  if (relayable === undefined) return erased;
  return { ...erased, relayable: (flags) => relayable(flags as FlagValues<Table>) };
}

export function isGroup(loaded: AnyCommand | CommandGroup): loaded is CommandGroup {
  return 'subcommands' in loaded;
}
