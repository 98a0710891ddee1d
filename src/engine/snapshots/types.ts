import type { Readable } from 'node:stream';
import type { FilesystemChange } from '../../api/container.js';
import type { Digest } from '../../base/digest.js';
import type { ChainId } from './chain-id.js';

declare module '../../base/errors.js' {
  interface ErrorFacts {
    'layer/not-found': { readonly chainId: string };
    /** An entry, or a link target, that resolves outside the layer. */
    'layer/escapes-root': { readonly entry: string };
    /** Not a tar, cut short, or asking for more than the limits allow. */
    'layer/bad-archive': { readonly entry?: string; readonly reason: string };
    /** The unpacked bytes are not those the image promised, or the files on disk are not those unpacked. */
    'layer/digest-mismatch': { readonly expected: string; readonly actual: string };
    'layer/in-use': { readonly chainId: string; readonly by: 'child' | 'lease' };
    /** Unpacking would fill the disk. */
    'layer/no-space': Readonly<Record<string, never>>;
    /** The kernel takes mount options of one page. */
    'layer/too-many': { readonly layers: number };
  }
}

export type Compression = 'none' | 'gzip' | 'zstd' | 'xz' | 'bzip2';

/** One layer on disk with all below it. */
export interface Layer {
  readonly chainId: ChainId;
  readonly diffId: Digest;
  readonly parent?: ChainId;
  /** Content of the files and symbolic links of this layer alone, hard links counted once. */
  readonly sizeBytes: number;
  /** Length of the uncompressed tar. */
  readonly tarBytes: number;
}

export interface AppliedLayer extends Layer {
  /** Of the bytes as they came. */
  readonly digest: Digest;
  readonly digestBytes: number;
  readonly compression: Compression;
}

export interface ApplyOptions {
  /** The layer below; must exist. */
  readonly parent?: ChainId | undefined;
  /** A file, or a stream which is always read to its end and destroyed on failure. Compression is found by looking. */
  readonly tar: string | Readable;
  readonly expectedDiffId?: Digest | undefined;
  /** Bytes of (compressed) input read so far; not more than about ten calls a second. */
  readonly onProgress?: ((bytes: number) => void) | undefined;
  readonly signal: AbortSignal;
}

export interface StagedLayer {
  readonly diffId: Digest;
  readonly digest: Digest;
  readonly digestBytes: number;
  readonly compression: Compression;
  /** Puts it on top of `parent`. Returns the layer that is there when the chain exists already. @throws `layer/not-found` */
  seal(parent: ChainId | undefined): Promise<AppliedLayer>;
  /** Nothing happens after `seal`. */
  discard(): Promise<void>;
}

export interface CommitOptions {
  readonly parent?: ChainId | undefined;
  /** The upper directory of an overlay mount, or any directory whose content becomes the layer. */
  readonly upperDir: string;
  /** `take` moves the directory, which must be of the store's file system and no longer mounted; `copy` leaves it. */
  readonly ownership: 'take' | 'copy';
  /** Newer modification times are set back to this, for reproducible builds; seconds since 1970. */
  readonly newestMtime?: number | undefined;
  readonly signal: AbortSignal;
}

export interface OverlayDirectories {
  /** Top first, as `lowerDirs` gives them; an empty list is a file system with nothing below. */
  readonly lower: readonly string[];
  /** Without upper and work the mount is read-only. */
  readonly upper?: string;
  readonly work?: string;
  /**
   * What is in the upper directory need not survive a crash of the machine, or is kept safe by somebody else. Unmounting
   * any other overlay first writes back the whole file system that holds it (overlayfs.rst, volatile mount; Linux 5.10).
   * Such a mount is made once: its work directory cannot be used again.
   */
  readonly volatile?: boolean;
}

/** Layers by chainID, each unpacked once. A layer is visible only whole and synced. */
export interface LayerStore {
  /**
   * Unpacks one layer in one pass in a worker thread. Returns the layer that is there when the chain exists already.
   * @throws `layer/escapes-root`, `layer/bad-archive`, `layer/digest-mismatch`, `layer/not-found` (parent)
   */
  apply(options: ApplyOptions): Promise<AppliedLayer>;
  /**
   * The slow half of `apply`, which needs no parent yet: layers of one image can be unpacked at the same time and sealed in
   * order. A staged layer is not visible; it must be sealed or discarded.
   */
  stage(options: Omit<ApplyOptions, 'parent'>): Promise<StagedLayer>;
  /** Seals a directory as a layer. */
  commitDirectory(options: CommitOptions): Promise<Layer>;
  get(chainId: ChainId): Layer | undefined;
  list(): readonly Layer[];
  /** The layer and all below it, top first. @throws `layer/not-found` */
  chain(chainId: ChainId): readonly Layer[];
  /** Directories for an overlay mount, top first; undefined (an image without layers) gives one empty directory. */
  lowerDirs(chainId: ChainId | undefined): readonly string[];
  /**
   * Text of the mount options; always fits a page. Where files are copied the copy is there when it is given, so that the
   * mount itself is quick.
   * @throws `layer/too-many`; `tool/failed` of a copy
   */
  overlayData(directories: OverlayDirectories): Promise<string>;
  /** The tar whose hash is the diffID; fails at its end with `layer/digest-mismatch` if the files were changed. */
  exportLayer(chainId: ChainId, signal: AbortSignal): Readable;
  /** What an upper directory changes over `chainId`, sorted by path, as `docker diff` lists it. */
  changes(options: {
    readonly lower: ChainId | undefined;
    readonly upperDir: string;
    readonly signal: AbortSignal;
  }): Promise<FilesystemChange[]>;
  /**
   * Has everything in an upper directory that was changed over it, while `work` reads it. Where overlays are mounted that
   * is so at any time, where they are copies it has to be found out first.
   */
  withSettled<T>(upperDir: string, work: () => Promise<T>): Promise<T>;
  /** The same for good: the overlay is not mounted again. */
  settle(upperDir: string, signal: AbortSignal): Promise<void>;
  /** Keeps a chain from `remove` and `collect` until the returned function is called. In memory only. */
  retain(chainId: ChainId): () => void;
  /** @throws `layer/in-use`; nothing happens when it is not there */
  remove(chainId: ChainId): Promise<void>;
  /**
   * Removes every layer that is neither in (or below) `keep` nor retained, children first. With `among`, only these are
   * looked at, and one stays while any other layer lies on it.
   * @returns what was removed
   */
  collect(keep: Iterable<ChainId>, among?: Iterable<ChainId>): Promise<readonly Layer[]>;
  /** An empty directory on the store's file system for `commitDirectory({ownership: 'take'})`. Swept at start. */
  scratch(): Promise<string>;
  /**
   * Waits until all layers are on the disk itself. Without it that happens within seconds; a layer lost to a power cut
   * before is gone as a whole at the next start.
   */
  sync(): Promise<void>;
  /** Whether every layer is on the disk itself. */
  isSynced(): boolean;
  /** Syncs, and ends the workers. */
  close(): Promise<void>;
}
