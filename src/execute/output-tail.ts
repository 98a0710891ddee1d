/** The last lines of a long output; with a limit of 0 it only tells lines apart. */
export class OutputTail {
  readonly #limit: number;
  #lines: string[] = [];
  #open = '';

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Takes text cut anywhere; gives back the lines it completes. */
  push(text: string): string[] {
    const lines = (this.#open + text).split(/\r?\n/);
    this.#open = lines.pop() ?? '';
    this.#lines = this.#last([...this.#lines, ...lines]);
    return lines;
  }

  /** The output is over: gives back the line that it ended in the middle of. */
  end(): string[] {
    return this.#open === '' ? [] : this.push('\n');
  }

  get lines(): readonly string[] {
    return this.#open === '' ? this.#lines : this.#last([...this.#lines, this.#open]);
  }

  #last(lines: string[]): string[] {
    return this.#limit === 0 ? [] : lines.slice(-this.#limit);
  }
}
