import { readdirSync, readFileSync, writeFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createLog, silentLog } from '../../../../src/base/log.js';
import { openRecords, type RecordsOptions } from '../../../../src/engine/store/index.js';
import { folderPerTest } from '../../../support/test-folder.js';

interface Thing {
  readonly name: string;
}

let dir: string;
folderPerTest((path) => (dir = path));

function parse(value: unknown): Thing {
  if (typeof value === 'object' && value !== null && 'name' in value && typeof value.name === 'string') {
    return { name: value.name };
  }
  throw new Error('not a thing');
}

const options = (more: Partial<RecordsOptions<Thing>> = {}): RecordsOptions<Thing> => ({
  dir,
  schema: 1,
  parse,
  log: silentLog,
  ...more,
});

test('what was put is there for the next process', async () => {
  const first = await openRecords(options());
  await first.put('b', { name: 'second' });
  await first.put('a', { name: 'first' }, 'durable');
  const next = await openRecords(options());
  expect(next.list()).toEqual([{ name: 'first' }, { name: 'second' }]);
  expect(next.get('b')).toEqual({ name: 'second' });
});

test('a record becomes visible only once it is on disk, and then stays as it was when put', async () => {
  const records = await openRecords(options());
  const thing = { name: 'old' };
  const written = records.put('a', thing);
  expect(records.get('a')).toBeUndefined();
  await written;
  expect(records.get('a')).toEqual({ name: 'old' });
});

test('changes of one record take effect in the order of the calls', async () => {
  const records = await openRecords(options());
  const steps = Array.from({ length: 20 }, (_, index) => records.put('a', { name: String(index) }));
  await Promise.all([...steps, records.delete('a'), records.put('a', { name: 'last' })]);
  expect((await openRecords(options())).list()).toEqual([{ name: 'last' }]);
});

test('delete is final and may be repeated', async () => {
  const records = await openRecords(options());
  await records.put('a', { name: 'x' });
  await records.delete('a');
  await records.delete('a');
  expect(records.list()).toEqual([]);
  expect(readdirSync(dir)).toEqual([]);
});

test('a file that cannot be read is set aside, logged, and costs no other record', async () => {
  writeFileSync(join(dir, 'bad.json'), '{"schema":1,"rec');
  writeFileSync(join(dir, 'wrong.json'), '{"schema":1,"record":{"nome":"x"}}');
  writeFileSync(join(dir, 'good.json'), '{"schema":1,"record":{"name":"x"}}');
  const lines: string[] = [];
  const records = await openRecords(options({ log: createLog((line) => lines.push(line), 'info') }));
  expect(records.entries()).toEqual([['good', { name: 'x' }]]);
  expect(lines).toHaveLength(2);
  expect(readdirSync(dir).filter((name) => name.endsWith('.corrupt'))).toHaveLength(2);
});

test('old schemas are migrated step by step; a newer one is left alone', async () => {
  writeFileSync(join(dir, 'old.json'), '{"schema":1,"record":{"title":"x"}}');
  writeFileSync(join(dir, 'new.json'), '{"schema":9,"record":{"name":"x"}}');
  const records = await openRecords(
    options({
      schema: 3,
      migrations: {
        1: (value) => ({ label: (value as { title: string }).title }),
        2: (value) => ({ name: `${(value as { label: string }).label}!` }),
      },
    }),
  );
  expect(records.entries()).toEqual([['old', { name: 'x!' }]]);
  await records.put('old', { name: 'y' });
  expect(JSON.parse(readFileSync(join(dir, 'old.json'), 'utf8'))).toEqual({ schema: 3, record: { name: 'y' } });
});

test('what an interrupted write left is swept', async () => {
  const remains = 'a.json.0b0b0b0b-1111-4222-8333-444444444444.tmp';
  writeFileSync(join(dir, remains), 'half');
  await openRecords(options());
  expect(readdirSync(dir)).toEqual([]);
});

test('nested records share their folder with files of others', async () => {
  const nested = options({ nestedFile: 'thing.json' });
  const records = await openRecords(nested);
  await records.put('one', { name: 'x' });
  writeFileSync(join(dir, 'one', 'log'), 'lines');
  mkdirSync(join(dir, 'empty'));
  expect((await openRecords(nested)).entries()).toEqual([['one', { name: 'x' }]]);
  await records.delete('one');
  expect(readdirSync(join(dir, 'one'))).toEqual(['log']);
});

test.each(['', '.', '..', 'a/b', '.hidden'])('the id %j is refused', async (id) => {
  const records = await openRecords(options());
  expect(() => records.put(id, { name: 'x' })).toThrow(/not a record id/);
});
