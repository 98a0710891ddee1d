import { createHash, type Hash } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  type Stats,
  symlinkSync,
  writeSync,
} from 'node:fs';
import { type Digest, digestFromHex } from '../../base/digest.js';
import { bodyPadding, encodeHeader, endOfArchive } from '../../base/tar/encode.js';
import type { TarEntry } from '../../base/tar/entry.js';
import { fileName } from '../../base/tar/names.js';
import { readLink, readNames } from '../../base/tar/read-names.js';
import { lsetxattr, mknod, setTimes, splitDevice } from '../sys/index.js';
import { copyMetadata, isOverlayXattr, readXattrs } from './copy-metadata.js';
import type { LayerMode } from './extractor.js';
import { isMarker, isWhiteout } from './layer-tree.js';
import { TarIndexWriter } from './tar-index.js';

const readChunkBytes = 1 << 20;

export interface PackJob {
  readonly kind: 'pack';
  readonly sourceDir: string;
  /** An empty directory of the same file system; gets `diff` and `tar-index`. */
  readonly layerDir: string;
  readonly ownership: 'take' | 'copy';
  readonly newestMtime?: number | undefined;
  readonly mode: LayerMode;
}

export interface PackResult {
  readonly diffId: Digest;
  readonly sizeBytes: number;
  readonly tarBytes: number;
}

/**
 * Makes a layer of a directory in overlayfs' form. The tar it stands for is written to no file: only its hash is taken
 * and its headers kept. Names are in byte order, times whole seconds as other tools write them, so that the same tree
 * always has the same diffID.
 */
export function runPack(job: PackJob, signal: AbortSignal): PackResult {
  const diff = `${job.layerDir}/diff`;
  if (job.ownership === 'take') renameSync(job.sourceDir, diff);
  else mkdirSync(diff, 0o755);
  const index = new TarIndexWriter(`${job.layerDir}/tar-index`);
  try {
    const packer = new Packer(job, index, signal);
    packer.run(job.ownership === 'take' ? diff : job.sourceDir, job.ownership === 'take' ? undefined : diff);
    index.end();
    return { diffId: packer.diffId(), sizeBytes: packer.sizeBytes, tarBytes: packer.tarBytes };
  } finally {
    index.close();
  }
}

class Packer {
  sizeBytes = 0;
  tarBytes = 0;
  readonly #job: PackJob;
  readonly #index: TarIndexWriter;
  readonly #signal: AbortSignal;
  readonly #hash: Hash = createHash('sha256');
  readonly #chunk = Buffer.alloc(readChunkBytes);
  /** `dev:ino` → path of the first name. */
  readonly #links = new Map<string, string>();
  #source = '';
  #copy: string | undefined;

  constructor(job: PackJob, index: TarIndexWriter, signal: AbortSignal) {
    this.#job = job;
    this.#index = index;
    this.#signal = signal;
  }

  /** @param copy - where the tree is copied to on the way */
  run(source: string, copy: string | undefined): void {
    this.#source = source;
    this.#copy = copy;
    const root = lstatSync(source);
    this.#directory('');
    if (copy !== undefined) {
      copyMetadata(source, root, copy);
      this.#copyTimes(root, copy);
    }
    this.#emit(endOfArchive);
  }

  diffId(): Digest {
    return digestFromHex(this.#hash.digest('hex'));
  }

  #directory(relative: string): void {
    this.#signal.throwIfAborted();
    for (const name of readNames(this.#at(relative))) {
      const path = relative === '' ? name : `${relative}/${name}`;
      if (!isMarker(name)) this.#entry(path);
      else if (this.#copy === undefined) rmSync(fileName(this.#at(path)));
    }
  }

  #entry(relative: string): void {
    const path = this.#at(relative);
    const stats = lstatSync(fileName(path));
    if (isWhiteout(stats)) {
      this.#whiteout(relative, stats);
      return;
    }
    if (stats.isSocket()) {
      if (this.#copy === undefined) rmSync(fileName(path)); // no tar can hold one
      return;
    }
    const linkKey = `${stats.dev}:${stats.ino}`;
    const first = stats.isDirectory() || stats.nlink < 2 ? undefined : this.#links.get(linkKey);
    const entry = this.#describe(relative, stats, first);
    if (first === undefined && stats.nlink > 1 && !stats.isDirectory()) this.#links.set(linkKey, relative);
    if (entry.type === 'file') {
      this.#file(entry, stats);
      return;
    }
    this.#emit(encodeHeader(entry));
    if (entry.type === 'symlink') this.sizeBytes += stats.size;
    if (this.#copy !== undefined) this.#makeCopy(entry, stats, first);
    if (entry.type !== 'directory') return;
    if (this.#opaque(relative)) this.#whiteout(`${relative}/.wh..opq`, stats);
    this.#directory(relative);
    this.#finishTimes(relative, stats);
  }

  #describe(relative: string, stats: Stats, hardLinkTo: string | undefined): TarEntry {
    const type = hardLinkTo === undefined ? typeOf(stats) : 'hardlink';
    const isLink = type === 'symlink';
    const isDevice = type === 'character' || type === 'block';
    const xattrs = type === 'hardlink' ? undefined : this.#archivedXattrs(relative);
    return {
      type,
      path: relative,
      mode: isLink ? 0o777 : stats.mode & 0o7777,
      uid: stats.uid,
      gid: stats.gid,
      sizeBytes: type === 'file' ? stats.size : 0,
      mtimeNs: BigInt(this.#seconds(stats)) * 1_000_000_000n,
      ...(hardLinkTo === undefined ? {} : { linkPath: hardLinkTo }),
      ...(isLink ? { linkPath: this.#linkTarget(relative) } : {}),
      ...(isDevice ? splitDevice(stats.rdev) : {}),
      ...(xattrs === undefined ? {} : { xattrs }),
    };
  }

  #linkTarget(relative: string): string {
    return readLink(this.#at(relative));
  }

  #archivedXattrs(relative: string): Map<string, Buffer> | undefined {
    const all = readXattrs(this.#at(relative));
    for (const name of all.keys()) {
      const isKept = name === 'security.capability' || name.startsWith('user.');
      if (!isKept || isOverlayXattr(name)) all.delete(name);
    }
    return all.size === 0 ? undefined : all;
  }

  #opaque(relative: string): boolean {
    return readXattrs(this.#at(relative)).get(this.#job.mode.opaqueXattr)?.toString() === 'y';
  }

  /** A device 0/0 at `relative`, or with the name `.wh..opq` an opaque directory, as an entry of the image format. */
  #whiteout(relative: string, stats: Stats): void {
    const slash = relative.lastIndexOf('/') + 1;
    this.#emit(
      encodeHeader({
        type: 'file',
        path: `${relative.slice(0, slash)}.wh.${relative.slice(slash)}`,
        mode: stats.isDirectory() ? stats.mode & 0o7777 : 0,
        uid: stats.uid,
        gid: stats.gid,
        sizeBytes: 0,
        mtimeNs: BigInt(this.#seconds(stats)) * 1_000_000_000n,
      }),
    );
    if (this.#copy !== undefined && !stats.isDirectory()) {
      mknod(fileName(`${this.#copy}/${relative}`), constants.S_IFCHR, 0, 0);
    }
  }

  /** A file that changes its length meanwhile is cut or filled up with zeros: the header has been written. */
  #file(entry: TarEntry, stats: Stats): void {
    const path = this.#at(entry.path);
    const input = openSync(fileName(path), constants.O_RDONLY | constants.O_NOFOLLOW);
    let output: number | undefined;
    try {
      const { size } = fstatSync(input);
      const actual = this.#copy === undefined ? { ...entry, sizeBytes: size } : entry;
      this.#emit(encodeHeader(actual));
      if (this.#copy !== undefined) output = openSync(fileName(`${this.#copy}/${entry.path}`), 'wx', 0o600);
      this.#content(input, output, actual, stats.blocks * 512 < stats.size);
    } finally {
      closeSync(input);
      if (output !== undefined) closeSync(output);
    }
    if (this.#copy !== undefined) copyMetadata(path, stats, `${this.#copy}/${entry.path}`);
    this.#finishTimes(entry.path, stats);
  }

  #content(input: number, output: number | undefined, { path, sizeBytes }: TarEntry, sparse: boolean): void {
    if (sizeBytes > 0) this.#index.body(path, sizeBytes);
    for (let at = 0; at < sizeBytes;) {
      const wanted = Math.min(this.#chunk.length, sizeBytes - at);
      const got = readSync(input, this.#chunk, 0, wanted, at);
      if (got === 0) this.#chunk.fill(0, 0, wanted);
      const bytes = this.#chunk.subarray(0, got === 0 ? wanted : got);
      this.#hash.update(bytes);
      if (output !== undefined && !(sparse && isZero(bytes))) writeSync(output, bytes, 0, bytes.length, at);
      at += bytes.length;
      this.#signal.throwIfAborted();
    }
    if (output !== undefined) ftruncateSync(output, sizeBytes);
    this.tarBytes += sizeBytes;
    this.sizeBytes += sizeBytes;
    this.#emit(bodyPadding(sizeBytes));
  }

  #makeCopy(entry: TarEntry, stats: Stats, hardLinkTo: string | undefined): void {
    const target = `${this.#copy ?? ''}/${entry.path}`;
    const name = fileName(target);
    if (hardLinkTo !== undefined) {
      linkSync(fileName(`${this.#copy ?? ''}/${hardLinkTo}`), name);
      return;
    }
    if (entry.type === 'directory') {
      mkdirSync(name, 0o700);
      if (this.#opaque(entry.path)) lsetxattr(name, this.#job.mode.opaqueXattr, Buffer.from('y'));
    } else if (entry.type === 'symlink') symlinkSync(fileName(entry.linkPath ?? ''), name);
    else mknod(name, stats.mode, entry.major ?? 0, entry.minor ?? 0);
    copyMetadata(this.#at(entry.path), stats, target);
    if (entry.type !== 'directory') this.#finishTimes(entry.path, stats);
  }

  /** The layer's files get the times that its tar says, where that one was told to differ. */
  #finishTimes(relative: string, stats: Stats): void {
    if (this.#copy !== undefined) this.#copyTimes(stats, `${this.#copy}/${relative}`);
    else if (this.#isTooNew(stats)) this.#copyTimes(stats, this.#at(relative));
  }

  #copyTimes(stats: Stats, target: string): void {
    const { newestMtime } = this.#job;
    const mtimeNs =
      newestMtime !== undefined && this.#isTooNew(stats)
        ? BigInt(newestMtime) * 1_000_000_000n
        : BigInt(Math.round(stats.mtimeMs * 1_000)) * 1_000n;
    setTimes(fileName(target), { mtimeNs });
  }

  #isTooNew(stats: Stats): boolean {
    return this.#job.newestMtime !== undefined && stats.mtimeMs > this.#job.newestMtime * 1_000;
  }

  #seconds(stats: Stats): number {
    const seconds = Math.floor(stats.mtimeMs / 1_000);
    return Math.min(seconds, this.#job.newestMtime ?? seconds);
  }

  #emit(bytes: Buffer): void {
    this.#hash.update(bytes);
    this.#index.raw(bytes);
    this.tarBytes += bytes.length;
  }

  #at(relative: string): string {
    return relative === '' ? this.#source : `${this.#source}/${relative}`;
  }
}

function typeOf(stats: Stats): TarEntry['type'] {
  if (stats.isFile()) return 'file';
  if (stats.isDirectory()) return 'directory';
  if (stats.isSymbolicLink()) return 'symlink';
  if (stats.isFIFO()) return 'fifo';
  return stats.isBlockDevice() ? 'block' : 'character';
}

function isZero(bytes: Buffer): boolean {
  return bytes[0] === 0 && bytes.compare(bytes, 1, bytes.length, 0, bytes.length - 1) === 0;
}
