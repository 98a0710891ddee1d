import { createHash } from 'node:crypto';
import { createReadStream, mkdirSync } from 'node:fs';
import { type Digest, digestFromHex } from '../../base/digest.js';
import { hasCode, messageOf } from '../../base/errors.js';
import { TarParser } from '../../base/tar/parser.js';
import { sysErrno } from '../sys/index.js';
import { decompress } from './decompress.js';
import { type LayerMode, LayerExtractor } from './extractor.js';
import { badArchive, digestMismatch, noSpace } from './failures.js';
import { TarIndexWriter } from './tar-index.js';
import type { Compression } from './types.js';

const readChunkBytes = 256 * 1024;

export interface UnpackJob {
  readonly kind: 'unpack';
  /** Undefined: the bytes come as a stream beside the job. */
  readonly tarPath?: string | undefined;
  /** An empty directory; gets `diff`, `tar-index` and perhaps `extra`. */
  readonly layerDir: string;
  readonly mode: LayerMode;
  readonly expectedDiffId?: Digest | undefined;
}

export interface UnpackResult {
  readonly diffId: Digest;
  readonly sizeBytes: number;
  readonly tarBytes: number;
  readonly digest: Digest;
  readonly digestBytes: number;
  readonly compression: Compression;
  /** Directories the tar had no entry for, parents first. */
  readonly implicit: readonly string[];
  readonly whiteouts: readonly string[];
  readonly moved: Readonly<Record<number, string>>;
}

export interface JobContext {
  /** The stream beside the job. A chunk's memory may be gone once the next one is asked for. */
  readonly input: AsyncIterable<Buffer> | undefined;
  readonly signal: AbortSignal;
  onProgress(bytes: number): void;
}

/** Decompresses, hashes twice and extracts in one pass. */
export async function runUnpack(job: UnpackJob, context: JobContext): Promise<UnpackResult> {
  mkdirSync(`${job.layerDir}/diff`, 0o755);
  const index = new TarIndexWriter(`${job.layerDir}/tar-index`);
  const extractor = new LayerExtractor(job.layerDir, index, job.mode);
  try {
    const stored = createHash('sha256');
    let digestBytes = 0;
    let tarBytes = 0;
    const source = sourceOf(job, context);
    async function* counted(): AsyncGenerator<Buffer, void, undefined> {
      for await (const chunk of source) {
        context.signal.throwIfAborted();
        stored.update(chunk);
        digestBytes += chunk.length;
        context.onProgress(digestBytes);
        yield chunk;
      }
    }
    const { compression, bytes } = await decompress(counted());
    const plain = compression === 'none' ? undefined : createHash('sha256');
    const parser = new TarParser(extractor);
    for await (const chunk of bytes) {
      context.signal.throwIfAborted();
      plain?.update(chunk);
      tarBytes += chunk.length;
      parser.push(chunk);
    }
    parser.end();
    extractor.finish();
    index.end();
    const digest = digestFromHex(stored.digest('hex'));
    const diffId = plain === undefined ? digest : digestFromHex(plain.digest('hex'));
    if (job.expectedDiffId !== undefined && diffId !== job.expectedDiffId) {
      throw digestMismatch(job.expectedDiffId, diffId);
    }
    const { sizeBytes, moved, whiteouts } = extractor;
    const implicit = [...extractor.implicit].sort();
    return { diffId, sizeBytes, tarBytes, digest, digestBytes, compression, implicit, whiteouts, moved };
  } catch (error) {
    extractor.abandon();
    index.close();
    throw asLayerFailure(error);
  }
}

function sourceOf({ tarPath }: UnpackJob, { input }: JobContext): AsyncIterable<Buffer> {
  if (tarPath !== undefined) return createReadStream(tarPath, { highWaterMark: readChunkBytes });
  if (input === undefined) throw new Error('bug: neither a file nor a stream to unpack');
  return input;
}

function asLayerFailure(error: unknown): unknown {
  if (hasCode(error, 'tar/invalid')) return badArchive(error.facts.reason, error.facts.entry, error);
  const errno = sysErrno(error) ?? '';
  if (errno === 'ENOSPC' || errno === 'EDQUOT') return noSpace(error);
  // A name too long, a path through a file, …: what the archive asks for cannot be made.
  const blamed = ['ENAMETOOLONG', 'ENOTDIR', 'EISDIR', 'EINVAL', 'ELOOP', 'EMLINK', 'EFBIG'];
  return blamed.includes(errno) ? badArchive(messageOf(error), undefined, error) : error;
}
