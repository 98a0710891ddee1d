import { connect, type Socket } from 'node:net';
import { isatty } from 'node:tty';
import {
  ask,
  frame,
  FrameReader,
  inputWindowBytes,
  tell,
  type RelayRequest,
  type StreamShape,
  type StreamShapes,
} from './frames.js';

/** Why a command is to run in this very process. */
export type NotRelayed =
  /** Nobody listens. */
  | 'absent'
  /** The server cannot do this one for us. */
  | 'declined';

/**
 * Has the server run a command whose streams and signals are this process's. Nothing has happened when the answer is
 * not an exit code: a server that goes away after it has accepted the command leaves the exit code of a failure.
 * @param socketPath - of the server
 * @param signals - passed on to the command
 */
export function relay(
  socketPath: string,
  request: Pick<RelayRequest, 'world' | 'argv'>,
  signals: readonly NodeJS.Signals[],
): Promise<number | NotRelayed> {
  return new Promise((settle) => {
    const socket = connect(socketPath);
    const session = new Session(socket, signals, (result) => {
      socket.destroy();
      settle(result);
    });
    socket.on('connect', () => session.begin(request));
    socket.on('error', () => session.lost());
    socket.on('close', () => session.lost());
  });
}

class Session {
  readonly #socket: Socket;
  readonly #signals: readonly NodeJS.Signals[];
  readonly #finish: (result: number | NotRelayed) => void;
  #began = false;
  /** From here on it may have done something. */
  #accepted = false;
  #raw = false;
  /** Bytes of input that the command has not taken. */
  #untaken = 0;
  #ended = false;

  constructor(socket: Socket, signals: readonly NodeJS.Signals[], finish: (result: number | NotRelayed) => void) {
    this.#socket = socket;
    this.#signals = signals;
    this.#finish = finish;
  }

  begin(request: Pick<RelayRequest, 'world' | 'argv'>): void {
    this.#began = true;
    const whole: RelayRequest = {
      ...request,
      cwd: process.cwd(),
      environment: { ...process.env } as Record<string, string>, // process.env has no undefined members
      stdinIsTTY: isatty(0),
      streams: shapes(),
    };
    this.#socket.write(frame(ask.run, JSON.stringify(whole)));
    const frames = new FrameReader((kind, payload) => this.#receive(kind, payload));
    this.#socket.on('data', (chunk) => frames.push(chunk));
    for (const signal of this.#signals) process.on(signal, this.#passSignal);
    process.on('SIGWINCH', this.#passShapes);
  }

  /** The connection is gone without a last frame. */
  lost(): void {
    if (!this.#began) this.#end('absent');
    else if (!this.#accepted) this.#end('declined');
    else {
      process.stderr.write('tscompose: the process that ran this command has gone; run it again\n');
      this.#end(1);
    }
  }

  #receive(kind: string, payload: Buffer): void {
    this.#accepted ||= kind !== tell.decline;
    switch (kind) {
      case tell.output:
        this.#write(process.stdout, payload);
        return;
      case tell.error:
        this.#write(process.stderr, payload);
        return;
      case tell.input:
        this.#passInput();
        return;
      case tell.taken:
        this.#untaken -= Number(payload.toString('latin1'));
        if (this.#untaken < inputWindowBytes) process.stdin.resume();
        return;
      case tell.raw:
        this.#raw = payload.toString('latin1') === '1';
        process.stdin.setRawMode(this.#raw);
        return;
      case tell.exit:
        this.#end(Number(payload.toString('latin1')));
        return;
      case tell.decline:
        this.#end('declined');
        return;
    }
  }

  /** A reader that is slow slows the command down, as it would its own process. */
  #write(stream: NodeJS.WriteStream, payload: Buffer): void {
    if (stream.write(payload) || this.#socket.isPaused()) return;
    this.#socket.pause();
    stream.once('drain', () => this.#socket.resume());
  }

  #passInput(): void {
    process.stdin.on('data', (chunk: Buffer) => {
      this.#socket.write(frame(ask.input, chunk));
      this.#untaken += chunk.byteLength;
      if (this.#untaken >= inputWindowBytes) process.stdin.pause();
    });
    process.stdin.on('end', () => this.#socket.write(frame(ask.input)));
  }

  readonly #passSignal = (signal: NodeJS.Signals): void => {
    this.#socket.write(frame(ask.signal, signal));
  };

  readonly #passShapes = (): void => {
    this.#socket.write(frame(ask.resize, JSON.stringify(shapes())));
  };

  #end(result: number | NotRelayed): void {
    if (this.#ended) return;
    this.#ended = true;
    for (const signal of this.#signals) process.off(signal, this.#passSignal);
    process.off('SIGWINCH', this.#passShapes);
    if (this.#raw) process.stdin.setRawMode(false);
    this.#finish(result);
  }
}

function shapes(): StreamShapes {
  return { stdout: shape(process.stdout), stderr: shape(process.stderr) };
}

function shape({ isTTY, columns, rows }: NodeJS.WriteStream): StreamShape {
  const unknown = { columns: undefined, rows: undefined };
  if (!isTTY) return { isTTY: false, ...unknown };
  // None: a terminal whose size nobody has set.
  return columns > 0 ? { isTTY, columns, rows } : { isTTY, ...unknown };
}
