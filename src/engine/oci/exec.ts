import { randomUUID } from 'node:crypto';
import { readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { constants } from 'node:os';
import { join } from 'node:path';
import { Readable, type Writable } from 'node:stream';
import { setTimeout } from 'node:timers/promises';
import { errnoOf, messageOf } from '../../base/errors.js';
import { acceptConsole, type ExitStatus } from '../sys/index.js';
import { execFailure } from './create-failure.js';
import { cutWhenSilent, spawnPiped } from './pipe.js';
import { type RuntimeProgram, programOf, globalArguments, lastLine } from './runtime.js';
import { renderProcess } from './render.js';
import type { OciProcess } from './spec.js';

export interface ExecRequest {
  readonly containerId: string;
  readonly process: OciProcess;
  /** Whether the process gets an input; otherwise /dev/null. A terminal always has one. */
  readonly stdin: boolean;
  /** For short-lived files. */
  readonly dir: string;
}

export type ExecOutcome =
  | { readonly kind: 'exited'; readonly exitCode: number }
  /** It never ran; `text` in Docker's words. */
  | { readonly kind: 'failed'; readonly text: string; readonly exitCode: 126 | 127 };

export interface ExecProcess {
  /** All output must be read or destroyed. With a terminal there is only `stdout`. */
  readonly stdout: Readable;
  readonly stderr: Readable | undefined;
  readonly stdin: Writable | undefined;
  resize(rows: number, columns: number): void;
  /** As this pid namespace numbers it; undefined before it runs. */
  pid(): number | undefined;
  /** Resolves when the runtime has made way for the command itself; never for one that cannot be run. */
  began(): Promise<void>;
  /** Never rejects. The outputs end soon after, also where a process left in the background holds them open. */
  readonly ended: Promise<ExecOutcome>;
}

/**
 * Runs one more process in a container, as our child. It ends with us only when it writes after we are gone.
 * `signal` ends the wait for the terminal; to end the process, signal it.
 */
export async function execInContainer(
  runtime: RuntimeProgram,
  request: ExecRequest,
  signal: AbortSignal,
): Promise<ExecProcess> {
  signal.throwIfAborted();
  const base = join(request.dir, `exec-${randomUUID()}`);
  const files = { process: `${base}.json`, pid: `${base}.pid`, log: `${base}.log`, console: `${base}.sock` };
  // Synchronous, as all of these: they are in memory, where a thread's turn takes longer than the work.
  writeFileSync(files.process, renderProcess(request.process), { mode: 0o600 });
  const args = [
    ...globalArguments(runtime),
    ...['--log', files.log, '--log-format', 'json', 'exec', '--process', files.process, '--pid-file', files.pid],
    ...(request.process.terminal ? ['--tty', '--console-socket', files.console] : []),
    request.containerId,
  ];
  const removeFiles = () => Object.values(files).forEach(removeQuietly);
  let running: Running;
  try {
    running = request.process.terminal
      ? await startOnTerminal(runtime, args, { console: files.console, dir: request.dir, removeFiles }, signal)
      : startOnPipes(runtime, args, request);
  } catch (error) {
    removeFiles(); // the environment is in them
    throw error;
  }
  const program = request.process.args[0] ?? '';
  let lastPid: number | undefined;
  const pid = () => (lastPid ??= readPid(files.pid));
  const ended = running.exited.then((status): ExecOutcome => {
    try {
      return outcomeOf(status, files, program, pid(), running.complaint());
    } catch (error) {
      return { kind: 'failed', text: messageOf(error), exitCode: 126 }; // nobody can tell any more how it went
    } finally {
      cutWhenSilent(running.outputs);
      removeFiles();
    }
  });
  let over = false;
  void ended.then(() => (over = true));
  const began = () => hasBegun(pid, files.process, () => over);
  const { stdout, stderr, stdin, resize } = running;
  return { stdout, stderr, stdin, resize, pid, began, ended };
}

/** How often a process is looked at that is about to execute its command. */
const lookMs = 2;

/**
 * The runtime's process carries the name of our file in its command line until it executes the command; one that could
 * not is gone then, and has no command line.
 */
async function hasBegun(pid: () => number | undefined, ownWord: string, isOver: () => boolean): Promise<void> {
  while (!isOver()) {
    const number = pid();
    const words = number === undefined ? '' : await readFile(`/proc/${number}/cmdline`, 'utf8').catch(() => '');
    if (words !== '' && !words.includes(ownWord)) return;
    await setTimeout(lookMs);
  }
  await new Promise(() => undefined); // it has ended, which is told elsewhere
}

interface Running {
  readonly stdout: Readable;
  readonly stderr: Readable | undefined;
  readonly stdin: Writable | undefined;
  readonly resize: (rows: number, columns: number) => void;
  readonly exited: Promise<ExitStatus>;
  /** To be ended when the process has. */
  readonly outputs: readonly Readable[];
  readonly complaint: () => string;
}

function startOnPipes(runtime: RuntimeProgram, args: readonly string[], request: ExecRequest): Running {
  const { dir } = request;
  const program = { ...programOf(runtime), args, cwd: dir };
  const fed = request.stdin ? spawnPiped(program, dir, { 0: 'write', 1: 'read', 2: 'read' }) : undefined;
  const { exited, streams } = fed ?? spawnPiped(program, dir, { 1: 'read', 2: 'read' });
  const stdin = fed?.streams[0];
  stdin?.on('error', () => stdin.destroy()); // EPIPE: the process has closed its input
  const [stdout, stderr] = [streams[1], streams[2]];
  return { stdout, stderr, stdin, exited, resize: () => undefined, outputs: [stdout, stderr], complaint: () => '' };
}

/** The runtime hands the terminal over a socket before the process runs; where it fails first, there is none. */
async function startOnTerminal(
  runtime: RuntimeProgram,
  args: readonly string[],
  files: { readonly console: string; readonly dir: string; readonly removeFiles: () => void },
  signal: AbortSignal,
): Promise<Running> {
  const gaveUp = new AbortController();
  const arrival = acceptConsole(files.console, AbortSignal.any([signal, gaveUp.signal]));
  arrival.catch(() => undefined); // looked at below
  const program = { ...programOf(runtime), args, cwd: files.dir };
  let child;
  try {
    child = spawnPiped(program, files.dir, { 2: 'read' });
  } catch (error) {
    gaveUp.abort(error);
    throw error;
  }
  const { exited } = child;
  const complaints: Buffer[] = [];
  const stderr = child.streams[2].on('data', (chunk: Buffer) => complaints.push(chunk));
  const complaint = () => Buffer.concat(complaints).toString();
  let console;
  try {
    const first = await Promise.race([arrival, exited.then(() => undefined)]);
    if (first === undefined) gaveUp.abort(new Error('the process ended before its terminal came'));
    console = first ?? (await arrival.catch(() => undefined));
    if (console === undefined) signal.throwIfAborted();
  } catch (error) {
    stderr.destroy();
    void exited.then(files.removeFiles); // without the socket the runtime gives up, and may have made some meanwhile
    throw error;
  }
  if (console === undefined) return { ...noTerminal(), exited, complaint, outputs: [stderr] };
  return {
    stdout: console.stream,
    stderr: undefined,
    stdin: console.stream,
    exited,
    complaint,
    resize: (rows, columns) => {
      console.resize(rows, columns);
    },
    outputs: [console.stream, stderr],
  };
}

/** The process failed before it got a terminal. */
function noTerminal(): Pick<Running, 'stdout' | 'stderr' | 'stdin' | 'resize'> {
  return { stdout: Readable.from([]), stderr: undefined, stdin: undefined, resize: () => undefined };
}

/** Without pid file the process never ran, and the runtime's log says why. */
function outcomeOf(
  status: ExitStatus,
  files: { readonly log: string },
  program: string,
  pid: number | undefined,
  complaint: string,
): ExecOutcome {
  const said = `${readIfPresent(files.log) ?? ''}\n${complaint}`.trim();
  if (pid === undefined || (said !== '' && status.exitCode !== 0 && isRuntimeFailure(said))) {
    return { kind: 'failed', ...execFailure(lastLine(said), program) };
  }
  return { kind: 'exited', exitCode: status.exitCode ?? 128 + constants.signals[signalOf(status)] };
}

/** The runtime forks before it executes, so that a missing program may still have had a pid. */
function isRuntimeFailure(said: string): boolean {
  return /executable file|exec(ve)? |open executable|"level":\s*"error"/.test(said);
}

function signalOf(status: ExitStatus): keyof typeof constants.signals {
  const name = status.signal ?? 'SIGKILL';
  return name in constants.signals ? (name as keyof typeof constants.signals) : 'SIGKILL';
}

function readPid(path: string): number | undefined {
  const pid = Number(readIfPresent(path));
  return Number.isInteger(pid) && pid > 0 ? pid : undefined;
}

function readIfPresent(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function removeQuietly(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // it never came to be; at worst it goes with the folder of the run
  }
}
