import { sendSignal } from '../sys/index.js';
import { cutWhenSilent, readAll, spawnPiped } from './pipe.js';

export interface ProgramResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ProgramOptions {
  /** For the pipes, which are made there and gone at once. */
  readonly dir: string;
  readonly cwd?: string;
  readonly timeoutMs?: number;
}

/** What our programs see of our environment: nothing that could change how they work. */
export const programEnvironment: Readonly<Record<string, string>> = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  LC_ALL: 'C',
};

/**
 * Runs a runtime's short command to its end, by posix_spawn. A signal counts as exit code 128 and its number is lost.
 * Not for `create`: the container inherits the pipes, which would never end.
 */
export async function runProgram(
  program: { readonly file: string; readonly env: Readonly<Record<string, string>> },
  args: readonly string[],
  { dir, cwd, timeoutMs = 30_000 }: ProgramOptions,
): Promise<ProgramResult> {
  const request = { ...program, args, ...(cwd === undefined ? {} : { cwd }) };
  const { pid, exited, streams } = spawnPiped(request, dir, { 1: 'read', 2: 'read' });
  const timer = setTimeout(() => sendSignal(pid, 'SIGKILL'), timeoutMs);
  const ended = exited.then((status) => {
    clearTimeout(timer); // from here on its number may be somebody else's
    cutWhenSilent([streams[1], streams[2]]); // a hook may have left something behind that holds them open
    return status;
  });
  const [said, complained, status] = await Promise.all([readAll(streams[1]), readAll(streams[2]), ended]);
  return { exitCode: status.exitCode ?? 128, stdout: said.toString(), stderr: complained.toString() };
}
