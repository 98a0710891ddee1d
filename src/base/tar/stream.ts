import { bodyPadding, encodeHeader, endOfArchive } from './encode.js';
import { invalidTar, type TarEntry } from './entry.js';
import { TarParser } from './parser.js';

/** An entry with its content: all of it, or as it comes; `sizeBytes` of the entry says how long it will be. */
export interface TarMember {
  readonly entry: TarEntry;
  readonly body?: Uint8Array | AsyncIterable<Uint8Array>;
}

/**
 * An archive of `members`, in their order. A body of another length than promised fails the stream.
 * @throws `tar/invalid`
 */
export async function* writeTar(
  members: AsyncIterable<TarMember> | Iterable<TarMember>,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const { entry, body } of members) {
    yield encodeHeader(entry);
    if (entry.type !== 'file') continue;
    let written = 0;
    for await (const chunk of body === undefined || body instanceof Uint8Array ? [body ?? Buffer.alloc(0)] : body) {
      written += chunk.length;
      if (written > entry.sizeBytes) break;
      yield chunk;
    }
    if (written !== entry.sizeBytes) throw invalidTar(`its length is not ${entry.sizeBytes} bytes`, entry.path);
    yield bodyPadding(written);
  }
  yield endOfArchive;
}

/** What a tar says, in order. A `body` chunk is a view that later reading leaves alone. */
export type TarEvent =
  | { readonly kind: 'entry'; readonly entry: TarEntry }
  | { readonly kind: 'body'; readonly chunk: Buffer }
  | { readonly kind: 'end-entry' };

/** Reads an archive at the pace of the consumer. @throws `tar/invalid` */
export async function* tarEvents(source: AsyncIterable<Uint8Array>): AsyncGenerator<TarEvent, void, undefined> {
  let events: TarEvent[] = [];
  const parser = new TarParser({
    entry: (entry) => void events.push({ kind: 'entry', entry }),
    body: (chunk) => void events.push({ kind: 'body', chunk }),
    endEntry: () => void events.push({ kind: 'end-entry' }),
  });
  for await (const chunk of source) {
    parser.push(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
    const ready = events;
    events = [];
    yield* ready;
  }
  parser.end();
}

/**
 * Calls `visit` for each entry, one after the other. What `visit` leaves unread of `body` is skipped; `body` is of no use
 * once `visit` has settled.
 * @throws `tar/invalid`, and whatever `visit` throws
 */
export async function readTar(
  source: AsyncIterable<Uint8Array>,
  visit: (entry: TarEntry, body: AsyncIterable<Buffer>) => Promise<void>,
): Promise<void> {
  const events = tarEvents(source);
  try {
    for (let next = await events.next(); next.done !== true; next = await events.next()) {
      if (next.value.kind !== 'entry') continue;
      let open = true;
      const body = async function* (): AsyncGenerator<Buffer, void, undefined> {
        while (open) {
          const { value, done } = await events.next();
          if (done === true || value.kind !== 'body') open = false;
          else yield value.chunk;
        }
      };
      await visit(next.value.entry, { [Symbol.asyncIterator]: body });
      while (open) {
        const { value, done } = await events.next();
        if (done === true || value.kind === 'end-entry') open = false;
      }
    }
  } finally {
    await events.return();
  }
}
