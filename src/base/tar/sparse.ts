import { invalidTar, type SparseRegion } from './entry.js';
import { numberField } from './header.js';

const maxMapBytes = 1 << 20;

/** A sparse map as it comes in: its regions, and whether more blocks belong to it. */
export interface GnuSparseBlock {
  readonly regions: readonly SparseRegion[];
  readonly more: boolean;
}

/** GNU's old format keeps four regions in the header and 21 in each following block. */
export function parseGnuSparse(block: Buffer, place: 'header' | 'extension'): GnuSparseBlock {
  const [start, count, flagAt] = place === 'header' ? [386, 4, 482] : [0, 21, 504];
  const regions: SparseRegion[] = [];
  for (let index = 0; index < count; index += 1) {
    const at = start + index * 24;
    if (block[at] === 0 && block[at + 12] === 0) break;
    regions.push({ offset: numberField(block, at, 12), length: numberField(block, at + 12, 12) });
  }
  return { regions, more: block[flagAt] !== 0 };
}

/** The real size in a header of GNU's old format. */
export function gnuRealSize(block: Buffer): number {
  return numberField(block, 483, 12);
}

/**
 * Reads the map that pax format 1.0 puts in front of the body: the number of regions, then offset and length of each,
 * a line each, filled up to whole blocks.
 */
export class SparseMapReader {
  readonly #numbers: number[] = [];
  #line = '';
  #bytes = 0;

  /** @returns the regions once the map is complete. @throws `tar/invalid` */
  push(block: Buffer): SparseRegion[] | undefined {
    this.#bytes += block.length;
    if (this.#bytes > maxMapBytes) throw invalidTar('a sparse map of more than 1 MiB');
    const lines = (this.#line + block.toString('latin1')).split('\n');
    this.#line = lines.pop() ?? '';
    for (const line of lines) {
      if (this.#isComplete()) break; // what fills the last block up
      if (!/^\d{1,16}$/.test(line)) throw invalidTar('a sparse map that is not one');
      this.#numbers.push(Number(line));
    }
    if (!this.#isComplete()) return undefined;
    return Array.from({ length: this.#numbers[0] ?? 0 }, (_, index) => ({
      offset: this.#numbers[1 + 2 * index] ?? NaN,
      length: this.#numbers[2 + 2 * index] ?? NaN,
    }));
  }

  get bytes(): number {
    return this.#bytes;
  }

  #isComplete(): boolean {
    const count = this.#numbers[0];
    return count !== undefined && this.#numbers.length > 2 * count;
  }
}

/** Checks that regions ascend, do not overlap, end within the file and hold exactly the stored bytes. @throws `tar/invalid` */
export function checkSparse(
  regions: readonly SparseRegion[],
  realSize: number,
  storedBytes: number,
  path: string,
): void {
  let end = 0;
  let total = 0;
  for (const { offset, length } of regions) {
    if (!Number.isSafeInteger(offset) || !Number.isSafeInteger(length) || offset < end) {
      throw invalidTar('a sparse map out of order', path);
    }
    end = offset + length;
    total += length;
  }
  if (end > realSize || total !== storedBytes) throw invalidTar('a sparse map that does not fit its file', path);
}
