import { DetachWatch, parseDetachKeys } from '../base/detach-keys.js';
import { isNotFound, type EngineClient } from '../client/index.js';
import { joinTerminal } from './attach-terminal.js';
import type { CliContext } from './context.js';
import { exitCodes } from './interrupts.js';
import type { Terminal } from './terminal.js';

export interface SessionOptions {
  readonly containerId: string;
  /** The container has a terminal of its own. */
  readonly tty: boolean;
  /** Pass standard input on. */
  readonly stdin: boolean;
  /** Ctrl-C and its kin go to the process in the container, and not to us. */
  readonly signals: boolean;
  readonly detachKeys?: string | undefined;
  /** The engine removes the container when it ends. */
  readonly autoRemove?: boolean;
}

/** As with docker, who insists leaves a process that takes no notice; it goes on by itself. */
const mostPassedOn = 2;

/** Our terminal joined to a container, from before its start on. */
export interface ContainerSession {
  /** Settles when it has ended, or was left by its detach keys. @returns its exit code; 0 when left */
  readonly ended: Promise<number>;
}

/** Resolves once nothing the container says can be missed any more. */
export async function openSession(
  { terminal, interrupts, signal }: Pick<CliContext, 'terminal' | 'interrupts' | 'signal'>,
  client: EngineClient,
  { containerId, tty, stdin, signals, detachKeys, autoRemove = false }: SessionOptions,
): Promise<ContainerSession> {
  const exit = await client.containers.beginWait(
    containerId,
    { condition: autoRemove ? 'removed' : 'next-exit' },
    signal,
  );
  const keys = detachKeys === undefined ? {} : { detachKeys };
  const stream = await client.containers.attach(containerId, { stdin, tty, ...keys }, signal);
  let passedOn = 0;
  const release = signals
    ? interrupts.handle((name) => {
        if (passedOn === mostPassedOn) return false;
        passedOn++;
        // With a terminal of its own Ctrl-C reaches the process as a key already.
        if (!tty || name !== 'SIGINT') {
          client.containers.kill(containerId, { signal: name }, signal).catch(() => undefined); // it may just have ended
        }
        return true;
      })
    : () => undefined;
  const resize = (size: { rows: number; columns: number }): Promise<void> =>
    client.containers.resize(containerId, size, signal);
  const join = async (): Promise<number> => {
    const detached = watchKeys(terminal, tty && stdin ? parseDetachKeys(detachKeys) : undefined);
    try {
      await joinTerminal(stream, terminal, { tty, interactive: stdin, resize });
      // Output may end long before the process, and is told to have ended a little before it in any case.
      if (detached() && (await stillRuns(client, containerId, signal))) return exitCodes.success;
      return (await exit.result).StatusCode;
    } finally {
      release();
    }
  };
  const ended = join();
  ended.catch(() => undefined); // the caller looks once the start is done
  return { ended };
}

/** The engine takes the keys out of what is typed and says nothing of it. @returns whether they were typed */
function watchKeys({ stdin }: Terminal, keys: readonly number[] | undefined): () => boolean {
  if (keys === undefined) return () => false;
  const watch = new DetachWatch(keys);
  let typed = false;
  const look = (chunk: Buffer): void => {
    if (!watch.push(chunk).detached) return;
    typed = true;
    stdin.off('data', look);
  };
  stdin.on('data', look);
  return () => {
    stdin.off('data', look);
    return typed;
  };
}

async function stillRuns(client: EngineClient, id: string, signal: AbortSignal): Promise<boolean> {
  try {
    const { State } = await client.containers.inspect(id, signal);
    return State.Running && !State.Restarting;
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}
