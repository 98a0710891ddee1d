import { randomUUID } from 'node:crypto';
import {
  closeSync,
  constants,
  existsSync,
  fsync,
  fstatSync,
  futimesSync,
  openSync,
  read,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  writeFile,
} from 'node:fs';
import { dirname, join } from 'node:path';
import type { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { createGunzip, createGzip } from 'node:zlib';
import { CleanupStack } from '../../base/cleanup-stack.js';
import { errnoOf } from '../../base/errors.js';

const packedEnd = '.gz';
/** Times of files pass through a number of seconds; no two parts of a log end this close together. */
const timeSlackMs = 0.01;

/** A file of a log, held open: it can be read to its end even after it was rotated away, packed or removed. */
export interface OpenPart {
  fd: number;
  /** With gzip: `unpack` it first. */
  packed: boolean;
}

/** Newest first. The log is `path`, older parts are `path.1` or `path.1.gz`, and so on. */
export function partsOf(path: string): string[] {
  const parts = [path];
  for (;;) {
    const next = [`${path}.${parts.length}`, `${path}.${parts.length}${packedEnd}`].find((name) => existsSync(name));
    if (next === undefined) return parts;
    parts.push(next);
  }
}

export function openPart(path: string): OpenPart | undefined {
  try {
    return { fd: openSync(path, 'r'), packed: path.endsWith(packedEnd) };
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** The part after one that is not `path` itself any more; undefined while the monitor has not made it yet. */
export function openNewer(path: string, { fd }: OpenPart): OpenPart | undefined {
  const own = fstatSync(fd);
  const parts = partsOf(path);
  const at = parts.findIndex((part) => isSamePart(part, own));
  const newer = at < 0 ? parts.at(-1) : parts[at - 1];
  return newer === undefined ? undefined : openPart(newer);
}

/** Packed, it is another file, which keeps the time of the last line. */
function isSamePart(path: string, own: Stats): boolean {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return false;
  return found.ino === own.ino || (path.endsWith(packedEnd) && Math.abs(found.mtimeMs - own.mtimeMs) < timeSlackMs);
}

/**
 * Puts what is packed in a part in its place: a file without a name, in the log's folder, as a part may be larger than
 * the memory.
 */
export async function unpack(path: string, part: OpenPart): Promise<void> {
  if (!part.packed) return;
  const name = join(dirname(path), `.unpacked-${randomUUID()}`);
  const fd = openSync(name, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, 0o600);
  try {
    rmSync(name);
    await convert(part.fd, createGunzip(), fd);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  closeSync(part.fd);
  Object.assign(part, { fd, packed: false });
}

/** The newest part that nobody writes to any more and that is not packed; its number is 1. */
export function hasPartToPack(path: string): boolean {
  return existsSync(`${path}.1`) && existsSync(path); // the monitor ends writing before it makes the next
}

/** Packs that part. No rotation may come in between. A crash leaves it as it was. */
export async function packPart(path: string): Promise<void> {
  const part = `${path}.1`;
  const making = join(dirname(path), '.packed-log');
  await using undo = new CleanupStack();
  const from = openSync(part, 'r');
  undo.defer(() => {
    closeSync(from);
  });
  const fd = openSync(making, 'w', fstatSync(from).mode);
  undo.defer(() => {
    closeSync(fd);
    rmSync(making, { force: true });
  });
  await convert(from, createGzip(), fd);
  await syncToDisk(fd);
  renameSync(making, `${part}${packedEnd}`); // and at once, as no reader may find both or none
  rmSync(part);
}

/** Fills a file with another's content, converted, and gives it the other's time. */
async function convert(from: number, by: Transform, to: number): Promise<void> {
  await pipeline(blocksOf(from), by, async (blocks: AsyncIterable<Buffer>) => {
    for await (const block of blocks) await append(to, block);
  });
  const seconds = fstatSync(from).mtimeMs / 1_000;
  futimesSync(to, seconds, seconds);
}

/** Not a stream, which would close the file with its end. */
async function* blocksOf(fd: number): AsyncGenerator<Buffer> {
  for (let offset = 0; ;) {
    const { buffer, bytesRead } = await readAt(fd, Buffer.allocUnsafeSlow(256 * 1024), 0, 256 * 1024, offset);
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
    offset += bytesRead;
  }
}

const readAt = promisify(read);
const append = promisify(writeFile);
const syncToDisk = promisify(fsync);

/** Makes every part older by one, and drops the one that then is number `last`, and all after it. */
export function shiftParts(path: string, last: number): void {
  dropPart(path, last);
  for (let number = last - 1; number >= 1; number -= 1) {
    for (const end of ['', packedEnd]) {
      const from = `${path}.${number}${end}`;
      if (existsSync(from)) renameSync(from, `${path}.${number + 1}${end}`);
    }
  }
  renameSync(path, `${path}.1`);
}

/** Who reads it holds it open until they are through. */
export function dropPart(path: string, number: number): void {
  for (const end of ['', packedEnd]) rmSync(`${path}.${number}${end}`, { force: true });
}
