/**
 * Puts the output of works that run at the same time into one order: the first unfinished one writes through, those
 * behind it are kept until their turn.
 */
export class OrderedOutput<Message> {
  readonly #emit: (message: Message) => void;
  readonly #kept: Message[][];
  readonly #finished: boolean[];
  #head = 0;

  constructor(works: number, emit: (message: Message) => void) {
    this.#emit = emit;
    this.#kept = Array.from({ length: works }, () => []);
    this.#finished = Array.from({ length: works }, () => false);
  }

  write(work: number, message: Message): void {
    if (work === this.#head) this.#emit(message);
    else this.#kept[work]?.push(message);
  }

  finish(work: number): void {
    this.#finished[work] = true;
    while (this.#finished[this.#head] === true) {
      this.#head++;
      this.#flush(this.#head);
    }
  }

  /** Lets out what `work` has said although others before it have not finished: it failed, and they will not. */
  flush(work: number): void {
    if (work !== this.#head) this.#flush(work);
  }

  #flush(work: number): void {
    for (const message of this.#kept[work]?.splice(0) ?? []) this.#emit(message);
  }
}
