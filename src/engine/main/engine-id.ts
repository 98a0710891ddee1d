import { randomUUID } from 'node:crypto';
import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import { digestOf, hexOf } from '../../base/digest.js';
import { readIfPresent, replaceFile } from '../../base/durable-file.js';

/** Eight hex digits that tell engines on one host apart, in names of links, rules and control groups. */
export function shortEngineId(dataRoot: string): string {
  return hexOf(digestOf(realpathSync(dataRoot))).slice(0, 8);
}

const uuidPattern = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** The id that `docker info` shows: made once for a data root. */
export async function readEngineUuid(dataRoot: string): Promise<string> {
  const path = join(dataRoot, 'engine-id');
  const known = (await readIfPresent(path))?.trim() ?? '';
  if (uuidPattern.test(known)) return known;
  const made = randomUUID();
  await replaceFile(path, `${made}\n`);
  return made;
}
