import type { ExecCreateRequest } from '../../api/container.js';
import { isAlive, processStartTime, sendSignal } from '../sys/index.js';
import type { Container } from './container.js';
import { composeProcess } from './exec.js';
import { bundleOf, type Room } from './room.js';

const maxOutputBytes = 4096;

export interface EndedCommand {
  /** -1 where it could not be run or did not end in time. */
  readonly exitCode: number;
  /** The beginning of what it said, or why it could not be run. */
  readonly output: string;
  readonly inTime: boolean;
}

/** Runs a command of the engine's own in a container, to its end. */
export async function runCommand(
  room: Room,
  container: Container,
  request: ExecCreateRequest,
  { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<EndedCommand> {
  const process = await room.oci.exec(
    {
      containerId: container.id,
      process: composeProcess(room, container, request, undefined),
      stdin: false,
      dir: bundleOf(room, container.id),
    },
    signal,
  );
  const output = new Output();
  process.stdout.on('data', output.push).on('error', () => undefined);
  process.stderr?.on('data', output.push).on('error', () => undefined);
  const late = new AbortController();
  const timer = setTimeout(() => {
    late.abort();
    kill(process.pid());
  }, timeoutMs);
  const outcome = await process.ended;
  clearTimeout(timer);
  if (late.signal.aborted) return { exitCode: -1, output: output.text(), inTime: false };
  if (outcome.kind === 'failed') return { exitCode: -1, output: outcome.text, inTime: true };
  return { exitCode: outcome.exitCode, output: output.text(), inTime: true };
}

function kill(pid: number | undefined): void {
  const startTime = pid === undefined ? undefined : processStartTime(pid);
  if (pid !== undefined && startTime !== undefined && isAlive({ pid, startTime })) sendSignal(pid, 'SIGKILL');
}

class Output {
  readonly #chunks: Buffer[] = [];
  #bytes = 0;

  readonly push = (chunk: Buffer): void => {
    if (this.#bytes < maxOutputBytes) this.#chunks.push(chunk.subarray(0, maxOutputBytes - this.#bytes));
    this.#bytes += chunk.length;
  };

  text(): string {
    const text = Buffer.concat(this.#chunks).toString();
    return this.#bytes > maxOutputBytes ? `${text}...` : text;
  }
}
