import { appendFileSync, readdirSync, renameSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { LogParser, TimeReader } from '../../../../src/engine/containers/log-entry.js';
import { packPart } from '../../../../src/engine/containers/log-parts.js';
import {
  atBeginning,
  atEnd,
  atTail,
  atTime,
  type LogStart,
  readLog,
} from '../../../../src/engine/containers/log-reader.js';
import { parseSize } from '../../../../src/engine/containers/log-rotation.js';
import { chunksOf, type EntryFilter, everything } from '../../../../src/engine/containers/logs.js';
import { mergeByTime } from '../../../../src/engine/containers/merged-logs.js';
import { renderTime } from '../../../../src/engine/containers/time.js';
import { folderPerTest } from '../../../support/test-folder.js';

const time = '2026-01-02T03:04:05.678901234+00:00';
const line = (text: string, flag = 'F', stream = 'stdout') => `${time} ${stream} ${flag} ${text}\n`;
const signal = new AbortController().signal;

let folder: string;
let path: string;
folderPerTest((path) => (folder = path));
beforeEach(() => {
  path = join(folder, 'log');
});

async function read(
  start: LogStart | Promise<LogStart>,
  { until, filter = everything }: { until?: Promise<unknown>; filter?: EntryFilter } = {},
): Promise<string> {
  let all = '';
  const entries = readLog(path, () => start, { signal, ...(until === undefined ? {} : { until }) });
  for await (const { payload } of chunksOf(entries, filter)) all += payload.toString();
  return all;
}

describe('a log', () => {
  test('comes out as it went in, wherever its chunks are cut', () => {
    const piece = fc.record({
      text: fc.string().map((text) => text.replaceAll('\n', ' ')),
      partial: fc.boolean(),
      stream: fc.constantFrom('stdout', 'stderr'),
    });
    fc.assert(
      fc.property(fc.array(piece), fc.array(fc.nat(40)), (pieces, cuts) => {
        const bytes = Buffer.from(
          pieces.map(({ text, partial, stream }) => line(text, partial ? 'P' : 'F', stream)).join(''),
        );
        const parser = new LogParser();
        const entries = [];
        let at = 0;
        for (const cut of cuts) {
          entries.push(...parser.push(bytes.subarray(at, at + cut)));
          at = Math.min(bytes.length, at + cut);
        }
        entries.push(...parser.push(bytes.subarray(at)));
        expect(
          entries.map(({ text, partial, stream }) => ({
            text: text.toString(),
            partial,
            stream: stream === 1 ? 'stdout' : 'stderr',
          })),
        ).toEqual(pieces);
      }),
    );
  });

  test('with a line in it that no monitor wrote loses only that', () => {
    const parser = new LogParser();
    expect(parser.push(Buffer.from(`\0\0\0\n${line('a')}x\n${line('b')}`)).map(({ text }) => text.toString())).toEqual([
      'a',
      'b',
    ]);
  });

  test('has times to the nanosecond, in any zone', () => {
    const times = new TimeReader();
    expect(renderTime(times.read(Buffer.from('2026-01-02T03:04:05.678901234+00:00')))).toBe(
      '2026-01-02T03:04:05.678901234Z',
    );
    expect(renderTime(times.read(Buffer.from('2026-01-02T03:04:05.1+02:30')))).toBe('2026-01-02T00:34:05.100000000Z');
  });

  test('that is not there yet is empty', async () => {
    expect(await read(atBeginning(path))).toBe('');
    expect(await read(atTail(path, 5, signal))).toBe('');
  });

  test.each([0, 1, 3, 1000, 5000, 9999])('gives its last %i lines', async (count) => {
    const lines = Array.from({ length: 5000 }, (_, index) => `line ${index} ${'x'.repeat(index % 70)}`);
    writeFileSync(path, lines.map((text) => line(text)).join(''));
    expect(await read(atTail(path, count, signal))).toBe(
      lines
        .slice(Math.max(0, lines.length - count))
        .map((text) => `${text}\n`)
        .join('')
        .slice(count === 0 ? Infinity : 0),
    );
  });

  test('counts a line in pieces once, and one without an end too', async () => {
    writeFileSync(path, line('a') + line('b1', 'P') + line('b2') + line('c', 'P'));
    expect(await read(atTail(path, 1, signal))).toBe('c');
    expect(await read(atTail(path, 2, signal))).toBe('b1b2\nc');
    expect(await read(atTail(path, 3, signal))).toBe('a\nb1b2\nc');
  });

  describe.each(['plain', 'packed'])('in three %s parts of two seconds and 200 KB each', (form) => {
    const second = (at: number) => renderTime(BigInt(at) * 1_000_000n);
    const times = Array.from({ length: 6000 }, (_, ms) => ms);
    const entry = (ms: number) => `${second(ms)} stdout F ${ms} ${'x'.repeat(ms % 120)}\n`;
    const writePart = (number: number, text: string) => {
      if (form === 'packed') writeFileSync(`${path}.${number}.gz`, gzipSync(text));
      else writeFileSync(`${path}.${number}`, text);
    };
    beforeEach(() => {
      writePart(2, times.slice(0, 2000).map(entry).join(''));
      writePart(1, times.slice(2000, 4000).map(entry).join(''));
      writeFileSync(path, times.slice(4000).map(entry).join(''));
    });

    test.each([0, 1, 1000, 1999, 2000, 2001, 3500, 4000, 5999, 6000])(
      'begins %i ms after its beginning',
      async (ms) => {
        const sinceNs = BigInt(ms) * 1_000_000n;
        const start = atTime(path, sinceNs);
        const said = await read(start, { filter: { ...everything, sinceNs } });
        expect(said.match(/^\d+/gm) ?? []).toEqual(times.slice(ms).map(String));
      },
    );

    test.each([3, 2500, 5000])('gives its last %i lines', async (count) => {
      const said = await read(atTail(path, count, signal));
      expect(said.match(/^\d+/gm)).toEqual(times.slice(-count).map(String));
    });

    test('is not read from its beginning for its end', async () => {
      const all = await read(atTime(path, 5_990_000_000n));
      expect(all.length).toBeLessThan(2 * 64 * 1024);
    });

    test('of which nothing is shown leaves everything else its turn', async () => {
      writeFileSync(path, entry(0).repeat(200_000));
      let turns = 0;
      const turn = () => {
        turns += 1;
        next = setImmediate(turn);
      };
      let next = setImmediate(turn);
      const onlyErrors = { filter: { ...everything, stdout: false } };
      expect(await read(atBeginning(path), onlyErrors)).toBe('');
      const whileSkipped = turns;
      const tail = await atTail(path, 200_000, signal);
      const whileCounted = turns - whileSkipped;
      clearImmediate(next);
      expect(await read(tail, onlyErrors)).toBe('');
      expect(whileSkipped).toBeGreaterThan(1);
      expect(whileCounted).toBeGreaterThan(1);
    });
  });

  test('in several parts is one log', async () => {
    writeFileSync(`${path}.2`, line('1') + line('2'));
    writeFileSync(`${path}.1`, line('3'));
    writeFileSync(path, line('4') + line('5'));
    expect(await read(atBeginning(path))).toBe('1\n2\n3\n4\n5\n');
    expect(await read(atTail(path, 3, signal))).toBe('3\n4\n5\n');
    expect(await read(atTail(path, 4, signal))).toBe('2\n3\n4\n5\n');
  });

  test('in parts is one log, and holds each line once, when one is packed while it is read', async () => {
    writeFileSync(`${path}.2`, line('1'));
    writeFileSync(`${path}.1`, line('2'));
    const seconds = 1_700_000_000.123456;
    utimesSync(`${path}.1`, seconds, seconds);
    writeFileSync(path, line('3'));
    const [all, last] = [atBeginning(path), await atTail(path, 2, signal)];
    await packPart(path);
    expect(readdirSync(folder).sort()).toEqual(['log', 'log.1.gz', 'log.2']);
    expect(await read(all)).toBe('1\n2\n3\n');
    expect(await read(last)).toBe('2\n3\n');
    expect(await read(atTail(path, 2, signal))).toBe('2\n3\n');
    expect(readdirSync(folder)).toHaveLength(3); // what was unpacked for it has no name
  });

  test('in packed parts has none unpacked that ended before what is wanted', async () => {
    writeFileSync(`${path}.1.gz`, 'nobody can unpack this');
    utimesSync(`${path}.1.gz`, 1, 1);
    writeFileSync(path, line('3'));
    expect(await read(atTime(path, 5_000_000_000n))).toBe('3\n');
    await expect(read(atTime(path, 1_500_000_000n))).rejects.toThrow('incorrect header check');
  });

  test.each(['plain', 'packed'])('is followed over rotations to its end, into parts that are %s', async (form) => {
    writeFileSync(path, line('old'));
    let end: () => void = () => undefined;
    const until = new Promise<void>((resolve) => (end = resolve));
    let said = '';
    const follow = async (): Promise<void> => {
      for await (const { payload } of chunksOf(
        readLog(path, () => start, { until, signal }),
        everything,
      )) {
        said += payload.toString();
      }
    };
    const start = atEnd(path);
    const followed = follow();
    for (let part = 0; part < 3; part += 1) {
      appendFileSync(path, line(`${part}a`) + line(`${part}b`));
      renameSync(path, `${path}.1`);
      appendFileSync(`${path}.1`, line(`${part}c`)); // the monitor has not noticed yet
      writeFileSync(path, '');
      await expect.poll(() => said).toContain(`${part}c\n`); // a second rotation would take away what it has not read
      if (form === 'packed') await packPart(path);
    }
    appendFileSync(path, line('last'));
    end();
    await followed;
    expect(said).toBe('0a\n0b\n0c\n1a\n1b\n1c\n2a\n2b\n2c\nlast\n');
  });

  test('marks lines with their time once, also those in pieces', async () => {
    writeFileSync(path, line('b1', 'P') + line('b2') + line('c'));
    expect(await read(atBeginning(path), { filter: { ...everything, timestamps: true } })).toBe(
      '2026-01-02T03:04:05.678901234Z b1b2\n2026-01-02T03:04:05.678901234Z c\n',
    );
  });
});

describe('logs of several containers', () => {
  const base = Date.parse('2026-01-02T03:04:05Z');
  const at = (index: number) => new Date(base + index).toISOString().replace('Z', '000000+00:00');
  const logOf = (source: number) => ({
    source,
    open: () => readLog(`${path}-${source}`, () => atBeginning(`${path}-${source}`), { signal }),
  });

  /** Each source's output is taken for itself, as whole lines. */
  async function merged(sources: number, how = {}, extra: Parameters<typeof mergeByTime>[0] = []): Promise<string[]> {
    const lines: string[] = [];
    const logs = [...Array.from({ length: sources }, (_, source) => logOf(source)), ...extra];
    for await (const { source, stream, payload } of mergeByTime(logs, { tail: 'all', ...how })) {
      const text = payload.toString().replace(/\n$/, '');
      for (const one of text.split('\n')) lines.push(`${source}:${stream} ${one.split(' ').at(-1) ?? ''}`);
    }
    return lines;
  }

  test('come in the order of time, however they are spread', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(4), { maxLength: 300 }), async (owners) => {
        for (let source = 0; source <= 4; source++) {
          const own = owners.flatMap((owner, index) => (owner === source ? [`${at(index)} stdout F ${index}\n`] : []));
          writeFileSync(`${path}-${source}`, own.join(''));
        }
        expect(await merged(5)).toEqual(owners.map((owner, index) => `${owner}:1 ${index}`));
      }),
      { numRuns: 30 },
    );
  });

  test('are larger than what is read at a time, and end where they are wanted to', async () => {
    const long = 'x'.repeat(100);
    for (const source of [0, 1]) {
      const lines = Array.from({ length: 2000 }, (_, index) => `${at(2 * index + source)} stderr F ${long}${index}\n`);
      writeFileSync(`${path}-${source}`, lines.join(''));
    }
    const all = Array.from({ length: 4000 }, (_, index) => `${index % 2}:2 ${long}${Math.floor(index / 2)}`);
    expect(await merged(2)).toEqual(all);
    const untilNs = BigInt(base + 2999) * 1_000_000n;
    const sinceNs = BigInt(base + 1000) * 1_000_000n;
    expect(await merged(2, { sinceNs, untilNs })).toEqual(all.slice(1000, 3000));
  });

  test('go on without one that cannot be read, which says why', async () => {
    writeFileSync(`${path}-0`, `${at(1)} stdout F here\n`);
    const refused = {
      source: 7,
      open: () => {
        throw new Error('no log is kept');
      },
    };
    expect(await merged(2, {}, [refused])).toEqual(['7:3 kept', '0:1 here']);
  });
});

test.each([
  ['10m', 10 << 20],
  ['1k', 1024],
  ['2GB', 2 * 2 ** 30],
  ['512', 512],
  ['-1', undefined],
  ['', undefined],
])('a size of %j', (text, bytes) => {
  expect(parseSize(text)).toBe(bytes);
});
