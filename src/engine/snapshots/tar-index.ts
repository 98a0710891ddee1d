import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type { SparseRegion } from '../../base/tar/entry.js';
import { decodeName, encodeName } from '../../base/tar/names.js';

/**
 * A layer's tar without its file contents: with the unpacked files it gives the same bytes again, whoever wrote that tar.
 * The file is a row of blocks (deflated length, plain length, deflated bytes) over a row of records.
 */
export type IndexRecord =
  | { readonly kind: 'raw'; readonly bytes: Buffer }
  /** The content of the file at `path` in the layer, in order, or its regions. `sizeBytes` is what the tar holds. */
  | {
      readonly kind: 'body';
      readonly path: string;
      readonly sizeBytes: number;
      readonly sparse: readonly SparseRegion[] | undefined;
    };

const rawTag = 1;
const bodyTag = 2;
const sparseTag = 3;
const blockTarget = 128 * 1024;

export class TarIndexWriter {
  readonly #fd: number;
  #parts: Buffer[] = [];
  #length = 0;
  /** Raw bytes come in small pieces and are joined into one record. */
  #raw: Buffer[] = [];
  #rawLength = 0;

  constructor(path: string) {
    this.#fd = openSync(path, 'wx', 0o600);
  }

  raw(bytes: Buffer): void {
    this.#raw.push(Buffer.from(bytes));
    this.#rawLength += bytes.length;
    if (this.#rawLength >= blockTarget) this.#flushRaw();
  }

  body(path: string, sizeBytes: number, sparse?: readonly SparseRegion[]): void {
    this.#flushRaw();
    const name = encodeName(path);
    const head = Buffer.alloc(13);
    head.writeUInt8(sparse === undefined ? bodyTag : sparseTag, 0);
    head.writeUInt32BE(name.length, 1);
    head.writeBigUInt64BE(BigInt(sizeBytes), 5);
    this.#add(head);
    this.#add(name);
    if (sparse === undefined) return;
    const regions = Buffer.alloc(4 + 16 * sparse.length);
    regions.writeUInt32BE(sparse.length, 0);
    sparse.forEach(({ offset, length }, index) => {
      regions.writeBigUInt64BE(BigInt(offset), 4 + 16 * index);
      regions.writeBigUInt64BE(BigInt(length), 12 + 16 * index);
    });
    this.#add(regions);
  }

  end(): void {
    this.#flushRaw();
    this.#flushBlock();
    this.close();
  }

  close(): void {
    if (!this.#closed) closeSync(this.#fd);
    this.#closed = true;
  }

  #closed = false;

  #flushRaw(): void {
    if (this.#rawLength === 0) return;
    const head = Buffer.alloc(5);
    head.writeUInt8(rawTag, 0);
    head.writeUInt32BE(this.#rawLength, 1);
    const parts = this.#raw;
    this.#raw = [];
    this.#rawLength = 0;
    this.#add(head);
    for (const part of parts) this.#add(part);
  }

  #add(bytes: Buffer): void {
    this.#parts.push(bytes);
    this.#length += bytes.length;
    if (this.#length >= blockTarget) this.#flushBlock();
  }

  #flushBlock(): void {
    if (this.#length === 0) return;
    const plain = Buffer.concat(this.#parts);
    this.#parts = [];
    this.#length = 0;
    const deflated = deflateRawSync(plain, { level: 1 });
    const head = Buffer.alloc(8);
    head.writeUInt32BE(deflated.length, 0);
    head.writeUInt32BE(plain.length, 4);
    writeSync(this.#fd, head);
    writeSync(this.#fd, deflated);
  }
}

/** Reads an index a block at a time. @throws Error when the file is cut short */
export function* readTarIndex(path: string): Generator<IndexRecord, void, undefined> {
  let held: Buffer = Buffer.alloc(0);
  for (const block of readBlocks(path)) {
    held = held.length === 0 ? block : Buffer.concat([held, block]);
    for (let next = parseRecord(held); next !== undefined; next = parseRecord(held)) {
      yield next.record;
      held = held.subarray(next.length);
    }
  }
  if (held.length > 0) throw new Error(`the index ${path} is cut short`);
}

function* readBlocks(path: string): Generator<Buffer, void, undefined> {
  const fd = openSync(path, 'r');
  try {
    for (;;) {
      const head = readFully(fd, 8);
      if (head.length === 0) return;
      const deflated = head.length < 8 ? head : readFully(fd, head.readUInt32BE(0));
      if (head.length < 8 || deflated.length < head.readUInt32BE(0)) throw new Error(`the index ${path} is cut short`);
      yield inflateRawSync(deflated, { maxOutputLength: head.readUInt32BE(4) });
    }
  } finally {
    closeSync(fd);
  }
}

function readFully(fd: number, length: number): Buffer {
  const buffer = Buffer.alloc(length);
  let got = 0;
  while (got < length) {
    const count = readSync(fd, buffer, got, length - got, null);
    if (count === 0) break;
    got += count;
  }
  return buffer.subarray(0, got);
}

/** The first record of `bytes` and its length; undefined when it is not all there yet. */
function parseRecord(bytes: Buffer): { record: IndexRecord; length: number } | undefined {
  if (bytes.length < 5) return undefined;
  const tag = bytes.readUInt8(0);
  const length = bytes.readUInt32BE(1);
  if (tag === rawTag) {
    if (bytes.length < 5 + length) return undefined;
    return { record: { kind: 'raw', bytes: bytes.subarray(5, 5 + length) }, length: 5 + length };
  }
  let end = 13 + length;
  if (bytes.length < end + (tag === sparseTag ? 4 : 0)) return undefined;
  const path = decodeName(bytes.subarray(13, end));
  const sizeBytes = Number(bytes.readBigUInt64BE(5));
  if (tag === bodyTag) return { record: { kind: 'body', path, sizeBytes, sparse: undefined }, length: end };
  const count = bytes.readUInt32BE(end);
  if (bytes.length < end + 4 + 16 * count) return undefined;
  const sparse: SparseRegion[] = [];
  for (let index = 0; index < count; index += 1) {
    const at = end + 4 + 16 * index;
    sparse.push({ offset: Number(bytes.readBigUInt64BE(at)), length: Number(bytes.readBigUInt64BE(at + 8)) });
  }
  end += 4 + 16 * count;
  return { record: { kind: 'body', path, sizeBytes, sparse }, length: end };
}
