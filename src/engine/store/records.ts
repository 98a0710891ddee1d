import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { readIfPresent, replaceFile, type ReplaceOptions } from '../../base/durable-file.js';
import { errnoOf } from '../../base/errors.js';
import type { Log } from '../../base/log.js';

export interface RecordsOptions<T> {
  /** Made when missing, mode 0700. */
  readonly dir: string;
  /** Version that `put` writes. */
  readonly schema: number;
  /** Checks a record of the current schema and gives it its type. @throws anything when the value is not one */
  readonly parse: (value: unknown) => T;
  /** Entry `n` turns a record of schema `n` into one of schema `n + 1`. */
  readonly migrations?: Readonly<Record<number, (value: unknown) => unknown>>;
  /** A record lies in `<dir>/<id>.json`, or with this in `<dir>/<id>/<nestedFile>`. */
  readonly nestedFile?: string;
  readonly log: Log;
}

/**
 * JSON records on disk, one file each, with a copy in memory that never runs ahead of the disk.
 * Ids are 1 to 200 characters of `[A-Za-z0-9_.-]`, not starting with a dot.
 */
export interface Records<T> {
  get(id: string): T | undefined;
  /** Sorted by id. */
  list(): readonly T[];
  entries(): readonly (readonly [id: string, record: T])[];
  /** Writes in call order per id; resolves once the file is replaced. Default `atomic`: survives a crash, not a power cut. */
  put(id: string, record: T, strength?: NonNullable<ReplaceOptions['strength']>): Promise<void>;
  /** Idempotent. In the nested layout the folder stays; it is its owner's. */
  delete(id: string): Promise<void>;
}

/** Reads every record under `dir`. A file nobody can read is set aside as `….corrupt` and logged, never fatal. */
export async function openRecords<T>(options: RecordsOptions<T>): Promise<Records<T>> {
  await mkdir(options.dir, { recursive: true, mode: 0o700 });
  const memory = new Map<string, T>();
  for (const [id, path] of await recordFiles(options)) {
    const record = await readRecord(path, options);
    if (record !== undefined) memory.set(id, record);
  }

  const turns = new Map<string, Promise<void>>();
  const inTurn = (id: string, work: () => Promise<void>): Promise<void> => {
    const turn = (turns.get(id) ?? Promise.resolve()).then(work, work);
    turns.set(id, turn);
    const clear = () => {
      if (turns.get(id) === turn) turns.delete(id);
    };
    turn.then(clear, clear);
    return turn;
  };
  const entries = () => [...memory].sort(([left], [right]) => (left < right ? -1 : 1));

  return {
    get: (id) => memory.get(id),
    list: () => entries().map(([, record]) => record),
    entries,
    put: (id, record, strength = 'atomic') => {
      const path = pathOf(id, options);
      const text = `${JSON.stringify({ schema: options.schema, record })}\n`; // now: the caller may change it later
      return inTurn(id, async () => {
        if (options.nestedFile !== undefined) await mkdir(dirname(path), { recursive: true, mode: 0o700 });
        await replaceFile(path, text, { strength });
        memory.set(id, record);
      });
    },
    delete: (id) => {
      const path = pathOf(id, options);
      return inTurn(id, async () => {
        await rm(path, { force: true });
        memory.delete(id);
      });
    },
  };
}

const idPattern = /^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,199}$/;

function pathOf(id: string, { dir, nestedFile }: { dir: string; nestedFile?: string }): string {
  if (!idPattern.test(id)) throw new Error(`bug: not a record id: ${JSON.stringify(id)}`);
  return nestedFile === undefined ? join(dir, `${id}.json`) : join(dir, id, nestedFile);
}

/** The record files found, and the remains of interrupted writes removed. */
async function recordFiles<T>({ dir, nestedFile }: RecordsOptions<T>): Promise<[id: string, path: string][]> {
  const found: [string, string][] = [];
  for (const entry of await readdir(dir, { withFileTypes: true })) {
    if (nestedFile === undefined) {
      if (isRemains(entry.name)) await rm(join(dir, entry.name), { force: true });
      else if (entry.isFile() && entry.name.endsWith('.json'))
        found.push([basename(entry.name, '.json'), join(dir, entry.name)]);
    } else if (entry.isDirectory() && idPattern.test(entry.name)) {
      for (const name of await readdir(join(dir, entry.name))) {
        if (name.startsWith(`${nestedFile}.`) && isRemains(name))
          await rm(join(dir, entry.name, name), { force: true });
      }
      found.push([entry.name, join(dir, entry.name, nestedFile)]);
    }
  }
  return found;
}

/** What `replaceFile` leaves when the process dies in it. */
function isRemains(name: string): boolean {
  return /\.[0-9a-f-]{36}\.tmp$/.test(name);
}

async function readRecord<T>(path: string, options: RecordsOptions<T>): Promise<T | undefined> {
  const text = await readIfPresent(path);
  if (text === undefined) return undefined;
  try {
    return options.parse(migrate(JSON.parse(text), options));
  } catch (error) {
    const aside = `${path}.${Date.now()}.corrupt`;
    options.log.error('record set aside: it cannot be read', { path, aside, error });
    await rename(path, aside).catch((failure: unknown) => {
      options.log.error('cannot set a record aside', { path, errno: errnoOf(failure) });
    });
    return undefined;
  }
}

function migrate<T>(file: unknown, { schema, migrations = {} }: RecordsOptions<T>): unknown {
  if (!isRecordFile(file)) throw new Error('not a record file: no schema');
  if (file.schema > schema) throw new Error(`written by a newer version: schema ${file.schema}, known up to ${schema}`);
  let value = file.record;
  for (let version = file.schema; version < schema; version += 1) {
    const step = migrations[version];
    if (step === undefined) throw new Error(`no migration from schema ${version}`);
    value = step(value);
  }
  return value;
}

function isRecordFile(value: unknown): value is { schema: number; record: unknown } {
  return (
    typeof value === 'object' &&
    value !== null &&
    'record' in value &&
    'schema' in value &&
    Number.isInteger(value.schema)
  );
}
