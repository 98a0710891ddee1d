import type { OutputStream } from '../terminal.js';
import { textWidth } from '../../base/text-width.js';

/** Replaces a block of lines on a terminal in one write, so that nothing flickers. */
export class Redraw {
  readonly #stream: OutputStream;
  #drawn: readonly string[] = [];

  constructor(stream: OutputStream) {
    this.#stream = stream;
  }

  draw(lines: readonly string[]): void {
    const start = this.#drawn.length === 0 ? hideCursor : this.#upToStart();
    this.#stream.write(start + lines.map((line) => `${line}${clearToEndOfLine}\n`).join('') + clearBelow);
    this.#drawn = lines;
  }

  /** Draws the last picture, which stays, and gives the cursor back. */
  finish(lines: readonly string[]): void {
    this.draw(lines);
    this.#stream.write(showCursor);
    this.#drawn = [];
  }

  /** A line that no longer fits, because the window was made narrower, takes several rows of the terminal. */
  #upToStart(): string {
    const columns = this.#stream.columns ?? 80;
    const rows = this.#drawn.reduce((sum, line) => sum + Math.max(1, Math.ceil(textWidth(line) / columns)), 0);
    return `\u001b[${rows}A\r`;
  }
}

const hideCursor = '\u001b[?25l';
const showCursor = '\u001b[?25h';
const clearToEndOfLine = '\u001b[K';
const clearBelow = '\u001b[J';
