import type { HealthLogEntry } from '../../api/container.js';
import type { Container } from './container.js';
import type { Room } from './room.js';
import { runCommand } from './run-command.js';

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
  const ended = await runCommand(room, container, { Cmd: [...command] }, { timeoutMs, signal });
  if (ended.inTime) return { ExitCode: ended.exitCode, Output: ended.output };
  return { ExitCode: -1, Output: `Health check exceeded timeout (${timeoutMs / 1000}s): ${ended.output}` };
}
