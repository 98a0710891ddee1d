import { readdirSync, readlinkSync } from 'node:fs';
import { decodeName, fileName } from './names.js';

/** The names in a directory, in byte order, also those that are not UTF-8 (see {@link decodeName}). */
export function readNames(directory: string): string[] {
  return readdirSync(fileName(directory), { encoding: 'buffer' })
    .sort((left, right) => left.compare(right))
    .map(decodeName);
}

/** What a symbolic link leads to, as written. */
export function readLink(path: string): string {
  return decodeName(readlinkSync(fileName(path), { encoding: 'buffer' }));
}
