import { lstatSync, type Stats } from 'node:fs';
import { errnoOf } from '../base/errors.js';

/** What is at a path, links not followed; undefined: nothing, also where a file has taken the place of its folder. */
export function look(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch (error) {
    if (errnoOf(error) === 'ENOTDIR') return undefined;
    throw error;
  }
}
