import { randomUUID } from 'node:crypto';
import { open, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errnoOf } from './errors.js';

export interface ReplaceOptions {
  readonly mode?: number;
  /** `durable` survives a power cut (two fsyncs); `atomic` survives only a crash of the process. */
  readonly strength?: 'durable' | 'atomic';
}

/** Replaces `path`; after a crash a reader finds the old bytes or the new, never a mix. */
export async function replaceFile(
  path: string,
  bytes: string | Uint8Array,
  { mode = 0o600, strength = 'durable' }: ReplaceOptions = {},
): Promise<void> {
  const temporary = `${path}.${randomUUID()}.tmp`; // same directory: rename() is atomic only within a filesystem
  try {
    const file = await open(temporary, 'wx', mode);
    try {
      await file.writeFile(bytes);
      if (strength === 'durable') await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true });
    throw cause;
  }
  if (strength === 'durable') await syncDirectory(dirname(path)); // without it a power cut can lose the rename itself
}

export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/** The text of a file, or undefined where there is none. */
export async function readIfPresent(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}
