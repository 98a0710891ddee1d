import type { HealthLogEntry } from '../../api/container.js';
import { isAlive, processStartTime, sendSignal } from '../sys/index.js';
import type { Container } from './container.js';
import { composeProcess } from './exec.js';
import { bundleOf, type Room } from './room.js';

const maxOutputBytes = 4096;

export interface CommandCheck {
  readonly command: readonly string[];
  readonly timeoutMs: number;
}

/** Runs a health check's command in the container; -1 where it could not be run or did not end in time. */
export async function runCheck(
  room: Room,
  container: Container,
  { command, timeoutMs }: CommandCheck,
  signal: AbortSignal,
): Promise<Pick<HealthLogEntry, 'ExitCode' | 'Output'>> {
  const process = await room.oci.exec(
    {
      containerId: container.id,
      process: composeProcess(room, container, { Cmd: [...command] }, undefined),
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
  if (late.signal.aborted) {
    return { ExitCode: -1, Output: `Health check exceeded timeout (${timeoutMs / 1000}s): ${output.text()}` };
  }
  if (outcome.kind === 'failed') return { ExitCode: -1, Output: outcome.text };
  return { ExitCode: outcome.exitCode, Output: output.text() };
}

function kill(pid: number | undefined): void {
  const startTime = pid === undefined ? undefined : processStartTime(pid);
  if (pid !== undefined && startTime !== undefined && isAlive({ pid, startTime })) sendSignal(pid, 'SIGKILL');
}

/** The beginning of what a check says. */
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
