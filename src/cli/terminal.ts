/** Everything the CLI knows of the world outside, handed in so that tests can run it in-process. */
export interface Terminal {
  readonly stdin: InputStream;
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
}

export interface OutputStream {
  readonly isTTY?: boolean;
  /** Character cells; undefined when not a terminal. */
  readonly columns?: number | undefined;
  readonly rows?: number | undefined;
  readonly writableNeedDrain?: boolean;
  /** False: more than enough is waiting to be read; see `drained`. */
  write(text: string | Uint8Array): boolean;
  on(event: 'resize', listener: () => void): unknown;
  off(event: 'resize', listener: () => void): unknown;
  once(event: 'drain', listener: () => void): unknown;
}

/** Many may wait for one reader. */
const draining = new WeakMap<OutputStream, Promise<void>>();

/** Waits for a reader that is slower than we write, so that what it has not read does not pile up in memory. */
export async function drained(stream: OutputStream): Promise<void> {
  if (stream.writableNeedDrain !== true) return;
  let waiting = draining.get(stream);
  if (waiting === undefined) {
    waiting = new Promise((resolve) => stream.once('drain', resolve));
    draining.set(stream, waiting);
    void waiting.then(() => draining.delete(stream));
  }
  await waiting;
}

/** Writes bytes at the pace of their reader. */
export async function writeAll(to: OutputStream, bytes: AsyncIterable<string | Uint8Array>): Promise<void> {
  for await (const chunk of bytes) {
    to.write(chunk);
    await drained(to);
  }
}

export interface InputStream extends NodeJS.ReadableStream {
  readonly isTTY?: boolean;
  setRawMode?(enabled: boolean): unknown;
}

/** A terminal that moves its cursor. `TERM=dumb` and CI logs take lines only. */
export function canRedraw(stream: OutputStream, environment: Terminal['environment']): boolean {
  if (stream.isTTY !== true || environment['TERM'] === 'dumb') return false;
  const ci = environment['CI'];
  return ci === undefined || ci === '' || ci === 'false' || ci === '0';
}

/** The `1 t true y` of docker compose, any case; anything else is false. Undefined and empty stay undefined. */
export function booleanSetting(value: string | undefined): boolean | undefined {
  if (value === undefined || value === '') return undefined;
  return ['1', 't', 'true', 'y', 'yes'].includes(value.toLowerCase());
}
