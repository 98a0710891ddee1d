import { isNotFound, type EngineClient } from '../client/index.js';
import { joinTerminal } from './attach-terminal.js';
import type { CliContext } from './context.js';
import { exitCodes } from './interrupts.js';

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

/** Our terminal joined to a container, from before its start on. */
export interface ContainerSession {
  /** Settles when it has ended, or was left by its detach keys. @returns its exit code; 0 when left */
  readonly ended: Promise<number>;
}

/** Resolves once nothing the container says can be missed any more. */
export async function openSession(
  { terminal, interrupts, signal }: CliContext,
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
  const release = signals
    ? interrupts.handle((name) => {
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
    try {
      await joinTerminal(stream, terminal, { tty, interactive: stdin, resize });
      if (await stillRuns(client, containerId, signal)) return exitCodes.success;
      return (await exit.result).StatusCode;
    } finally {
      release();
    }
  };
  const ended = join();
  ended.catch(() => undefined); // the caller looks once the start is done
  return { ended };
}

/** The output has ended and it goes on: its detach keys were pressed. */
async function stillRuns(client: EngineClient, id: string, signal: AbortSignal): Promise<boolean> {
  try {
    const { State } = await client.containers.inspect(id, signal);
    return State.Running && !State.Restarting;
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}
