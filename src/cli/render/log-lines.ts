import { sgr, type Style } from './style.js';
import { padTo, textWidth } from '../../base/text-width.js';

const plainColours = [sgr.cyan, sgr.yellow, sgr.green, sgr.magenta, sgr.blue];
/** docker compose's ten colours, in its order. */
const colours = [...plainColours, ...plainColours.map((code) => `1;${code}`)];

export interface LogLineOptions {
  readonly style: Style;
  /** Without it lines stand alone, as with `--no-log-prefix`. */
  readonly prefix: boolean;
}

/** Writes the lines of several containers behind aligned, coloured names: `web-1  | ready`. */
export class LogPrinter {
  readonly #write: (text: string) => void;
  readonly #options: LogLineOptions;
  readonly #colours = new Map<string, string>();
  #width = 0;
  #held: string[] | undefined;

  constructor(write: (text: string) => void, options: LogLineOptions) {
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

  /** @param line - without its end */
  line(name: string, line: string): void {
    this.register([name]);
    const prefix = this.#options.prefix ? this.#paint(name, `${padTo(name, this.#width)}  | `) : '';
    this.#put(`${prefix}${line}\n`);
  }

  /** A line of ours about a container: `web-1 exited with code 0`. */
  notice(name: string, text: string): void {
    this.register([name]);
    this.#put(`${this.#paint(name, name)} ${text}\n`);
  }

  /** Keeps what comes, for as long as something else is drawn on the screen. */
  hold(): void {
    this.#held ??= [];
  }

  release(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    if (held.length > 0) this.#write(held.join(''));
  }

  #put(text: string): void {
    if (this.#held === undefined) this.#write(text);
    else this.#held.push(text);
  }

  #paint(name: string, text: string): string {
    return this.#options.style.paint(this.#colours.get(name) ?? sgr.cyan, text);
  }
}
