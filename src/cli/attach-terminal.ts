import type { AttachedStream } from '../client/index.js';
import { drained, type Terminal } from './terminal.js';

export interface AttachOptions {
  /** The process has a terminal of its own: keys go to it one by one, its size follows ours. */
  readonly tty: boolean;
  /** Whether standard input is passed on. */
  readonly interactive: boolean;
  resize(size: { readonly rows: number; readonly columns: number }): Promise<void>;
}

/** Joins our standard streams with those of a process until its output ends. Leaves the terminal as it was. */
export async function joinTerminal(stream: AttachedStream, terminal: Terminal, options: AttachOptions): Promise<void> {
  const { stdin, stdout, stderr } = terminal;
  const raw = options.tty && stdin.isTTY === true;
  const follow = (): void => {
    const { rows, columns } = stdout;
    if (rows !== undefined && columns !== undefined && rows > 0 && columns > 0) {
      options.resize({ rows, columns }).catch(() => undefined); // the process may just have ended
    }
  };
  if (raw) stdin.setRawMode?.(true);
  if (options.tty) {
    follow();
    stdout.on('resize', follow);
  }
  if (options.interactive) stdin.pipe(stream.input);
  else stream.input.end();
  try {
    for await (const { stream: number, payload } of stream.output) {
      const to = number === 2 ? stderr : stdout;
      to.write(payload);
      await drained(to);
    }
  } finally {
    stdout.off('resize', follow);
    if (options.interactive) stdin.unpipe(stream.input);
    if (raw) stdin.setRawMode?.(false);
    stdin.pause();
    stream.close();
  }
}
