import { TscomposeError } from '../errors.js';

declare module '../errors.js' {
  interface ErrorFacts {
    /** Not a tar, cut short, or with a header beyond what any tar we know writes. */
    'tar/invalid': { readonly reason: string; readonly entry?: string };
  }
}

export type TarType = 'file' | 'hardlink' | 'symlink' | 'character' | 'block' | 'directory' | 'fifo';

/** Where a sparse file has data; the rest reads as zeros. */
export interface SparseRegion {
  readonly offset: number;
  readonly length: number;
}

/** One member of an archive. Names may hold escaped bytes, see names.ts; paths are as written, not made safe. */
export interface TarEntry {
  readonly type: TarType;
  readonly path: string;
  /** Target of a hard or symbolic link. */
  readonly linkPath?: string;
  /** Permission bits with setuid, setgid and sticky. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly userName?: string;
  readonly groupName?: string;
  /** Length of the file when unpacked. */
  readonly sizeBytes: number;
  readonly mtimeNs: bigint;
  readonly major?: number;
  readonly minor?: number;
  /** `security.capability`, `user.mime_type`, … */
  readonly xattrs?: ReadonlyMap<string, Buffer>;
  /** Regions in ascending order; the body then is their data, one after the other. */
  readonly sparse?: readonly SparseRegion[];
}

export const blockBytes = 512;

/** Bytes after a body of `length` up to the next block. */
export function paddingAfter(length: number): number {
  return (blockBytes - (length % blockBytes)) % blockBytes;
}

export function invalidTar(reason: string, entry?: string): TscomposeError<'tar/invalid'> {
  return new TscomposeError({
    code: 'tar/invalid',
    message: entry === undefined ? `invalid tar archive: ${reason}` : `invalid tar archive at ${entry}: ${reason}`,
    facts: { reason, ...(entry === undefined ? {} : { entry }) },
  });
}
