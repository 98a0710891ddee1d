import type { Readable } from 'node:stream';
import type { Digest } from '../../base/digest.js';

declare module '../../base/errors.js' {
  interface ErrorFacts {
    'content/not-found': { readonly digest: string };
  }
}

export interface BlobInfo {
  readonly digest: Digest;
  readonly sizeBytes: number;
}

export interface WriteOptions {
  /** Refuses other bytes with `content/digest-mismatch`; nothing is kept then. */
  readonly expected?: Digest;
  /** Stops reading as soon as more bytes arrive, so that an endless body cannot fill the disk. */
  readonly expectedBytes?: number;
  /** Takes the blob in before anybody can see, and collect, it. */
  readonly lease?: ContentLease;
  readonly signal: AbortSignal;
}

/** Keeps blobs from being removed while work is under way. In memory: a crash drops it. */
export interface ContentLease {
  add(digest: Digest): void;
  release(): void;
}

/**
 * Bytes by their digest. A blob is visible under its name only whole, synced and verified; reading verifies again,
 * to the last byte. Callers may write the same blob at the same time.
 */
export interface ContentStore {
  /** @throws `content/digest-mismatch`, `content/size-mismatch`; the abort reason */
  write(source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>, options: WriteOptions): Promise<BlobInfo>;
  writeBytes(bytes: string | Uint8Array): Promise<BlobInfo>;
  /** The whole blob. @throws `content/not-found`, `content/digest-mismatch`, `content/size-mismatch` above `maxBytes` (default 8 MiB) */
  readVerified(digest: Digest, options?: { readonly maxBytes?: number }): Promise<Buffer>;
  /** The stream fails with `content/digest-mismatch` at its end when the file was changed under us. @throws `content/not-found` */
  open(digest: Digest): Promise<Readable>;
  has(digest: Digest): Promise<boolean>;
  /** @throws `content/not-found` */
  stat(digest: Digest): Promise<BlobInfo>;
  /** Where the blob is or would be; for a reader that verifies by itself. */
  pathOf(digest: Digest): string;
  /** @returns whether it is not there any more; false when somebody has a lease on it */
  remove(digest: Digest): Promise<boolean>;
  list(): Promise<readonly BlobInfo[]>;
  lease(): ContentLease;
  /** Removes every blob that is neither in `keep` nor leased. @returns what was removed */
  collect(keep: ReadonlySet<Digest>): Promise<readonly BlobInfo[]>;
}
