import { blockBytes, invalidTar, paddingAfter, type SparseRegion, type TarEntry, type TarType } from './entry.js';
import { isZeroBlock, parseHeader, type RawHeader } from './header.js';
import { decodeName } from './names.js';
import { parsePax, type PaxRecords } from './pax.js';
import { checkSparse, gnuRealSize, parseGnuSparse, SparseMapReader } from './sparse.js';

/** Receives an archive in its order. Chunks are only valid during the call. */
export interface TarSink {
  entry(entry: TarEntry): void;
  /** Content of the last entry; for a sparse file only its regions. */
  body(chunk: Buffer): void;
  endEntry(): void;
  /** Every byte that is not body: headers, padding and what follows the end. With the bodies in between, it is the archive. */
  raw?(chunk: Buffer): void;
}

const maxMetadataBytes = 1 << 20;
/** What may follow the end marker; writers pad to a record of a few KiB. */
const maxTrailingBytes = 64 << 20;
const typesByFlag: Readonly<Record<string, TarType>> = {
  '0': 'file',
  '7': 'file',
  '1': 'hardlink',
  '2': 'symlink',
  '3': 'character',
  '4': 'block',
  '5': 'directory',
  D: 'directory',
  '6': 'fifo',
  S: 'file',
};

type State =
  | { readonly kind: 'header' }
  | { readonly kind: 'metadata'; readonly flag: string; readonly size: number; readonly parts: Buffer[]; got: number }
  | {
      readonly kind: 'gnu-sparse';
      readonly header: RawHeader;
      readonly regions: SparseRegion[];
      readonly realSize: number;
    }
  | { readonly kind: 'sparse-map'; readonly header: RawHeader; readonly map: SparseMapReader }
  | { readonly kind: 'body'; left: number; readonly padding: number }
  | { readonly kind: 'skip'; left: number }
  | { readonly kind: 'end' };

/**
 * Reads ustar, pax and GNU archives as they come, chunk by chunk, without copying bodies and without waiting. Memory is
 * bounded by the largest name or attribute header, 1 MiB.
 * @throws `tar/invalid` from `push` and `end`
 */
export class TarParser {
  readonly #sink: TarSink;
  #state: State = { kind: 'header' };
  /** The beginning of a block that a chunk cut in two. */
  readonly #block = Buffer.alloc(blockBytes);
  #held = 0;
  #zeroBlocks = 0;
  #trailing = 0;
  #pax: PaxRecords | undefined;
  #longName: string | undefined;
  #longLink: string | undefined;

  constructor(sink: TarSink) {
    this.#sink = sink;
  }

  push(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) {
      const state = this.#state;
      if (state.kind === 'body' || state.kind === 'skip') {
        const length = Math.min(state.left, chunk.length - at);
        const part = chunk.subarray(at, at + length);
        at += length;
        state.left -= length;
        if (state.kind === 'body') this.#sink.body(part);
        else this.#sink.raw?.(part);
        if (state.left === 0) this.#afterBody(state);
      } else if (state.kind === 'end') {
        this.#trailing += chunk.length - at;
        if (this.#trailing > maxTrailingBytes) throw invalidTar(`more than ${maxTrailingBytes} bytes follow its end`);
        this.#sink.raw?.(chunk.subarray(at));
        return;
      } else if (this.#held === 0 && chunk.length - at >= blockBytes) {
        const block = chunk.subarray(at, at + blockBytes);
        at += blockBytes;
        this.#takeBlock(block);
      } else {
        const length = Math.min(blockBytes - this.#held, chunk.length - at);
        chunk.copy(this.#block, this.#held, at, at + length);
        at += length;
        this.#held += length;
        if (this.#held < blockBytes) return;
        this.#held = 0;
        this.#takeBlock(this.#block);
      }
    }
  }

  /** Says that no more bytes come. A missing end marker is accepted, as everywhere. */
  end(): void {
    const between = this.#state.kind === 'header' && this.#held === 0 && !this.#hasMetadata();
    if (!between && this.#state.kind !== 'end') throw invalidTar('it ends in the middle of an entry');
  }

  #hasMetadata(): boolean {
    return this.#pax !== undefined || this.#longName !== undefined || this.#longLink !== undefined;
  }

  #takeBlock(block: Buffer): void {
    this.#sink.raw?.(block);
    const state = this.#state;
    switch (state.kind) {
      case 'header':
        this.#takeHeader(block);
        return;
      case 'metadata':
        this.#takeMetadata(state, block);
        return;
      case 'gnu-sparse': {
        const { regions, more } = parseGnuSparse(block, 'extension');
        for (const region of regions) state.regions.push(region);
        if (state.regions.length > maxMetadataBytes / 16) throw invalidTar('a sparse map of too many regions');
        if (!more)
          this.#beginFile(state.header, {
            regions: state.regions,
            realSize: state.realSize,
            stored: state.header.size,
          });
        return;
      }
      case 'sparse-map': {
        const regions = state.map.push(block);
        if (regions === undefined) return;
        const stored = this.#bodySize(state.header) - state.map.bytes;
        const realSize = this.#pax?.sparse?.realSize ?? stored;
        this.#beginFile(state.header, { regions, realSize, stored });
        return;
      }
      case 'body':
      case 'skip':
      case 'end':
        throw new Error('bug: a block inside a body');
    }
  }

  #takeHeader(block: Buffer): void {
    if (isZeroBlock(block)) {
      if (this.#hasMetadata()) throw invalidTar('it ends after an extended header');
      this.#zeroBlocks += 1;
      if (this.#zeroBlocks === 2) this.#state = { kind: 'end' };
      return;
    }
    if (this.#zeroBlocks > 0) throw invalidTar('a lone zero block');
    const header = parseHeader(block);
    if ('xXgLK'.includes(header.typeFlag)) {
      if (header.size < 0 || header.size > maxMetadataBytes) throw invalidTar('an extended header of more than 1 MiB');
      this.#state = { kind: 'metadata', flag: header.typeFlag, size: header.size, parts: [], got: 0 };
      if (header.size === 0) this.#endMetadata(header.typeFlag, Buffer.alloc(0));
      return;
    }
    if (header.typeFlag === 'V') return; // the volume's label
    this.#takeEntry(header, block);
  }

  #takeMetadata(state: State & { kind: 'metadata' }, block: Buffer): void {
    state.parts.push(Buffer.from(block));
    state.got += blockBytes;
    if (state.got >= state.size) this.#endMetadata(state.flag, Buffer.concat(state.parts).subarray(0, state.size));
  }

  #endMetadata(flag: string, body: Buffer): void {
    this.#state = { kind: 'header' };
    if (flag === 'x' || flag === 'X') this.#pax = parsePax(body);
    else if (flag === 'L') this.#longName = untilNul(body);
    else if (flag === 'K') this.#longLink = untilNul(body);
    // 'g' speaks of the whole archive (git writes a commit there); no container tool applies it to entries.
  }

  #takeEntry(header: RawHeader, block: Buffer): void {
    const type = typesByFlag[header.typeFlag];
    if (type === undefined)
      throw invalidTar(`an entry of unknown type ${JSON.stringify(header.typeFlag)}`, header.name);
    if (header.typeFlag === 'S') {
      const { regions, more } = parseGnuSparse(block, 'header');
      const realSize = gnuRealSize(block);
      if (more) this.#state = { kind: 'gnu-sparse', header, regions: [...regions], realSize };
      else this.#beginFile(header, { regions, realSize, stored: header.size });
      return;
    }
    const sparse = this.#pax?.sparse;
    if (type !== 'file' || sparse === undefined) {
      this.#begin(type, header, undefined);
    } else if (sparse.mapInBody === true) {
      if (this.#bodySize(header) < blockBytes) throw invalidTar('a sparse file without its map', this.#pathOf(header));
      this.#state = { kind: 'sparse-map', header, map: new SparseMapReader() };
    } else {
      const stored = this.#bodySize(header);
      this.#beginFile(header, { regions: sparse.regions, realSize: sparse.realSize ?? stored, stored });
    }
  }

  #beginFile(header: RawHeader, sparse: SparseFile): void {
    const path = this.#pathOf(header);
    if (sparse.stored < 0) throw invalidTar('a sparse map longer than its entry', path);
    checkSparse(sparse.regions, sparse.realSize, sparse.stored, path);
    this.#begin('file', header, sparse);
  }

  #begin(type: TarType, header: RawHeader, sparse: SparseFile | undefined): void {
    const pax = this.#pax ?? {};
    const path = this.#pathOf(header);
    // Before ustar a directory was a file whose name ends in a slash.
    const actual = type === 'file' && path.endsWith('/') ? 'directory' : type;
    // Some writers state a size for links and directories, but no body follows; only a file has one.
    const stored = actual === 'file' ? (sparse?.stored ?? this.#bodySize(header)) : 0;
    if (stored < 0) throw invalidTar('a negative size', path);
    if (path === '' || path.includes('\0')) throw invalidTar('an entry without a name');
    const linkPath = pax.linkPath ?? this.#longLink ?? header.linkName;
    const entry: TarEntry = {
      type: actual,
      path,
      mode: header.mode & 0o7777,
      uid: pax.uid ?? header.uid,
      gid: pax.gid ?? header.gid,
      sizeBytes: sparse?.realSize ?? stored,
      mtimeNs: pax.mtimeNs ?? BigInt(header.mtimeSeconds) * 1_000_000_000n,
      userName: pax.userName ?? header.userName,
      groupName: pax.groupName ?? header.groupName,
      ...(actual === 'hardlink' || actual === 'symlink' ? { linkPath } : {}),
      ...(actual === 'character' || actual === 'block' ? { major: header.major, minor: header.minor } : {}),
      ...(pax.xattrs === undefined ? {} : { xattrs: pax.xattrs }),
      ...(sparse === undefined ? {} : { sparse: sparse.regions }),
    };
    this.#pax = this.#longName = this.#longLink = undefined;
    this.#sink.entry(entry);
    const body: State & { kind: 'body' } = { kind: 'body', left: stored, padding: paddingAfter(stored) };
    this.#state = body;
    if (stored === 0) this.#afterBody(body);
  }

  #afterBody(state: State & { kind: 'body' | 'skip' }): void {
    if (state.kind === 'body') {
      this.#sink.endEntry();
      if (state.padding > 0) {
        this.#state = { kind: 'skip', left: state.padding };
        return;
      }
    }
    this.#state = { kind: 'header' };
  }

  #bodySize(header: RawHeader): number {
    return this.#pax?.size ?? header.size;
  }

  #pathOf(header: RawHeader): string {
    return this.#pax?.sparse?.name ?? this.#pax?.path ?? this.#longName ?? header.name;
  }
}

interface SparseFile {
  readonly regions: readonly SparseRegion[];
  readonly realSize: number;
  readonly stored: number;
}

function untilNul(body: Buffer): string {
  const end = body.indexOf(0);
  return decodeName(end < 0 ? body : body.subarray(0, end));
}
