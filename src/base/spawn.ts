import { constants } from 'node:os';
import { execa } from 'execa';
import { TscomposeError } from './errors.js';

export interface RunToolOptions {
  readonly signal: AbortSignal;
  readonly timeoutMs?: number;
  /** Exit codes beside 0 that are no failure. */
  readonly alsoGood?: readonly number[];
  /** Given to the tool's stdin, which is otherwise empty. */
  readonly input?: string | Uint8Array;
  readonly cwd?: string;
  /** Beside our own; undefined takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

export interface ToolOutput {
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a tool to its end without a shell, in the C locale. Put user text after `--` or on stdin, secrets never in argv.
 * @throws `tool/missing` when there is no such program, `tool/failed` on a non-zero exit, a signal or a time-out;
 * the abort reason when `signal` fires
 */
export async function runTool(tool: string, args: readonly string[], options: RunToolOptions): Promise<ToolOutput> {
  options.signal.throwIfAborted();
  const result = await execa(tool, args, {
    reject: false,
    cancelSignal: options.signal,
    timeout: options.timeoutMs ?? 60_000,
    forceKillAfterDelay: 2_000,
    env: { LC_ALL: 'C', ...options.env },
    ...(options.input === undefined ? { stdin: 'ignore' as const } : { input: options.input }),
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  const isGood = result.exitCode !== undefined && (options.alsoGood ?? []).includes(result.exitCode);
  if (!result.failed || (isGood && !result.timedOut && !result.isCanceled))
    return { stdout: result.stdout, stderr: result.stderr };
  options.signal.throwIfAborted();
  if (result.code === 'ENOENT') {
    throw new TscomposeError({ code: 'tool/missing', message: `cannot find the program ${tool}`, facts: { tool } });
  }
  const how = result.timedOut ? 'timed out' : `failed with ${result.signal ?? `exit code ${String(result.exitCode)}`}`;
  throw new TscomposeError({
    code: 'tool/failed',
    message: `${tool} ${args[0] ?? ''} ${how}: ${result.stderr.trim().slice(-2_000)}`,
    facts: { tool, exitCode: result.exitCode, signal: result.signal, stderr: result.stderr },
  });
}

export interface ProgramOptions {
  readonly cwd: string;
  /** Added to our own environment; undefined takes a variable away. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Ends the program: SIGTERM, and SIGKILL `graceMs` later. */
  readonly signal: AbortSignal;
  readonly graceMs: number;
  /** Take its output, in pieces cut anywhere; absent: it goes where ours goes. */
  readonly onStdout?: (text: string) => void;
  readonly onStderr?: (text: string) => void;
}

export interface ProgramResult {
  /** As shells count: 127 for a program that is not there, 128 and the number of a signal that ended it. */
  readonly exitCode: number;
  /** Why it could not be run. */
  readonly problem: string | undefined;
}

/**
 * Runs a program of the user's with our output, unless somebody takes it, and no input. It leads a process group, which ends with it: nothing that
 * it started stays behind.
 */
export async function runProgram(
  program: string,
  args: readonly string[],
  { cwd, env, signal, graceMs, onStdout, onStderr }: ProgramOptions,
): Promise<ProgramResult> {
  const child = execa(program, args, {
    ...{ cwd, env, reject: false, detached: true, buffer: false },
    stdio: ['ignore', onStdout === undefined ? 'inherit' : 'pipe', onStderr === undefined ? 'inherit' : 'pipe'],
  });
  for (const [stream, take] of [
    [child.stdout, onStdout],
    [child.stderr, onStderr],
  ] as const) {
    if (take !== undefined) stream?.setEncoding('utf8').on('data', take);
  }
  const end = (by: NodeJS.Signals) => {
    killGroup(child.pid, by);
  };
  let killing: NodeJS.Timeout | undefined;
  const stop = () => {
    end('SIGTERM');
    killing = setTimeout(end, graceMs, 'SIGKILL');
  };
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  const { exitCode, signal: endedBy, shortMessage, code } = await child;
  clearTimeout(killing);
  signal.removeEventListener('abort', stop);
  end('SIGKILL'); // what it left behind
  if (exitCode !== undefined) return { exitCode, problem: undefined };
  if (endedBy !== undefined) return { exitCode: 128 + constants.signals[endedBy], problem: undefined };
  if (code === 'ENOENT') return { exitCode: 127, problem: `cannot find the program ${program}` };
  return { exitCode: 127, problem: shortMessage ?? `cannot run ${program}` };
}

function killGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return; // there was no such program
  try {
    process.kill(-pid, signal);
  } catch {
    // nobody is left in it
  }
}
