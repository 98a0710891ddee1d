import { createHash } from 'node:crypto';
import { lstatSync } from 'node:fs';
import { posix } from 'node:path';
import { type Digest, digestFromHex } from '../../../base/digest.js';
import { errnoOf, TscomposeError } from '../../../base/errors.js';
import { breather } from '../../../base/breathe.js';
import type { FileDigests } from './file-digests.js';
import { globToRegExp, hasWildcards } from '../../../base/glob.js';
import { type IgnoreRules, parseIgnore } from '../../../base/ignore-rules.js';
import { fileName } from '../../../base/tar/names.js';
import { readNames } from '../../../base/tar/read-names.js';
import type { PathName } from '../../sys/index.js';
import { resolveInRoot } from './scoped-path.js';
import { type TreeEntry, walkTree } from './tree.js';
import '../errors.js';

/** A directory that files are copied from: the build context, or what a stage or an image holds. */
export interface SourceTree {
  readonly root: string;
  readonly kind: 'context' | 'snapshot';
  readonly ignore: IgnoreRules;
  readonly digests: FileDigests;
}

/** One source of a COPY after wildcards. */
export interface SelectedItem {
  /** Its last element as written or matched: what it is called in a destination directory. */
  readonly name: string;
  /** With `--parents`: the directories that come along, relative to the destination. */
  readonly parents?: string;
  /** Where it is, relative to the tree's root, links followed. */
  readonly start: string;
  readonly isDirectory: boolean;
  /** The item itself first, under the path ``. */
  readonly entries: readonly TreeEntry[];
}

export interface SelectionRequest {
  readonly tree: SourceTree;
  readonly patterns: readonly string[];
  readonly exclude: readonly string[];
  readonly parents: boolean;
  readonly signal: AbortSignal;
}

/**
 * Finds what the sources of a COPY or ADD name.
 * @throws `build/source-missing` in Docker's words
 */
export async function select({ tree, patterns, exclude, parents, signal }: SelectionRequest): Promise<SelectedItem[]> {
  const items: SelectedItem[] = [];
  const excluded = exclude.length === 0 ? undefined : parseIgnore(exclude.join('\n'));
  for (const pattern of patterns) {
    const found = await selectPattern(tree, pattern, parents, signal);
    // As BuildKit: a wildcard may match nothing, for people write `COPY package.json yarn.lock* ./`.
    if (found.length === 0 && !hasWildcards(pattern)) throw sourceMissing(tree, pattern);
    for (const item of found) {
      if (excluded === undefined) {
        items.push(item);
      } else if (item.isDirectory) {
        items.push({ ...item, entries: entriesKept(item.entries, excluded) });
      } else if (!excluded.ignores(item.name)) {
        items.push(item);
      }
    }
  }
  return items;
}

/** As {@link walkTree}: a directory that is left out but holds something let in again is kept. */
function entriesKept(entries: readonly TreeEntry[], excluded: IgnoreRules): TreeEntry[] {
  const kept = new Set(['']);
  for (const { path } of entries) {
    if (excluded.ignores(path)) continue;
    for (let one = path; !kept.has(one); one = one.slice(0, Math.max(one.lastIndexOf('/'), 0))) kept.add(one);
  }
  return entries.filter(({ path }) => kept.has(path));
}

async function selectPattern(
  tree: SourceTree,
  pattern: string,
  parents: boolean,
  signal: AbortSignal,
): Promise<SelectedItem[]> {
  const pivot = parents ? pattern.indexOf('/./') : -1;
  const clean = posix.resolve('/', pattern).slice(1); // `..` stops at the tree's root, as in BuildKit
  const pivotDepth = pivot < 0 ? 0 : elementsOf(pattern.slice(0, pivot)).length;
  const items: SelectedItem[] = [];
  for (const path of hasWildcards(clean) ? expandWildcards(tree.root, clean, parents) : [clean]) {
    const resolved = resolveSource(tree, path);
    if (resolved === undefined) {
      if (path === clean || tree.ignore.ignores(path)) continue;
      throw sourceMissing(tree, path); // a name that the wildcard matched, of a link to nothing
    }
    const entries = await walkTree({ root: tree.root, start: resolved, ignore: tree.ignore, signal });
    const [first] = entries;
    if (first === undefined) continue;
    items.push({
      name: posix.basename(path),
      start: resolved,
      isDirectory: first.type === 'directory',
      entries,
      ...(parents ? { parents: elementsOf(path).slice(pivotDepth, -1).join('/') } : {}),
    });
  }
  return items;
}

/** Undefined where nothing is there, also for a link that leads nowhere inside the tree. */
function resolveSource(tree: SourceTree, path: string): string | undefined {
  try {
    const resolved = resolveInRoot(tree.root, path, 'follow-last');
    return resolved.exists ? resolved.path : undefined;
  } catch (error) {
    if (errnoOf(error) === 'ENOTDIR' || errnoOf(error) === 'ELOOP') return undefined;
    throw error;
  }
}

/**
 * Matches element by element, for no wildcard of Go's crosses a slash. Links to directories are followed up to the first
 * wildcard only, and a match is what is there: of many directories only some hold a file, which is no mistake. Sorted.
 * @param deep - `**` stands for any number of directories, as with `--parents`
 */
function expandWildcards(root: string, pattern: string, deep: boolean): string[] {
  const elements = elementsOf(pattern);
  const first = elements.findIndex(hasWildcards);
  const start = elements.slice(0, first).join('/');
  const under = (parent: string, name: string): string => (parent === '' ? name : `${parent}/${name}`);
  let found = [start];
  for (const element of elements.slice(first)) {
    const parents = found.filter((path) => path === start || isDirectory(root, path));
    if (deep && element === '**') {
      found = [...new Set(parents.flatMap((parent) => [parent, ...directoriesBelow(root, parent)]))];
    } else if (hasWildcards(element)) {
      const matcher = globToRegExp(element);
      found = parents.flatMap((parent) =>
        namesIn(root, parent)
          .filter((name) => matcher.test(name))
          .map((name) => under(parent, name)),
      );
    } else {
      found = parents.map((parent) => under(parent, element)).filter((path) => isThere(root, path));
    }
  }
  return found.sort();
}

/** All directories under one, at any depth; links are not followed. */
function directoriesBelow(root: string, path: string): string[] {
  return namesIn(root, path).flatMap((name) => {
    const inside = path === '' ? name : `${path}/${name}`;
    return isDirectory(root, inside) ? [inside, ...directoriesBelow(root, inside)] : [];
  });
}

function isThere(root: string, path: string): boolean {
  try {
    return resolveInRoot(root, path, 'keep-last').exists;
  } catch (error) {
    if (errnoOf(error) === 'ENOTDIR' || errnoOf(error) === 'ELOOP') return false;
    throw error;
  }
}

/** Not a link to one. */
function isDirectory(root: string, path: string): boolean {
  const { path: found } = resolveInRoot(root, path, 'keep-last');
  return lstatSync(fileName(`${root}/${found}`), { throwIfNoEntry: false })?.isDirectory() === true;
}

function namesIn(root: string, path: string): string[] {
  try {
    const { path: directory } = resolveInRoot(root, path, 'follow-last');
    return readNames(directory === '' ? root : `${root}/${directory}`);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR' || errnoOf(error) === 'ELOOP') return [];
    throw error;
  }
}

/** A digest over names, types, modes, contents and, from a snapshot, owners; not over times. */
export async function digestItems(
  tree: SourceTree,
  items: readonly SelectedItem[],
  signal: AbortSignal,
): Promise<Digest> {
  const hash = createHash('sha256');
  const pause = breather(signal);
  for (const item of items) {
    // The name of a directory says where its content goes only with `--parents`.
    const name = item.isDirectory && item.parents === undefined ? '' : item.name;
    hash.update(`${JSON.stringify([name, item.parents ?? null, item.isDirectory])}\n`);
    for (const entry of item.entries) {
      await pause();
      hash.update(`${JSON.stringify(await describe(tree, item, entry, signal))}\n`);
    }
  }
  return digestFromHex(hash.digest('hex'));
}

async function describe(
  tree: SourceTree,
  item: SelectedItem,
  entry: TreeEntry,
  signal: AbortSignal,
): Promise<readonly unknown[]> {
  const owner = tree.kind === 'snapshot' ? [entry.uid, entry.gid] : [];
  const facts = [entry.path, entry.type, ...owner];
  switch (entry.type) {
    case 'file': {
      const hashed = tree.digests.of(wholePath(tree, item, entry), entry, signal);
      return [...facts, entry.mode, typeof hashed === 'string' ? hashed : await hashed];
    }
    case 'symlink':
      return [...facts, entry.linkTarget];
    case 'directory':
      // The mode of the directory that is copied is not copied: its content goes into the destination.
      return entry.path === '' ? facts : [...facts, entry.mode];
    case 'fifo':
    case 'socket':
      return [...facts, entry.mode];
    case 'character-device':
    case 'block-device':
      return [...facts, entry.mode, String(entry.stats.rdev)];
  }
}

/** Where an entry of an item is on this machine. */
export function wholePath(tree: SourceTree, item: SelectedItem, entry: TreeEntry): PathName {
  return fileName([tree.root, item.start, entry.path].filter((part) => part !== '').join('/'));
}

function elementsOf(path: string): string[] {
  return path.split('/').filter((element) => element !== '' && element !== '.');
}

function sourceMissing(tree: SourceTree, pattern: string): TscomposeError<'build/source-missing'> {
  const shown = pattern.replace(/^\/+/, '');
  const where = tree.kind === 'context' ? 'file not found in build context or excluded by .dockerignore: ' : '';
  const message = `COPY failed: ${where}stat ${shown}: file does not exist`;
  return new TscomposeError({ code: 'build/source-missing', message, facts: { source: pattern } });
}
