import { AsyncLocalStorage } from 'node:async_hooks';
import { lstatSync, renameSync, rmSync, watch } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { ask, frame, FrameReader, tell, type RelayRequest, type StreamShapes } from './frames.js';
import { RelayedTerminal, type RelayedCommand } from './terminal.js';
import { worldOf } from './world.js';

export interface ServeOptions {
  readonly socketPath: string;
  /** Of the engine beside which it runs: the server ends when that is gone. */
  readonly enginePath: string;
  readonly buildId: string;
  /** The file the code came from: once it changes, new commands need another server. */
  readonly codeFile: string;
  readonly run: RelayedCommand;
  /** Milliseconds without a command after which it ends. */
  readonly idleMs: number;
}

/**
 * Runs commands for other processes, so that they need not load the program, until the engine has gone, the code has
 * changed or nobody has come for a while. Resolves when the last command is over.
 */
export async function serveCommands(options: ServeOptions): Promise<void> {
  const { socketPath, enginePath, codeFile, idleMs } = options;
  if (identityOf(enginePath) === undefined) return;
  const listening = await listen(socketPath);
  if (listening === undefined) return; // another one serves
  const { server, socketFile } = listening;
  const world = worldOf(options.buildId, process.env);
  const code = identityOf(codeFile);
  const commands = new Set<Promise<unknown>>();
  let end = (): void => undefined;
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  const idle = setTimeout(end, idleMs).unref();
  const check = (): void => {
    if (identityOf(enginePath) === undefined || identityOf(socketPath) !== socketFile) end();
  };
  const running = new AsyncLocalStorage<Running>();
  /** An error that nobody caught ends the command that it comes from, and lets the others finish. */
  const onUncaught = (error: unknown): void => {
    running.getStore()?.fail(error);
    end();
  };
  process.on('uncaughtException', onUncaught);
  const look = watch(dirname(socketPath), check);
  check(); // what was taken away before we looked
  server.on('connection', (socket) => {
    idle.refresh();
    const isCurrent = identityOf(codeFile) === code;
    const onCommand = (command: Promise<void>): void => {
      const over = command.finally(() => commands.delete(over));
      commands.add(over);
    };
    serveOne(socket, { run: options.run, running, world: isCurrent ? world : '', end, onCommand });
    if (!isCurrent) end();
  });
  await ended;
  server.close(); // nobody new
  if (identityOf(socketPath) === socketFile) rmSync(socketPath, { force: true });
  look.close();
  clearTimeout(idle);
  while (commands.size > 0) await Promise.allSettled(commands);
  process.off('uncaughtException', onUncaught);
}

/** The command in whose name something runs. */
interface Running {
  readonly fail: (error: unknown) => void;
}

interface OneOptions {
  readonly run: RelayedCommand;
  readonly running: AsyncLocalStorage<Running>;
  readonly world: string;
  readonly end: () => void;
  readonly onCommand: (command: Promise<void>) => void;
}

function serveOne(socket: Socket, { world, run, running, end, onCommand }: OneOptions): void {
  let terminal: RelayedTerminal | undefined;
  const begin = async (request: RelayRequest): Promise<void> => {
    if (request.world !== world) return void socket.end(frame(tell.decline));
    const own = new RelayedTerminal(socket, request);
    terminal = own;
    try {
      const code = await new Promise<number | undefined>((resolve, fail) => {
        running.run({ fail }, () => run(request.argv, own)).then(resolve, fail);
      });
      if (code !== undefined) own.leave(code);
      else if (socket.writable) socket.end(frame(tell.decline));
    } catch (error) {
      own.fail(error);
    }
    if (!socket.closed) await new Promise((resolve) => socket.once('close', resolve)); // all is read
  };
  const frames = new FrameReader((kind, payload) => {
    switch (kind) {
      case ask.run:
        onCommand(begin(JSON.parse(payload.toString('utf8')) as RelayRequest));
        return;
      case ask.input:
        terminal?.takeInput(payload);
        return;
      case ask.signal:
        terminal?.interrupt(payload.toString('latin1'));
        return;
      case ask.resize:
        terminal?.reshape(JSON.parse(payload.toString('utf8')) as StreamShapes);
        return;
      case ask.end:
        end();
        return;
    }
  });
  socket.on('data', (chunk: Buffer) => {
    try {
      frames.push(chunk);
    } catch {
      socket.destroy(); // nobody of ours
    }
  });
  socket.on('error', () => socket.destroy());
  socket.on('close', () => terminal?.hangUp());
}

/**
 * Undefined when another server answers there. The socket is bound under a name of its own and renamed, in the place of
 * one whose server died. Of two that start at once the second takes the place of the first, which sees it and ends.
 * @returns with what `identityOf` says of the socket
 */
async function listen(socketPath: string): Promise<{ server: Server; socketFile: string | undefined } | undefined> {
  if (await answers(socketPath)) return undefined;
  const own = join(dirname(socketPath), `c.${process.pid}.${sockets++}`); // no longer than the name it gets
  rmSync(own, { force: true });
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.once('listening', resolve);
    const mask = process.umask(0o177);
    server.listen(own);
    process.umask(mask);
  });
  const socketFile = identityOf(own);
  renameSync(own, socketPath);
  return { server, socketFile };
}

/** That this process has bound. */
let sockets = 0;

function answers(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(socketPath);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

function identityOf(path: string): string | undefined {
  try {
    const { dev, ino, mtimeMs } = lstatSync(path);
    return `${dev}:${ino}:${mtimeMs}`;
  } catch {
    return undefined;
  }
}

/** Asks a server to end and waits until its commands are over; where none listens that is at once. */
export function endServer(socketPath: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(socketPath, () => socket.write(frame(ask.end)));
    signal.addEventListener('abort', () => socket.destroy(), { once: true });
    socket.on('error', () => resolve());
    socket.on('close', () => resolve());
    socket.resume();
  });
}
