import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeHeader, endOfArchive } from '../../../../src/base/tar/encode.js';
import type { TarEntry } from '../../../../src/base/tar/entry.js';
import { decodeName, encodeName } from '../../../../src/base/tar/names.js';
import { TarParser } from '../../../../src/base/tar/parser.js';
import { readTar, type TarMember, writeTar } from '../../../../src/base/tar/stream.js';

function entryOf(entry: Partial<TarEntry> & Pick<TarEntry, 'path'>): TarEntry {
  return { type: 'file', mode: 0o644, uid: 0, gid: 0, sizeBytes: 0, mtimeNs: 0n, ...entry };
}

async function archive(members: readonly TarMember[]): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of writeTar(members)) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

interface Seen {
  readonly entry: TarEntry;
  readonly content: string;
}

/** Parses `bytes` cut at the given places. */
function parse(bytes: Buffer, cuts: readonly number[] = []): Seen[] {
  const seen: { entry: TarEntry; content: string }[] = [];
  const parser = new TarParser({
    entry: (entry) => void seen.push({ entry, content: '' }),
    body: (chunk) => {
      const last = seen.at(-1);
      if (last !== undefined) last.content += chunk.toString('latin1');
    },
    endEntry: () => undefined,
  });
  const places = [0, ...cuts.map((cut) => cut % bytes.length).sort((a, b) => a - b), bytes.length];
  places.slice(1).forEach((end, index) => parser.push(bytes.subarray(places[index], end)));
  parser.end();
  return seen;
}

/** A header with some of its bytes written over, and its checksum mended. */
function forged(path: string, changes: Readonly<Record<number, string>>): Buffer {
  const block = encodeHeader(entryOf({ path }));
  for (const [at, text] of Object.entries(changes)) block.write(text, Number(at), 'latin1');
  block.write('        ', 148);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return block;
}

function paxEntry(records: string, ...rest: readonly Buffer[]): Buffer {
  const body = Buffer.from(records, 'latin1');
  const header = forged('pax', { 156: 'x', 124: body.length.toString(8).padStart(11, '0') });
  return Buffer.concat([header, body, Buffer.alloc((512 - (body.length % 512)) % 512), ...rest]);
}

describe('what is written is read again', () => {
  const name = fc
    .string({ minLength: 1, maxLength: 80, unit: 'binary' })
    .filter((text) => !/[/\0]/.test(text) && !/\p{Surrogate}/u.test(text));
  const path = fc.array(name, { minLength: 1, maxLength: 5 }).map((parts) => parts.join('/'));
  const common = {
    path,
    mode: fc.integer({ min: 0, max: 0o7777 }),
    uid: fc.oneof(fc.nat(70_000), fc.nat(2 ** 31)),
    gid: fc.oneof(fc.nat(70_000), fc.nat(2 ** 31)),
    mtimeNs: fc.bigInt({ min: -(10n ** 18n), max: 10n ** 19n }),
  };
  const files = fc.record({
    ...common,
    content: fc.string({ maxLength: 1_500, unit: 'binary-ascii' }),
    xattrs: fc.dictionary(fc.constantFrom('user.a', 'security.capability'), fc.string({ maxLength: 50 })),
  });

  test('for any names, owners, times, attributes and contents, however the bytes arrive', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(files, { maxLength: 6 }),
        fc.array(fc.nat(), { maxLength: 12 }),
        async (members, cuts) => {
          const written = members.map(({ content, xattrs, ...entry }): TarMember => {
            const body = Buffer.from(content, 'latin1');
            const attributes = new Map(Object.entries(xattrs).map(([key, value]) => [key, Buffer.from(value)]));
            const full = entryOf({
              ...entry,
              sizeBytes: body.length,
              ...(attributes.size === 0 ? {} : { xattrs: attributes }),
            });
            return { entry: full, body };
          });
          const bytes = await archive(written);
          expect(bytes.length % 512).toBe(0);
          const seen = parse(bytes, cuts);
          expect(seen.map(({ entry }) => entry)).toMatchObject(written.map(({ entry }) => entry));
          expect(seen.map(({ content }) => content)).toEqual(members.map(({ content }) => content));
        },
      ),
      { numRuns: 150 },
    );
  });

  test('links, devices, directories and fifos keep what makes them so', async () => {
    const entries = [
      entryOf({ path: 'd/', type: 'directory', mode: 0o1777 }),
      entryOf({ path: 'l', type: 'symlink', linkPath: 'x'.repeat(150), mode: 0o777 }),
      entryOf({ path: 'h', type: 'hardlink', linkPath: 'd/f' }),
      entryOf({ path: 'c', type: 'character', major: 4, minor: 200 }),
      entryOf({ path: 'b', type: 'block', major: 8, minor: 1 }),
      entryOf({ path: 'p', type: 'fifo' }),
    ];
    const seen = parse(await archive(entries.map((entry) => ({ entry }))));
    expect(seen.map(({ entry }) => entry)).toMatchObject(entries);
  });

  test('names that are not UTF-8 keep their bytes', () => {
    for (const bytes of [
      [0xff],
      [0xc3],
      [0x61, 0xed, 0xa0, 0x80, 0x62],
      [0xef, 0xbf, 0xbd],
      [0xf4, 0x90, 0x80, 0x80],
    ]) {
      const buffer = Buffer.from(bytes);
      expect(encodeName(decodeName(buffer))).toEqual(buffer);
    }
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        expect(encodeName(decodeName(Buffer.from(bytes)))).toEqual(Buffer.from(bytes));
      }),
    );
  });

  test('a visitor may leave a body unread', async () => {
    const bytes = await archive(
      ['a', 'b', 'c'].map((path) => ({ entry: entryOf({ path, sizeBytes: 3_000 }), body: Buffer.alloc(3_000, path) })),
    );
    const seen: string[] = [];
    await readTar(one(bytes), async (entry, body) => {
      seen.push(entry.path);
      if (entry.path === 'a') return;
      for await (const chunk of body) {
        seen.push(chunk.toString('latin1', 0, 1));
        if (entry.path === 'b') return;
      }
    });
    expect(seen.slice(0, 4)).toEqual(['a', 'b', 'b', 'c']);
    expect(new Set(seen.slice(4))).toEqual(new Set(['c']));
  });

  async function* one(bytes: Buffer): AsyncGenerator<Buffer> {
    for (let at = 0; at < bytes.length; at += 700) yield await Promise.resolve(bytes.subarray(at, at + 700));
  }

  test('a body of another length than promised fails', async () => {
    for (const length of [2, 4]) {
      const member = { entry: entryOf({ path: 'a', sizeBytes: 3 }), body: Buffer.alloc(length) };
      await expect(archive([member])).rejects.toMatchObject({ code: 'tar/invalid' });
    }
  });
});

describe('archives of others', () => {
  test('a directory may be a file whose name ends in a slash, a size on a link means nothing', () => {
    const bytes = Buffer.concat([
      forged('old/', { 257: '\0\0\0\0\0\0\0\0' }),
      forged('l', { 156: '2', 157: 'x', 124: '00000001000' }),
      endOfArchive,
    ]);
    expect(parse(bytes).map(({ entry }) => [entry.type, entry.sizeBytes])).toEqual([
      ['directory', 0],
      ['symlink', 0],
    ]);
  });

  test('numbers may be binary, padded by blanks or empty', () => {
    const binary = forged('f', { 108: '\x80\0\0\0\0\x20\0\0', 116: '   644 \0' });
    const [seen] = parse(Buffer.concat([binary, endOfArchive]));
    expect(seen?.entry).toMatchObject({ uid: 0x200000, gid: 0o644 });
  });

  test('long names of GNU tar hold for the next entry only', () => {
    const long = 'n'.repeat(200);
    const bytes = Buffer.concat([
      forged('././@LongLink', { 156: 'L', 124: (201).toString(8).padStart(11, '0') }),
      Buffer.concat([Buffer.from(long), Buffer.alloc(312)]),
      forged('short', {}),
      forged('next', {}),
      endOfArchive,
    ]);
    expect(parse(bytes).map(({ entry }) => entry.path)).toEqual([long, 'next']);
  });

  test('pax headers override, global ones do not', () => {
    const bytes = Buffer.concat([
      paxEntry('19 path=from a pax\n21 mtime=1.123456789\n', forged('x', {})),
      forged('pax_global_header', { 156: 'g', 124: '00000000000' }),
      forged('y', {}),
      endOfArchive,
    ]);
    expect(parse(bytes).map(({ entry }) => [entry.path, entry.mtimeNs])).toEqual([
      ['from a pax', 1_123_456_789n],
      ['y', 0n],
    ]);
  });

  test.each<[string, Buffer]>([
    ['text', Buffer.from('x'.repeat(1_024))],
    ['a wrong checksum', Buffer.concat([encodeHeader(entryOf({ path: 'a' })).fill('z', 0, 1), endOfArchive])],
    ['half a header', encodeHeader(entryOf({ path: 'a' })).subarray(0, 100)],
    ['half a body', Buffer.concat([encodeHeader(entryOf({ path: 'a', sizeBytes: 600 })), Buffer.alloc(512)])],
    ['a lone zero block', Buffer.concat([Buffer.alloc(512), encodeHeader(entryOf({ path: 'a' }))])],
    ['an extended header of nothing', Buffer.concat([paxEntry('9 path=a\n'), endOfArchive])],
    ['a pax length too long', Buffer.concat([paxEntry('99 path=a\n', forged('x', {})), endOfArchive])],
    ['a pax length of zero', Buffer.concat([paxEntry('0 path=a\n', forged('x', {})), endOfArchive])],
    ['a NUL in a pax name', Buffer.concat([paxEntry('10 path=a\0\n', forged('x', {})), endOfArchive])],
    [
      'a negative size',
      Buffer.concat([forged('x', { 124: '\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff' }), endOfArchive]),
    ],
    [
      'a size beyond all files',
      Buffer.concat([forged('x', { 124: '\x80\x7f\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff' }), endOfArchive]),
    ],
    ['letters for a number', Buffer.concat([forged('x', { 124: '0000000000z' }), endOfArchive])],
    ['an unknown type', Buffer.concat([forged('x', { 156: 'Z' }), endOfArchive])],
    ['an extended header of 1 GiB', forged('x', { 156: 'x', 124: '10000000000' })],
    [
      'a sparse map out of order',
      Buffer.concat([
        paxEntry('30 GNU.sparse.map=100,10,50,10\n', forged('x', { 124: '00000000024' })),
        Buffer.alloc(512),
        endOfArchive,
      ]),
    ],
    [
      'a sparse map beyond its file',
      Buffer.concat([
        paxEntry('25 GNU.sparse.map=100,20\n22 GNU.sparse.size=50\n', forged('x', { 124: '00000000024' })),
        Buffer.alloc(512),
        endOfArchive,
      ]),
    ],
  ])('%s is refused', (_, bytes) => {
    expect(() => parse(bytes)).toThrow(expect.objectContaining({ code: 'tar/invalid' }) as Error);
  });

  test('nothing at all, and an archive without its end, are accepted', () => {
    expect(parse(Buffer.alloc(0))).toEqual([]);
    expect(parse(encodeHeader(entryOf({ path: 'a' })))).toHaveLength(1);
  });

  test('random bytes never do worse than be refused', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 3_000 }), fc.nat(511), (noise, at) => {
        const bytes = Buffer.concat([forged('x', { 124: '00000000100' }), Buffer.from(noise)]);
        bytes[at] = noise[0] ?? 0;
        try {
          parse(bytes);
        } catch (error) {
          expect(error).toMatchObject({ code: 'tar/invalid' });
        }
      }),
    );
  });
});
