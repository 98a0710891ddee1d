import { execa } from 'execa';
import { TscomposeError } from './errors.js';

export interface RunToolOptions {
  readonly signal: AbortSignal;
  readonly timeoutMs?: number;
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
  if (!result.failed) return { stdout: result.stdout, stderr: result.stderr };
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
