import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, renameSync } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { type Digest, digestFromHex, digestOf, hexOf, isDigest } from '../../base/digest.js';
import { syncDirectory } from '../../base/durable-file.js';
import { errnoOf, TscomposeError } from '../../base/errors.js';
import type { BlobInfo, ContentLease, ContentStore, WriteOptions } from './types.js';

const readChunkBytes = 256 * 1024;
const defaultMaxBytes = 8 * 1024 * 1024;

/** Opens the store below `dir`, making it when needed, and removes what an interrupted write left. */
export async function openContentStore(dir: string): Promise<ContentStore> {
  const store = new FileContentStore(dir);
  await store.prepare();
  return store;
}

/** `sha256/<hex>` holds the blobs, `ingest/` the bytes on their way in. */
class FileContentStore implements ContentStore {
  readonly #blobs: string;
  readonly #ingest: string;
  readonly #leases = new Set<Set<Digest>>();

  constructor(dir: string) {
    this.#blobs = join(dir, 'sha256');
    this.#ingest = join(dir, 'ingest');
  }

  async prepare(): Promise<void> {
    await rm(this.#ingest, { recursive: true, force: true });
    await mkdir(this.#ingest, { recursive: true, mode: 0o700 });
    await mkdir(this.#blobs, { recursive: true, mode: 0o700 });
  }

  async write(
    source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
    { expected, expectedBytes, lease, signal }: WriteOptions,
  ): Promise<BlobInfo> {
    signal.throwIfAborted();
    const temporary = join(this.#ingest, randomUUID());
    const hash = createHash('sha256');
    let sizeBytes = 0;
    try {
      const file = await open(temporary, 'wx', 0o600);
      try {
        for await (const chunk of source) {
          signal.throwIfAborted();
          sizeBytes += chunk.length;
          if (expectedBytes !== undefined && sizeBytes > expectedBytes)
            throw wrongSize(expected, expectedBytes, sizeBytes);
          hash.update(chunk);
          await file.writeFile(chunk);
        }
        signal.throwIfAborted();
        if (expectedBytes !== undefined && sizeBytes !== expectedBytes)
          throw wrongSize(expected, expectedBytes, sizeBytes);
        const digest = digestFromHex(hash.digest('hex'));
        if (expected !== undefined && digest !== expected) throw mismatch(expected, digest);
        await file.sync();
        lease?.add(digest); // before anybody can see it: collecting may be under way
        await rename(temporary, this.pathOf(digest));
        await syncDirectory(this.#blobs); // the rename itself must survive a power cut
        return { digest, sizeBytes };
      } finally {
        await file.close();
      }
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
  }

  async writeBytes(bytes: string | Uint8Array): Promise<BlobInfo> {
    const buffer = Buffer.from(bytes);
    const digest = digestOf(buffer);
    if (await this.#isWhole(digest, buffer)) return { digest, sizeBytes: buffer.length };
    return this.write([buffer], { signal: new AbortController().signal });
  }

  async readVerified(digest: Digest, { maxBytes = defaultMaxBytes } = {}): Promise<Buffer> {
    const { sizeBytes } = await this.stat(digest);
    if (sizeBytes > maxBytes) throw wrongSize(digest, maxBytes, sizeBytes);
    const bytes = await readFile(this.pathOf(digest));
    const actual = digestOf(bytes);
    if (actual !== digest) throw mismatch(digest, actual);
    return bytes;
  }

  async open(digest: Digest): Promise<Readable> {
    await this.stat(digest);
    return Readable.from(verified(this.pathOf(digest), digest), { objectMode: false, highWaterMark: readChunkBytes });
  }

  async has(digest: Digest): Promise<boolean> {
    return (await this.#sizeOf(digest)) !== undefined;
  }

  async stat(digest: Digest): Promise<BlobInfo> {
    const sizeBytes = await this.#sizeOf(digest);
    if (sizeBytes === undefined) {
      throw new TscomposeError({
        code: 'content/not-found',
        message: `no blob ${digest} in the content store`,
        facts: { digest },
      });
    }
    return { digest, sizeBytes };
  }

  pathOf(digest: Digest): string {
    return join(this.#blobs, hexOf(digest));
  }

  async remove(digest: Digest): Promise<boolean> {
    if ([...this.#leases].some((held) => held.has(digest))) return false;
    const doomed = join(this.#ingest, randomUUID());
    try {
      renameSync(this.pathOf(digest), doomed); // at once: who writes these bytes again from here on keeps them
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error;
    }
    await rm(doomed, { force: true });
    return true;
  }

  async list(): Promise<readonly BlobInfo[]> {
    const blobs: BlobInfo[] = [];
    for (const name of (await readdir(this.#blobs)).sort()) {
      const digest = `sha256:${name}`;
      if (!isDigest(digest)) continue;
      const sizeBytes = await this.#sizeOf(digest);
      if (sizeBytes !== undefined) blobs.push({ digest, sizeBytes });
    }
    return blobs;
  }

  lease(): ContentLease {
    const held = new Set<Digest>();
    this.#leases.add(held);
    return {
      add: (digest) => void held.add(digest),
      release: () => void this.#leases.delete(held),
    };
  }

  async collect(keep: ReadonlySet<Digest>): Promise<readonly BlobInfo[]> {
    const removed: BlobInfo[] = [];
    for (const blob of await this.list()) {
      if (!keep.has(blob.digest) && (await this.remove(blob.digest))) removed.push(blob);
    }
    return removed;
  }

  async #sizeOf(digest: Digest): Promise<number | undefined> {
    try {
      const found = await stat(this.pathOf(digest));
      return found.isFile() ? found.size : undefined;
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return undefined;
      throw error;
    }
  }

  async #isWhole(digest: Digest, bytes: Buffer): Promise<boolean> {
    return (await this.#sizeOf(digest)) === bytes.length && bytes.equals(await readFile(this.pathOf(digest)));
  }
}

async function* verified(path: string, digest: Digest): AsyncGenerator<Buffer> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: readChunkBytes }) as AsyncIterable<Buffer>) {
    hash.update(chunk);
    yield chunk;
  }
  const actual = digestFromHex(hash.digest('hex'));
  if (actual !== digest) throw mismatch(digest, actual);
}

function mismatch(expected: Digest, actual: Digest): TscomposeError<'content/digest-mismatch'> {
  return new TscomposeError({
    code: 'content/digest-mismatch',
    message: `expected the digest ${expected}, got ${actual}`,
    facts: { expected, actual },
  });
}

function wrongSize(
  digest: Digest | undefined,
  expectedBytes: number,
  actualBytes: number,
): TscomposeError<'content/size-mismatch'> {
  const length = actualBytes > expectedBytes ? `more than ${expectedBytes}` : `${actualBytes} of ${expectedBytes}`;
  return new TscomposeError({
    code: 'content/size-mismatch',
    message: `got ${length} bytes of ${digest ?? 'a blob'}`,
    facts: { ...(digest === undefined ? {} : { digest }), expectedBytes, actualBytes },
  });
}
