import { TscomposeError } from '../base/errors.js';
import type { EngineClient } from '../client/index.js';
import type { HookCommand } from '../plan/index.js';
import { LineAssembler, type TimedLine } from './log-lines.js';

declare module '../base/errors.js' {
  interface ErrorFacts {
    'execute/hook-failed': { readonly command: readonly string[]; readonly exitCode: number };
  }
}

/** Runs a hook in a container to its end. @param onLine - without line ends @throws `execute/hook-failed` for another exit code than 0 */
export async function runHook(
  client: EngineClient,
  containerId: string,
  { command, user, workingDir, privileged, environment }: HookCommand,
  signal: AbortSignal,
  onLine: (line: string) => void,
): Promise<void> {
  const { Id } = await client.exec.create(
    containerId,
    {
      Cmd: [...command],
      Env: [...environment],
      Privileged: privileged,
      AttachStdout: true,
      AttachStderr: true,
      ...(user === undefined ? {} : { User: user }),
      ...(workingDir === undefined ? {} : { WorkingDir: workingDir }),
    },
    signal,
  );
  const stream = await client.exec.start(Id, { Tty: false }, signal);
  stream.input.end();
  const lines = new LineAssembler('plain');
  const tell = ({ text }: TimedLine) => {
    onLine(text);
  };
  for await (const { stream: from, payload } of stream.output) lines.push(from, payload).forEach(tell);
  lines.end().forEach(tell);
  const { ExitCode } = await client.exec.inspect(Id, signal);
  if (ExitCode === 0) return;
  throw new TscomposeError({
    code: 'execute/hook-failed',
    message: `its command ${command.join(' ')} exited with code ${ExitCode ?? '?'}`,
    facts: { command, exitCode: ExitCode ?? -1 },
  });
}
