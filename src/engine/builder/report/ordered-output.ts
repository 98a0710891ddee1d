/** Kept of what one work puts out before its turn, in UTF-16 code units; as much as BuildKit shows of a step. */
const mostKept = 2 << 20;
const clipped = '\n[output clipped, log limit 2MiB reached]\n';

/**
 * Puts the texts of works that run at the same time into one order: the first unfinished one writes through, those
 * behind it are kept until their turn.
 */
export class OrderedOutput {
  readonly #emit: (text: string) => void;
  readonly #works: { readonly kept: string[]; outputLength: number; finished: boolean }[];
  #head = 0;

  constructor(works: number, emit: (text: string) => void) {
    this.#emit = emit;
    this.#works = Array.from({ length: works }, () => ({ kept: [], outputLength: 0, finished: false }));
  }

  write(work: number, text: string): void {
    if (work === this.#head) this.#emit(text);
    else this.#works[work]?.kept.push(text);
  }

  /** The same for what a program puts out, of which there may be any amount: only so much is kept. */
  writeOutput(work: number, text: string): void {
    const one = this.#works[work];
    if (one === undefined || work === this.#head) {
      this.#emit(text);
      return;
    }
    const isFull = one.outputLength > mostKept;
    one.outputLength += text.length;
    if (one.outputLength <= mostKept) one.kept.push(text);
    else if (!isFull) one.kept.push(clipped);
  }

  finish(work: number): void {
    const one = this.#works[work];
    if (one !== undefined) one.finished = true;
    while (this.#works[this.#head]?.finished === true) {
      this.#head++;
      this.#flush(this.#head);
    }
  }

  /** Lets out what `work` has said although others before it have not finished: it failed, and they will not. */
  flush(work: number): void {
    if (work !== this.#head) this.#flush(work);
  }

  #flush(work: number): void {
    for (const text of this.#works[work]?.kept.splice(0) ?? []) this.#emit(text);
  }
}
