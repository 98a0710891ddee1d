import { closeSync, fstatSync, type FSWatcher, readSync, statSync, watch } from 'node:fs';
import { basename, dirname } from 'node:path';
import { breather } from '../../base/breathe.js';
import { errnoOf } from '../../base/errors.js';
import { endsLine, type LogEntry, LogParser, TimeReader } from './log-entry.js';
import { openNewer, type OpenPart, openPart, partsOf, unpack } from './log-parts.js';

const blockBytes = 64 * 1024;
const newline = 0x0a;

/** An open part of a log and where to read on. */
interface Place {
  part: OpenPart | undefined;
  offset: number;
}

/** Where in the log to begin. */
export interface LogStart {
  readonly place: Place;
}

/** Right after what is in the log now; also where there is no log yet. */
export function atEnd(path: string): LogStart {
  const part = openPart(path);
  return { place: { part, offset: part === undefined ? 0 : fstatSync(part.fd).size } };
}

/** The oldest entry there is. */
export function atBeginning(path: string): LogStart {
  return { place: { part: openPart(partsOf(path).at(-1) ?? path), offset: 0 } };
}

/** Somewhat before the first entry that is not older than `sinceNs`; a few reads find it, as times increase. */
export function atTime(path: string, sinceNs: bigint): Promise<LogStart> {
  return within(path, async (parts) => {
    let place: Place = { part: undefined, offset: 0 };
    for (const part of parts) {
      if (part.packed && endsBefore(part, sinceNs)) break; // no need to unpack it
      await unpack(path, part);
      place = { part, offset: olderOffset(part.fd, sinceNs) };
      if (place.offset > 0) break; // else it may begin in the part before
    }
    return place;
  });
}

/** The last `count` lines, over all parts. An unfinished line at the end is one. After an abort it is anywhere. */
export async function atTail(path: string, count: number, signal: AbortSignal): Promise<LogStart> {
  if (count === 0) return atEnd(path);
  return within(path, async (parts) => {
    let left = count;
    for (const part of parts) {
      await unpack(path, part);
      const { offset, lines } = await tailOffset(part.fd, left, signal);
      if (offset !== undefined) return { part, offset };
      left -= lines;
    }
    return { part: parts.at(-1), offset: 0 };
  });
}

/** @param choose - is given the parts, newest first: all of now, or a rotation would show one twice */
async function within(path: string, choose: (parts: readonly OpenPart[]) => Promise<Place>): Promise<LogStart> {
  const parts = partsOf(path).flatMap((part) => openPart(part) ?? []);
  let place: Place | undefined;
  try {
    place = await choose(parts);
    return { place };
  } finally {
    for (const part of parts) if (part !== place?.part) closeSync(part.fd);
  }
}

/** The clock of files may be a little behind that of lines. */
function endsBefore({ fd }: OpenPart, sinceNs: bigint): boolean {
  return BigInt(Math.ceil(fstatSync(fd).mtimeMs + 1_000)) * 1_000_000n < sinceNs;
}

/** Where an entry begins that is older than `sinceNs`, with no more than a block of such from there on; 0 if none is found. */
function olderOffset(fd: number, sinceNs: bigint): number {
  const times = new TimeReader();
  let low = 0;
  let high = fstatSync(fd).size;
  while (high - low > blockBytes) {
    const middle = low + Math.floor((high - low) / 2);
    const block = readBlock(fd, middle) ?? Buffer.alloc(0);
    const begin = block.indexOf(newline) + 1;
    const [entry] = new LogParser().push(block.subarray(begin));
    if (entry !== undefined && times.read(entry.time) < sinceNs) low = middle + begin;
    else high = middle;
  }
  return low;
}

/** Where the last `count` lines begin; without an offset the file has only `lines`. */
async function tailOffset(
  fd: number,
  count: number,
  signal: AbortSignal,
): Promise<{ readonly offset?: number; readonly lines: number }> {
  let end = fstatSync(fd).size;
  let rest = Buffer.alloc(0);
  let lines = 0;
  let isLast = true;
  const pause = breather();
  while (end > 0 && !signal.aborted) {
    const start = Math.max(0, end - blockBytes);
    const block = Buffer.alloc(end - start);
    readSync(fd, block, 0, block.length, start);
    const data = Buffer.concat([block, rest]);
    let next = data.length;
    for (;;) {
      // The entry that ends before `next` begins after the newline before it.
      const before = next < 2 ? -1 : data.lastIndexOf(newline, next - 2);
      if (before < 0 && start > 0) break;
      const begin = before + 1;
      if (begin >= next) break;
      if (endsLine(data, begin) || isLast) {
        if (lines === count) return { offset: start + next, lines };
        lines += 1;
      }
      isLast = false;
      next = begin;
      if (before < 0) break;
    }
    rest = Buffer.from(data.subarray(0, next));
    end = start;
    await pause();
  }
  return { lines };
}

export interface ReadOptions {
  /** Ends reading at the end of what is there when it settles; absent: at what is there now. */
  readonly until?: Promise<unknown>;
  readonly signal: AbortSignal;
}

/**
 * Batches of entries from `start` on, in order, none twice, over rotations. Reading never holds up the container: it is
 * the file that is read, at the reader's pace, and not the engine. `start` is asked with the first batch.
 */
export async function* readLog(
  path: string,
  start: () => LogStart | Promise<LogStart>,
  { until, signal }: ReadOptions,
): AsyncGenerator<LogEntry[]> {
  const { place } = await start();
  const parser = new LogParser();
  const pause = breather();
  let changes: Changes | undefined;
  let stopAt = until === undefined ? sizeOf(path) : undefined;
  try {
    if (until !== undefined) changes = new Changes(path, until, signal);
    while (!signal.aborted) {
      changes?.clear();
      place.part ??= openPart(path);
      if (place.part?.packed === true) await unpack(path, place.part);
      const chunk = place.part === undefined ? undefined : readBlock(place.part.fd, place.offset);
      if (chunk !== undefined && place.part !== undefined) {
        place.offset += chunk.length;
        const entries = parser.push(chunk);
        if (entries.length > 0) yield entries;
        await pause(); // not every reader waits for something
        if (stopAt !== undefined && place.offset >= stopAt && isCurrent(path, place.part)) return;
        continue;
      }
      if (advance(path, place)) continue;
      if (changes === undefined || changes.ended) {
        if (stopAt !== undefined || changes?.quiet !== false) return;
        stopAt = sizeOf(path); // once more, for what came between the last read and the end
        continue;
      }
      await changes.next();
    }
  } finally {
    changes?.close();
    if (place.part !== undefined) closeSync(place.part.fd);
  }
}

function readBlock(fd: number, offset: number): Buffer | undefined {
  // No larger than what is there: a whole block for every line of a terminal keeps the garbage collector busy.
  const left = Math.min(fstatSync(fd).size - offset, blockBytes);
  if (left <= 0) return undefined;
  const block = Buffer.allocUnsafeSlow(left); // entries are views of it, so it cannot come from a pool
  const length = readSync(fd, block, 0, left, offset);
  return length === 0 ? undefined : block.subarray(0, length);
}

/** When the part was rotated away, goes to the next newer one. @returns false when it is the current one */
function advance(path: string, place: Place): boolean {
  if (place.part === undefined || isCurrent(path, place.part)) return false;
  const newer = openNewer(path, place.part);
  if (newer === undefined) return false; // renamed, and the monitor has not made the new one yet
  if (fstatSync(place.part.fd).size > place.offset) {
    closeSync(newer.fd); // the monitor wrote on before it noticed
    return true;
  }
  closeSync(place.part.fd);
  place.part = newer;
  place.offset = 0;
  return true;
}

/** Also where the file has no name at this moment: rotation is under way, or the container is being removed. */
function isCurrent(path: string, { fd }: OpenPart): boolean {
  const current = statSync(path, { throwIfNoEntry: false });
  return current === undefined || current.ino === fstatSync(fd).ino;
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

/** Tells when to look again: the log's folder changed, the run ended, the reader left. */
class Changes {
  ended = false;
  #dirty = false;
  #wake: (() => void) | undefined;
  readonly #watcher: FSWatcher | undefined;
  readonly #signal: AbortSignal;
  readonly #poke = () => {
    this.#dirty = true;
    this.#wake?.();
  };

  constructor(path: string, until: Promise<unknown>, signal: AbortSignal) {
    this.#signal = signal;
    const name = basename(path);
    const end = () => {
      this.ended = true;
      this.#poke();
    };
    try {
      this.#watcher = watch(dirname(path), (_event, changed) => {
        if (changed === null || changed.startsWith(name)) this.#poke();
      });
      this.#watcher.on('error', end);
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error;
      this.ended = true; // removed: nothing will come any more
    }
    until.then(end, end);
    signal.addEventListener('abort', this.#poke, { once: true });
  }

  /** Nothing changed since `clear`. */
  get quiet(): boolean {
    return !this.#dirty;
  }

  clear(): void {
    this.#dirty = false;
  }

  async next(): Promise<void> {
    if (this.#dirty || this.#signal.aborted) return;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    this.#wake = undefined;
  }

  close(): void {
    this.#watcher?.close();
    this.#signal.removeEventListener('abort', this.#poke);
  }
}
