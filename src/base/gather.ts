const spareChunks = 8;

/**
 * Joins small chunks into large ones, for a socket gives 16 to 64 KiB at a time and what handles a chunk in JavaScript
 * costs about the same whatever its size. Memory that comes back is used again: V8 looks through the whole heap each time
 * some 60 MB of buffers were made.
 */
export class Gatherer {
  readonly #chunkBytes: number;
  readonly #spare: ArrayBuffer[] = [];

  constructor(chunkBytes: number) {
    this.#chunkBytes = chunkBytes;
  }

  /** All chunks but the last have the full length. Each is alone in its memory, which may be transferred to a thread. */
  async *gather(source: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer<ArrayBuffer>, void, undefined> {
    let held = this.#take();
    let length = 0;
    for await (const chunk of source) {
      for (let at = 0; at < chunk.length;) {
        const taken = Math.min(chunk.length - at, this.#chunkBytes - length);
        held.set(chunk.subarray(at, at + taken), length);
        at += taken;
        length += taken;
        if (length < this.#chunkBytes) continue;
        yield held;
        held = this.#take();
        length = 0;
      }
    }
    if (length > 0) yield aloneInMemory(held.subarray(0, length));
    this.giveBack(held.buffer);
  }

  /** Takes memory that nobody looks at any more. */
  giveBack(memory: ArrayBuffer): void {
    if (memory.byteLength === this.#chunkBytes && this.#spare.length < spareChunks) this.#spare.push(memory);
  }

  #take(): Buffer<ArrayBuffer> {
    const spare = this.#spare.pop();
    return spare === undefined ? Buffer.allocUnsafeSlow(this.#chunkBytes) : Buffer.from(spare);
  }
}

function aloneInMemory(bytes: Uint8Array): Buffer<ArrayBuffer> {
  const copy = Buffer.allocUnsafeSlow(bytes.length);
  copy.set(bytes);
  return copy;
}
