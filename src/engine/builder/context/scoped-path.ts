import { lstatSync } from 'node:fs';
import { errnoOf } from '../../../base/errors.js';
import { fileName } from '../../../base/tar/names.js';
import { readLink } from '../../../base/tar/read-names.js';

/** Linux gives up at 40 links (path_resolution(7)). */
const maxLinks = 40;

export interface ScopedPath {
  /** Without a leading slash, no element of it a symbolic link except where the last was to be kept; `` is the root. */
  readonly path: string;
  readonly exists: boolean;
}

/**
 * Follows `path` as a process chrooted into `root` would: absolute links start at `root`, `..` stops there. Elements
 * that do not exist are kept as written. The tree must not change meanwhile.
 * @throws Error ELOOP, ENOTDIR as the system would
 */
export function resolveInRoot(root: string, path: string, last: 'follow-last' | 'keep-last'): ScopedPath {
  const pending = elements(path).reverse();
  const done: string[] = [];
  let links = 0;
  let exists = true;
  for (let element = pending.pop(); element !== undefined; element = pending.pop()) {
    if (element === '..') {
      done.pop();
      continue;
    }
    const candidate = [...done, element].join('/');
    const target = exists && (pending.length > 0 || last === 'follow-last') ? linkTarget(root, candidate) : 'other';
    if (exists && target === undefined) exists = false;
    if (typeof target === 'object') {
      if (++links > maxLinks) throw failure('ELOOP', `too many symbolic links in ${path}`);
      if (target.link.startsWith('/')) done.length = 0;
      pending.push(...elements(target.link).reverse());
      continue;
    }
    done.push(element);
  }
  const resolved = done.join('/');
  return { path: resolved, exists: exists && (last === 'follow-last' || isThere(`${root}/${resolved}`)) };
}

/** The target of a link, `other` for anything else that is there, undefined for what is not. */
function linkTarget(root: string, path: string): { link: string } | 'other' | undefined {
  const whole = `${root}/${path}`;
  try {
    return lstatSync(fileName(whole)).isSymbolicLink() ? { link: readLink(whole) } : 'other';
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function isThere(path: string): boolean {
  return lstatSync(fileName(path), { throwIfNoEntry: false }) !== undefined;
}

function elements(path: string): string[] {
  return path.split('/').filter((element) => element !== '' && element !== '.');
}

function failure(code: string, message: string): Error {
  return Object.assign(new Error(`${code}: ${message}`), { code });
}
