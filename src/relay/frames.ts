/**
 * What a relayed command and the process it runs in say to each other: `[kind, 1 byte][length, 4 bytes BE][payload]`.
 * Kinds are letters, so that a trace of the socket can be read.
 */

/** From the command's own process. */
export const ask = {
  /** JSON of a `RelayRequest`; the first frame. */
  run: 'R',
  /** Bytes of standard input; none: it ended. */
  input: 'I',
  /** A name of a signal. */
  signal: 'S',
  /** JSON of `StreamShapes` after the window changed. */
  resize: 'W',
  /** Ask the server to end; it closes the connection when it has. */
  end: 'E',
} as const;

/** From the server. */
export const tell = {
  /** The command is about to begin: whatever comes, it is not to be run again. So say all others but `decline`. */
  accepted: 'a',
  output: 'o',
  error: 'e',
  /** Standard input is wanted from here on. */
  input: 'i',
  /** So many bytes of it, in decimal, the command has taken. */
  taken: 't',
  /** `1`: keys one by one; `0`: lines again. */
  raw: 'r',
  /** The exit code in decimal; the last frame. */
  exit: 'x',
  /** Run it yourself; nothing has happened. The last frame. */
  decline: 'd',
} as const;

export interface StreamShape {
  readonly isTTY: boolean;
  readonly columns: number | undefined;
  readonly rows: number | undefined;
}

export interface StreamShapes {
  readonly stdout: StreamShape;
  readonly stderr: StreamShape;
}

export interface RelayRequest {
  /** What must be the same for both processes to see one world. */
  readonly world: string;
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly stdinIsTTY: boolean;
  readonly streams: StreamShapes;
}

/**
 * Standard input that is sent before the command has taken what went before. Nobody stops reading the connection for
 * input that is not wanted: signals and the end of the other side come the same way.
 */
export const inputWindowBytes = 1 << 18;

const headerBytes = 5;
/** Far above any environment and argument list the kernel lets a process have. */
const longestFrameBytes = 1 << 24;
/** Longer output is cut. */
export const outputFrameBytes = 1 << 20;

export function frame(kind: string, payload: string | Uint8Array = ''): Buffer {
  const body = typeof payload === 'string' ? Buffer.from(payload, 'utf8') : payload;
  const bytes = Buffer.allocUnsafe(headerBytes + body.byteLength);
  bytes.write(kind, 0, 'latin1');
  bytes.writeUInt32BE(body.byteLength, 1);
  bytes.set(body, headerBytes);
  return bytes;
}

/** Cuts a stream of bytes into frames again. */
export class FrameReader {
  readonly #parts: Buffer[] = [];
  #bytes = 0;
  /** As many as the next frame takes, as far as that is known. */
  #needed = headerBytes;
  readonly #onFrame: (kind: string, payload: Buffer) => void;

  constructor(onFrame: (kind: string, payload: Buffer) => void) {
    this.#onFrame = onFrame;
  }

  /** @throws RangeError for a length nobody sends */
  push(chunk: Buffer): void {
    this.#parts.push(chunk);
    this.#bytes += chunk.byteLength;
    if (this.#bytes < this.#needed) return;
    let bytes = this.#parts.length === 1 ? chunk : Buffer.concat(this.#parts);
    this.#needed = headerBytes;
    while (bytes.byteLength >= headerBytes) {
      const length = bytes.readUInt32BE(1);
      if (length > longestFrameBytes) throw new RangeError(`a frame of ${length} bytes`);
      const end = headerBytes + length;
      this.#needed = end;
      if (bytes.byteLength < end) break;
      this.#needed = headerBytes;
      this.#onFrame(bytes.toString('latin1', 0, 1), bytes.subarray(headerBytes, end));
      bytes = bytes.subarray(end);
    }
    this.#parts.splice(0, Infinity, bytes);
    this.#bytes = bytes.byteLength;
  }
}
