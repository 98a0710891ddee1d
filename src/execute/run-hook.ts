import { TscomposeError } from '../base/errors.js';
import type { EngineClient } from '../client/index.js';
import type { HookCommand } from '../plan/index.js';

declare module '../base/errors.js' {
  interface ErrorFacts {
    'execute/hook-failed': { readonly command: readonly string[]; readonly exitCode: number };
  }
}

/** Runs a hook in a container to its end. @throws `execute/hook-failed` for another exit code than 0 */
export async function runHook(
  client: EngineClient,
  containerId: string,
  { command, user, workingDir, privileged, environment }: HookCommand,
  signal: AbortSignal,
  onOutput: (text: string) => void,
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
  for await (const { payload } of stream.output) onOutput(payload.toString('utf8'));
  const { ExitCode } = await client.exec.inspect(Id, signal);
  if (ExitCode === 0) return;
  throw new TscomposeError({
    code: 'execute/hook-failed',
    message: `its command ${command.join(' ')} exited with code ${ExitCode ?? '?'}`,
    facts: { command, exitCode: ExitCode ?? -1 },
  });
}
