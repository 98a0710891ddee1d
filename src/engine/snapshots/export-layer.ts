import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { type Digest, digestFromHex } from '../../base/digest.js';
import { fileName } from '../../base/tar/names.js';
import { digestMismatch } from './failures.js';
import { readTarIndex } from './tar-index.js';

const readChunkBytes = 256 * 1024;

/**
 * Writes a layer's tar again from its index and its files.
 * @throws `layer/digest-mismatch` after the last byte when the files are not those unpacked
 */
export async function* exportTar(
  layerDir: string,
  diffId: Digest,
  moved: Readonly<Record<number, string>>,
  signal: AbortSignal,
): AsyncGenerator<Buffer, void, undefined> {
  const hash = createHash('sha256');
  let bodies = 0;
  let longer = false; // a file: what was added to it is not in the hash
  for (const record of readTarIndex(`${layerDir}/tar-index`)) {
    signal.throwIfAborted();
    if (record.kind === 'raw') {
      hash.update(record.bytes);
      yield record.bytes;
      continue;
    }
    const path = moved[bodies] ?? `diff/${record.path}`;
    bodies += 1;
    const file = await open(fileName(`${layerDir}/${path}`), 'r');
    try {
      for (const region of record.sparse ?? [{ offset: 0, length: record.sizeBytes }]) {
        for await (const chunk of readRegion(file, region.offset, region.length)) {
          signal.throwIfAborted();
          hash.update(chunk);
          yield chunk;
        }
      }
      if (record.sparse === undefined && (await file.stat()).size !== record.sizeBytes) longer = true;
    } finally {
      await file.close();
    }
  }
  const actual = digestFromHex(hash.digest('hex'));
  if (longer || actual !== diffId) throw digestMismatch(diffId, actual);
}

async function* readRegion(file: FileHandle, offset: number, length: number): AsyncGenerator<Buffer, void, undefined> {
  for (let at = 0; at < length;) {
    const buffer = Buffer.allocUnsafe(Math.min(readChunkBytes, length - at));
    const { bytesRead } = await file.read(buffer, 0, buffer.length, offset + at);
    if (bytesRead === 0) return; // shorter than it was: the hash will tell
    yield buffer.subarray(0, bytesRead);
    at += bytesRead;
  }
}
