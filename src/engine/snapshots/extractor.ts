import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  ftruncateSync,
  lchownSync,
  linkSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statfsSync,
  symlinkSync,
  writeSync,
} from 'node:fs';
import type { TarEntry } from '../../base/tar/entry.js';
import { encodeName, fileName } from '../../base/tar/names.js';
import type { TarSink } from '../../base/tar/parser.js';
import { lsetxattr, mknod, setTimes, sysErrno } from '../sys/index.js';
import { isOverlayXattr } from './copy-metadata.js';
import { badArchive, escapesRoot, noSpace } from './failures.js';
import { isWhiteout, LayerTree, pathParts } from './layer-tree.js';
import type { TarIndexWriter } from './tar-index.js';

/** What differs between an engine run by root and one inside a user namespace. */
export interface LayerMode {
  /** `trusted.overlay.opaque`, or `user.overlay.opaque` for mounts with `userxattr`. */
  readonly opaqueXattr: string;
  /** Device nodes other than whiteouts cannot be made in a user namespace. */
  readonly devices: 'make' | 'skip';
}

const whiteoutPrefix = '.wh.';
const opaqueMarker = '.wh..wh..opq';
const auFsPrefix = '.wh..wh.'; // other bookkeeping of aufs, of no meaning to anyone else
const maxEntries = 20_000_000;
/**
 * Names of directories and whiteouts are remembered until the layer is whole, and one entry can imply two thousand
 * directories, so that memory must have an end of its own: a million directories with names of 100 bytes fit.
 */
const maxNamesBytes = 160 << 20;
const bytesBesideName = 64; // of an entry in a map
const maxDirectoriesReplaced = 1_000; // each looks through all files so far
const spaceCheckBytes = 128 << 20;
const spaceKeptBytes = 32 << 20;

/**
 * Writes the entries of one layer's tar into an empty directory in overlayfs' form: whiteouts become devices 0/0, opaque
 * directories get their attribute (OCI image-spec, layer.md, "Whiteouts"). Nothing is ever written outside.
 * @throws `layer/escapes-root`, `layer/bad-archive`, `layer/no-space` from the sink's functions
 */
export class LayerExtractor implements TarSink {
  /** Directories the tar did not have an entry for; they are to look as they do in the layers below. */
  readonly implicit = new Set<string>();
  /** Devices 0/0 made here; one that hides nothing below would be seen in a directory that only this layer has. */
  readonly whiteouts: string[] = [];
  /** Body number → where that file went (relative to the layer's directory) when a later entry took its place. */
  readonly moved: Record<number, string> = {};
  /** Content of regular files and of links, as stat(2) has it. */
  sizeBytes = 0;

  readonly #tree: LayerTree;
  readonly #layerDir: string;
  readonly #mode: LayerMode;
  readonly #index: TarIndexWriter;
  readonly #directoryTimes = new Map<string, bigint>();
  /** Resolved path → number of its body in the index. */
  readonly #bodies = new Map<string, number>();
  #bodyCount = 0;
  #entries = 0;
  #namesBytes = 0;
  #directoriesReplaced = 0;
  #sinceSpaceCheck = 0;
  #file: OpenFile | undefined;

  /** @param layerDir - holds an empty `diff`; `extra` is made in it when needed */
  constructor(layerDir: string, index: TarIndexWriter, mode: LayerMode) {
    this.#layerDir = layerDir;
    this.#index = index;
    this.#mode = mode;
    this.#tree = new LayerTree(`${layerDir}/diff`, {
      implicit: (relative) => {
        this.#remember(relative);
        this.implicit.add(relative);
      },
      overWhiteout: (relative) => this.#directoryOverWhiteout(relative),
    });
  }

  raw(bytes: Buffer): void {
    this.#index.raw(bytes);
  }

  entry(entry: TarEntry): void {
    this.#entries += 1;
    if (this.#entries > maxEntries) throw badArchive(`more than ${maxEntries} entries`);
    const parts = pathParts(entry.path);
    const name = parts.pop();
    if (name === undefined) this.#root(entry);
    else if (name.startsWith(whiteoutPrefix)) this.#whiteout(entry, parts, name);
    else this.#place(entry, parts, name);
  }

  body(chunk: Buffer): void {
    if (this.#file === undefined) {
      this.#index.raw(chunk); // content of something that is no file here; only the tar's hash needs it
      return;
    }
    this.#sinceSpaceCheck += chunk.length;
    if (this.#sinceSpaceCheck >= spaceCheckBytes) this.#checkSpace();
    writeRegions(this.#file, chunk);
  }

  endEntry(): void {
    const file = this.#file;
    if (file === undefined) return;
    this.#file = undefined;
    try {
      fchownSync(file.fd, file.entry.uid, file.entry.gid);
      fchmodSync(file.fd, file.entry.mode); // after chown, which clears setuid
    } finally {
      closeSync(file.fd);
    }
    const path = this.#tree.at(file.relative);
    this.#applyXattrs(path, file.entry); // after chown, which clears capabilities
    setTimes(path, { mtimeNs: file.entry.mtimeNs });
  }

  /** To be called after the last entry. */
  finish(): void {
    for (const [relative, mtimeNs] of [...this.#directoryTimes].reverse()) {
      const found = this.#tree.stat(relative);
      if (found?.isDirectory() === true) setTimes(this.#tree.at(relative), { mtimeNs });
    }
  }

  /** Closes what is open; for a failure half way. */
  abandon(): void {
    if (this.#file !== undefined) closeSync(this.#file.fd);
    this.#file = undefined;
  }

  #root(entry: TarEntry): void {
    if (entry.type !== 'directory') throw badArchive(`a ${entry.type} in place of the root`, entry.path);
    this.#directoryMetadata('', entry);
  }

  #place(entry: TarEntry, parents: readonly string[], name: string): void {
    const parent = this.#tree.directory(parents, entry.path);
    const relative = parent === '' ? name : `${parent}/${name}`;
    switch (entry.type) {
      case 'file':
        this.#openFile(entry, relative);
        return;
      case 'directory':
        this.#directory(entry, relative);
        return;
      case 'hardlink':
        this.#hardLink(entry, relative);
        return;
      case 'symlink':
        this.#make(relative, (path) => symlinkSync(fileName(entry.linkPath ?? ''), path));
        this.sizeBytes += encodeName(entry.linkPath ?? '').length;
        this.#nodeMetadata(entry, relative);
        return;
      case 'character':
      case 'block':
        if (this.#mode.devices === 'skip') return;
        this.#node(entry, relative, entry.type === 'block' ? constants.S_IFBLK : constants.S_IFCHR);
        return;
      case 'fifo':
        this.#node(entry, relative, constants.S_IFIFO);
        return;
    }
  }

  #openFile(entry: TarEntry, relative: string): void {
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
    const fd = this.#make(relative, (path) => openSync(path, flags, 0o600));
    this.#file = { fd, entry, relative, region: 0, at: 0 };
    this.sizeBytes += entry.sizeBytes;
    if (entry.sparse !== undefined) ftruncateSync(fd, entry.sizeBytes);
    const stored = entry.sparse?.reduce((sum, { length }) => sum + length, 0) ?? entry.sizeBytes;
    if (stored === 0) return;
    this.#index.body(relative, stored, entry.sparse);
    this.#bodies.set(relative, this.#bodyCount);
    this.#bodyCount += 1;
  }

  #directory(entry: TarEntry, relative: string): void {
    const found = this.#tree.stat(relative);
    if (found === undefined) {
      mkdirSync(this.#tree.at(relative), 0o700);
      this.#tree.made(relative);
    } else if (isWhiteout(found)) {
      this.#directoryOverWhiteout(relative);
    } else if (!found.isDirectory()) {
      this.#clear(relative);
      mkdirSync(this.#tree.at(relative), 0o700);
    }
    this.#directoryMetadata(relative, entry);
  }

  #directoryMetadata(relative: string, entry: TarEntry): void {
    const path = this.#tree.at(relative);
    lchownSync(path, entry.uid, entry.gid);
    chmodSync(path, entry.mode);
    this.#applyXattrs(path, entry);
    this.implicit.delete(relative);
    if (!this.#directoryTimes.has(relative)) this.#remember(relative);
    this.#directoryTimes.set(relative, entry.mtimeNs); // what is written into it later would change it
  }

  #hardLink(entry: TarEntry, relative: string): void {
    const parts = pathParts(entry.linkPath ?? '');
    const name = parts.pop();
    const parent = this.#tree.existingDirectory(parts, entry.path);
    const target = name === undefined ? undefined : parent === '' ? name : `${parent ?? ''}/${name}`;
    const found = target === undefined || parent === undefined ? undefined : this.#tree.stat(target);
    if (target === undefined || found === undefined || found.isDirectory()) {
      throw badArchive(`there is no file ${entry.linkPath ?? ''} in this layer to link to`, entry.path);
    }
    if (target === relative) return;
    this.#make(relative, (path) => linkSync(this.#tree.at(target), path));
  }

  #node(entry: TarEntry, relative: string, type: number): void {
    this.#make(relative, (path) => mknod(path, type | 0o600, entry.major ?? 0, entry.minor ?? 0));
    this.#nodeMetadata(entry, relative);
  }

  #nodeMetadata(entry: TarEntry, relative: string): void {
    const path = this.#tree.at(relative);
    lchownSync(path, entry.uid, entry.gid);
    if (entry.type !== 'symlink') chmodSync(path, entry.mode);
    this.#applyXattrs(path, entry);
    setTimes(path, { mtimeNs: entry.mtimeNs });
  }

  #whiteout(entry: TarEntry, parents: readonly string[], name: string): void {
    if (name !== opaqueMarker && name.startsWith(auFsPrefix)) return;
    const parent = this.#tree.directory(parents, entry.path);
    if (name === opaqueMarker) {
      this.#setOpaque(parent);
      return;
    }
    const hidden = name.slice(whiteoutPrefix.length);
    if (hidden === '' || hidden === '.' || hidden === '..') throw escapesRoot(entry.path);
    const relative = parent === '' ? hidden : `${parent}/${hidden}`;
    const found = this.#tree.stat(relative);
    // A whiteout speaks of lower layers only: what this layer itself has at that name stays.
    if (found === undefined) {
      mknod(this.#tree.at(relative), constants.S_IFCHR, 0, 0);
      this.#remember(relative);
      this.whiteouts.push(relative);
    } else if (found.isDirectory()) {
      this.#setOpaque(relative);
    }
  }

  #directoryOverWhiteout(relative: string): void {
    rmSync(this.#tree.at(relative));
    mkdirSync(this.#tree.at(relative), 0o755);
    this.#setOpaque(relative);
    this.#tree.made(relative);
  }

  #setOpaque(relative: string): void {
    lsetxattr(this.#tree.at(relative), this.#mode.opaqueXattr, Buffer.from('y'));
  }

  /** Runs `create`, which must not replace anything, and once more after clearing the way. */
  #make<Result>(relative: string, create: (path: string | Buffer) => Result): Result {
    const path = this.#tree.at(relative);
    try {
      return create(path);
    } catch (error) {
      if (sysErrno(error) !== 'EEXIST') throw error;
    }
    this.#clear(relative);
    return create(path);
  }

  /** Takes an earlier entry away; file contents are kept aside, for without them the tar could not be written again. */
  #clear(relative: string): void {
    const found = this.#tree.stat(relative);
    const bodies = found?.isDirectory() === true ? this.#bodiesBelow(relative) : this.#bodyAt(relative);
    const path = this.#tree.at(relative);
    if (bodies.length === 0) {
      rmSync(path, { recursive: true, force: true });
    } else {
      const extra = `extra/${this.#entries}`;
      mkdirSync(`${this.#layerDir}/extra`, { recursive: true, mode: 0o700 });
      renameSync(path, `${this.#layerDir}/${extra}`);
      for (const [old, number] of bodies) {
        this.#bodies.delete(old);
        this.moved[number] = `${extra}${old.slice(relative.length)}`;
      }
    }
    if (found?.isDirectory() === true || found?.isSymbolicLink() === true) this.#tree.forget();
  }

  /** Counts a name that stays in memory; as often as it is put into one of our maps. */
  #remember(relative: string): void {
    this.#namesBytes += relative.length + bytesBesideName;
    if (this.#namesBytes > maxNamesBytes) throw badArchive('its names take too much memory');
  }

  #bodyAt(relative: string): [string, number][] {
    const number = this.#bodies.get(relative);
    return number === undefined ? [] : [[relative, number]];
  }

  #bodiesBelow(relative: string): [string, number][] {
    this.#directoriesReplaced += 1;
    if (this.#directoriesReplaced > maxDirectoriesReplaced) throw badArchive('too many directories are replaced');
    return [...this.#bodies].filter(([path]) => path.startsWith(`${relative}/`));
  }

  #applyXattrs(path: string | Buffer, entry: TarEntry): void {
    if (entry.xattrs === undefined) return;
    for (const [name, value] of entry.xattrs) {
      if (isOverlayXattr(name)) continue; // they redirect and hide paths; only we may set them
      try {
        lsetxattr(path, name, value);
      } catch (error) {
        // Not every file system keeps every attribute, and a user namespace may not set the security ones.
        if (!['ENOTSUP', 'EOPNOTSUPP', 'EPERM'].includes(sysErrno(error) ?? '')) throw error;
      }
    }
  }

  #checkSpace(): void {
    this.#sinceSpaceCheck = 0;
    const { bavail, bsize } = statfsSync(this.#layerDir);
    if (bavail * bsize >= spaceKeptBytes) return;
    throw noSpace();
  }
}

interface OpenFile {
  readonly fd: number;
  readonly entry: TarEntry;
  readonly relative: string;
  /** Of a sparse file: the region being written, and how much of it is. */
  region: number;
  at: number;
}

function writeRegions(file: OpenFile, chunk: Buffer): void {
  const { sparse } = file.entry;
  if (sparse === undefined) {
    writeFully(file.fd, chunk, null);
    return;
  }
  for (let taken = 0; taken < chunk.length;) {
    const region = sparse[file.region];
    if (region === undefined) throw new Error('bug: more data than the sparse map has');
    const length = Math.min(region.length - file.at, chunk.length - taken);
    writeFully(file.fd, chunk.subarray(taken, taken + length), region.offset + file.at);
    taken += length;
    file.at += length;
    if (file.at === region.length) {
      file.region += 1;
      file.at = 0;
    }
  }
}

function writeFully(fd: number, bytes: Buffer, position: number | null): void {
  for (let at = 0; at < bytes.length;) {
    at += writeSync(fd, bytes, at, bytes.length - at, position === null ? null : position + at);
  }
}
