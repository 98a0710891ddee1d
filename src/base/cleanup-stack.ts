/** Undoes run in reverse order; a failing undo does not stop the others. */
export class CleanupStack implements AsyncDisposable {
  #undos: (() => unknown)[] = [];

  /** Registers an undo. Call it on the line after what it undoes. */
  defer(undo: () => unknown): void {
    this.#undos.push(undo);
  }

  /** Keeps what was made: nothing registered so far is undone. */
  commit(): void {
    this.#undos = [];
  }

  /** Runs the undos. @throws AggregateError with every undo that failed. */
  async [Symbol.asyncDispose](): Promise<void> {
    const failures: unknown[] = [];
    for (let undo = this.#undos.pop(); undo !== undefined; undo = this.#undos.pop()) {
      try {
        await undo();
      } catch (failure) {
        failures.push(failure);
      }
    }
    if (failures.length > 0) throw new AggregateError(failures, 'cleaning up failed');
  }
}
