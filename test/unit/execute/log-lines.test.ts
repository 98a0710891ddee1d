import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LineAssembler, sortableTime, unixTime } from '../../../src/execute/log-lines.js';
import { LogPosition } from '../../../src/execute/log-position.js';

const time = '2026-01-01T00:00:00.000000001Z';

test('a record is a line with its stamp', () => {
  const lines = new LineAssembler();
  expect(lines.push(1, Buffer.from(`${time} hello\n`))).toEqual([{ stream: 1, time, text: 'hello' }]);
});

test('a long line that comes in several stamped records is one line', () => {
  const lines = new LineAssembler();
  expect(lines.push(1, Buffer.from(`${time} abc`))).toEqual([]);
  expect(lines.push(2, Buffer.from(`${time} err\n`))).toEqual([{ stream: 2, time, text: 'err' }]);
  expect(lines.push(1, Buffer.from(`${time} def\n`))).toEqual([{ stream: 1, time, text: 'abcdef' }]);
});

test('an unended last line comes at the end, an empty line is a line', () => {
  const lines = new LineAssembler();
  expect(lines.push(1, Buffer.from(`${time} \n${time} rest`)).map(({ text }) => text)).toEqual(['']);
  expect(lines.end().map(({ text }) => text)).toEqual(['rest']);
});

test('text is the same however the bytes of a terminal are cut', () => {
  const text = ['grün', '', '☂ ☃', 'x'.repeat(50)];
  const bytes = Buffer.from(text.map((line) => `${time} ${line}\r\n`).join(''));
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: bytes.length })), (cuts) => {
      const places = [0, ...cuts, bytes.length].sort((a, b) => a - b);
      const lines = new LineAssembler();
      const found = places.slice(1).flatMap((end, index) => lines.push(1, bytes.subarray(places[index], end)));
      expect([...found, ...lines.end()].map((line) => [line.time, line.text])).toEqual(
        text.map((line) => [time, line]),
      );
    }),
  );
});

test('stamps compare by time, with fractions of any length', () => {
  const [tenth, tenthInFull] = ['2026-01-01T00:00:00.1Z', '2026-01-01T00:00:00.100000000Z'].map(sortableTime);
  expect(tenth).toBe(tenthInFull);
  const rising = ['2026-01-01T00:00:00Z', '2026-01-01T00:00:00.000000001Z', tenth, '2026-01-01T00:00:00.9Z'];
  expect(rising.map((time) => sortableTime(time ?? '')).sort()).toEqual(rising.map((time) => sortableTime(time ?? '')));
  expect(unixTime(time)).toBe('1767225600.000000001');
});

test('reading goes on after the last line, also among lines of one stamp', () => {
  const line = (text: string) => ({ stream: 1 as const, time, text });
  const position = new LogPosition();
  expect(position.resume()).toBeUndefined();
  position.advance(line('a'));
  position.advance(line('b'));
  const resumed = position.resume();
  expect(resumed?.query).toEqual({ since: '1767225600.000000001' });
  expect(['a', 'b', 'c'].map((text) => resumed?.isNew(line(text)))).toEqual([false, false, true]);
});

test('where only the end was read, lines of its one stamp before it do not come after it', () => {
  const line = (text: string, stamp = time) => ({ stream: 1 as const, time: stamp, text });
  const written = ['1', '2', '3', '4'].map((text) => line(text));
  const position = new LogPosition();
  for (const read of written.slice(-2)) position.advance(read);
  const isNew = position.resume('end')?.isNew;
  expect(written.filter((read) => isNew?.(read))).toEqual([]);
  expect(isNew?.(line('5', '2026-01-01T00:00:00.100000000Z'))).toBe(true);
});
