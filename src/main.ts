import { exitCodes, Interrupts, runCli, runRelayed, type InterruptSignal } from './cli/index.js';
import { serveCommands } from './relay/index.js';

const idleMs = 10 * 60_000;

export type { InterruptSignal };

/**
 * Runs the command line of this process; resolves to its exit code.
 * @param signals - that interrupt it
 */
export async function runHere(signals: readonly InterruptSignal[]): Promise<number> {
  const interrupts = new Interrupts((code) => process.exit(code));
  for (const signal of signals) process.on(signal, () => interrupts.raise(signal));
  const { stdout, stderr, env, argv } = process;
  // A terminal whose size nobody has set: script(1), expect, a container's console.
  for (const stream of [stdout, stderr]) if (stream.columns === 0) [stream.columns, stream.rows] = [80, 24];
  const terminal = {
    /** Opened only by a command that reads it: that costs milliseconds at every start. */
    get stdin() {
      return process.stdin;
    },
    stdout,
    stderr,
    environment: env,
    cwd: process.cwd(),
  };
  return await runCli(argv.slice(2), terminal, interrupts);
}

/** Runs the command lines of other processes; see src/relay. */
export async function serve(
  socketPath: string,
  enginePath: string,
  { buildId, codeFile }: { readonly buildId: string; readonly codeFile: string },
): Promise<void> {
  await serveCommands({
    socketPath,
    enginePath,
    buildId,
    codeFile,
    idleMs,
    run: async (argv, terminal) => {
      const interrupts = new Interrupts(() => terminal.leave(exitCodes.interrupted));
      terminal.onSignal = (signal) => interrupts.raise(signal as InterruptSignal);
      return await runRelayed(argv, terminal, interrupts, () => terminal.accept());
    },
  });
}
