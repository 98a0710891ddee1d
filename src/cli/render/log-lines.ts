import { StringDecoder } from 'node:string_decoder';
import { sgr, type Style } from './style.js';
import { padTo, textWidth } from './text-width.js';

const plainColours = [sgr.cyan, sgr.yellow, sgr.green, sgr.magenta, sgr.blue];
/** docker compose's ten colours, in its order. */
const colours = [...plainColours, ...plainColours.map((code) => `1;${code}`)];

export interface LogOptions {
  readonly style: Style;
  /** Without it lines stand alone, as with `--no-log-prefix`. */
  readonly prefix: boolean;
}

/** One source of log lines. */
export interface LogWriter {
  /** Bytes as they come, cut anywhere. */
  write(bytes: Uint8Array): void;
  /** Writes what is left of a last line without an end. */
  end(): void;
}

/**
 * Merges the output of several containers line by line behind aligned, coloured names (`web-1  | ready`).
 * A line is written when it is complete, so lines of two containers never mix.
 */
export class LogPrinter {
  readonly #write: (text: string) => void;
  readonly #options: LogOptions;
  readonly #colours = new Map<string, string>();
  #width = 0;

  constructor(write: (text: string) => void, options: LogOptions) {
    this.#write = write;
    this.#options = options;
  }

  /** Names known beforehand share one width from the first line on; colours go by the order of registration. */
  register(names: readonly string[]): void {
    for (const name of names) {
      if (!this.#colours.has(name)) this.#colours.set(name, colours[this.#colours.size % colours.length] ?? sgr.cyan);
      this.#width = Math.max(this.#width, textWidth(name));
    }
  }

  /** Standard output and error of a container are two writers, or half lines of one would end up in the other. */
  writer(name: string): LogWriter {
    this.register([name]);
    const decoder = new StringDecoder('utf8');
    let pending = '';
    return {
      write: (bytes) => {
        const lines = (pending + decoder.write(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength))).split(
          '\n',
        );
        pending = lines.pop() ?? '';
        if (lines.length > 0) this.#write(lines.map((line) => this.#line(name, line)).join(''));
      },
      end: () => {
        pending += decoder.end();
        if (pending !== '') this.#write(this.#line(name, pending));
        pending = '';
      },
    };
  }

  /** A line of ours about a container: `web-1 exited with code 0`. */
  notice(name: string, text: string): void {
    this.register([name]);
    this.#write(`${this.#paint(name, name)} ${text}\n`);
  }

  #line(name: string, line: string): string {
    if (!this.#options.prefix) return `${line}\n`;
    return `${this.#paint(name, `${padTo(name, this.#width)}  | `)}${line}\n`;
  }

  #paint(name: string, text: string): string {
    return this.#options.style.paint(this.#colours.get(name) ?? sgr.cyan, text);
  }
}
