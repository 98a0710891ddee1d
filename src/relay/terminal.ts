import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { bugText } from '../base/bug-text.js';
import { frame, outputFrameBytes, tell, type RelayRequest, type StreamShape, type StreamShapes } from './frames.js';

/** Runs one command; undefined: it cannot be run for another process, and nothing was done. */
export type RelayedCommand = (argv: readonly string[], terminal: RelayedTerminal) => Promise<number | undefined>;

/** The terminal, environment and signals of a process at the other end of a socket. */
export class RelayedTerminal {
  readonly cwd: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly stdout: RelayedOutput;
  readonly stderr: RelayedOutput;
  /** What signals are given to; the command sets it. */
  onSignal: (signal: string) => void = () => undefined;
  readonly #socket: Socket;
  readonly #stdinIsTTY: boolean;
  #stdin: RelayedInput | undefined;
  #hungUp = false;

  constructor(socket: Socket, { cwd, environment, streams, stdinIsTTY }: RelayRequest) {
    this.#socket = socket;
    this.cwd = cwd;
    this.environment = environment;
    this.#stdinIsTTY = stdinIsTTY;
    this.stdout = new RelayedOutput(socket, tell.output, streams.stdout);
    this.stderr = new RelayedOutput(socket, tell.error, streams.stderr);
  }

  /** Asked for only by a command that reads it: the other process then gives up its own input. */
  get stdin(): RelayedInput {
    if (this.#stdin === undefined) {
      this.#stdin = new RelayedInput(this.#socket, this.#stdinIsTTY);
      this.#socket.write(frame(tell.input));
    }
    return this.#stdin;
  }

  /** To be said before the command does anything. */
  accept(): void {
    this.#socket.write(frame(tell.accepted));
  }

  takeInput(bytes: Buffer): void {
    this.#stdin?.receive(bytes);
  }

  interrupt(signal: string): void {
    this.onSignal(signal);
  }

  reshape({ stdout, stderr }: StreamShapes): void {
    this.stdout.reshape(stdout);
    this.stderr.reshape(stderr);
  }

  /** Ends the other process now, whatever the command still does here. */
  leave(code: number): void {
    if (this.#socket.writable) this.#socket.end(frame(tell.exit, String(code)));
  }

  /** For what nothing else has reported. */
  fail(error: unknown): void {
    this.stderr.write(bugText(error, this.environment));
    this.leave(1);
  }

  /** The other process is gone: for the command that is what a closed terminal is. */
  hangUp(): void {
    if (this.#hungUp) return;
    this.#hungUp = true;
    this.#stdin?.destroy();
    this.onSignal('SIGHUP');
    this.stdout.emit('drain');
    this.stderr.emit('drain');
  }
}

/** A stream whose bytes go to the other process. */
export class RelayedOutput extends EventEmitter<{ resize: []; drain: [] }> {
  readonly isTTY: boolean;
  #shape: StreamShape;
  readonly #socket: Socket;
  readonly #kind: string;

  constructor(socket: Socket, kind: string, shape: StreamShape) {
    super();
    this.#socket = socket;
    this.#kind = kind;
    this.#shape = shape;
    this.isTTY = shape.isTTY;
    socket.on('drain', () => this.emit('drain'));
  }

  get columns(): number | undefined {
    return this.#shape.columns;
  }

  get rows(): number | undefined {
    return this.#shape.rows;
  }

  get writableNeedDrain(): boolean {
    return this.#socket.writable && this.#socket.writableNeedDrain;
  }

  /** False: wait for `drain`. What is written after the other process has gone is lost, as on a closed terminal. */
  write(data: string | Uint8Array): boolean {
    const bytes = typeof data === 'string' ? Buffer.from(data, 'utf8') : data;
    let wantsMore = true;
    for (let at = 0; at < bytes.byteLength && this.#socket.writable; at += outputFrameBytes)
      wantsMore = this.#socket.write(frame(this.#kind, bytes.subarray(at, at + outputFrameBytes)));
    return wantsMore;
  }

  reshape(shape: StreamShape): void {
    this.#shape = shape;
    this.emit('resize');
  }
}

/** Bytes the other process reads from its standard input. */
export class RelayedInput extends PassThrough {
  readonly isTTY: boolean;
  readonly #socket: Socket;

  constructor(socket: Socket, isTTY: boolean) {
    super();
    this.#socket = socket;
    this.isTTY = isTTY;
  }

  receive(bytes: Buffer): void {
    if (bytes.byteLength === 0) this.end();
    else {
      this.write(bytes, (failure) => {
        const isHeard = failure == null && this.#socket.writable;
        if (isHeard) this.#socket.write(frame(tell.taken, String(bytes.byteLength)));
      });
    }
  }

  setRawMode(enabled: boolean): this {
    this.#socket.write(frame(tell.raw, enabled ? '1' : '0'));
    return this;
  }
}
