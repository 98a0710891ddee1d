import { posix } from 'node:path';
import { BadPattern, globSource } from './glob.js';

/** Which paths of a context are left out. Paths are relative, with slashes, without a leading one. */
export interface IgnoreRules {
  ignores(path: string): boolean;
  /** Whether nothing below an ignored directory can be let in again, so that it need not be entered. */
  prunes(directory: string): boolean;
}

export const ignoreNothing: IgnoreRules = { ignores: () => false, prunes: () => false };

interface Rule {
  readonly readmits: boolean;
  readonly pattern: RegExp;
  /** The part before the first wildcard, in whole path elements. */
  readonly fixedPrefix: string;
}

/**
 * Parses a `.dockerignore` (Dockerfile reference, ".dockerignore file"): one pattern a line in Go's match syntax with
 * `**`; `!` lets in again; the last match decides; a pattern that matches a directory matches all below it.
 * @throws BadPattern
 */
export function parseIgnore(text: string): IgnoreRules {
  const rules: Rule[] = patternsIn(text).map(({ readmits, pattern }) => ({
    readmits,
    pattern: new RegExp(`^${globSource(pattern, 'deep')}$`, 'su'),
    fixedPrefix: fixedPrefix(pattern),
  }));
  if (rules.length === 0) return ignoreNothing;
  const readmitting = rules.filter(({ readmits }) => readmits);
  return {
    ignores: (path) => {
      const withParents = pathAndParents(path);
      let ignored = false;
      for (const { readmits, pattern } of rules) {
        if (readmits === ignored && withParents.some((candidate) => pattern.test(candidate))) ignored = !readmits;
      }
      return ignored;
    },
    prunes: (directory) =>
      readmitting.every(
        ({ fixedPrefix: prefix }) =>
          prefix !== '' && !`${prefix}/`.startsWith(`${directory}/`) && !`${directory}/`.startsWith(`${prefix}/`),
      ),
  };
}

/** The patterns of a `.dockerignore` one by one, clean, with `!` in front where they let in again. @throws BadPattern */
export function ignoredPatterns(text: string): string[] {
  return patternsIn(text).map(({ readmits, pattern }) => (readmits ? `!${pattern}` : pattern));
}

function patternsIn(text: string): { readonly readmits: boolean; readonly pattern: string }[] {
  const patterns: { readmits: boolean; pattern: string }[] = [];
  for (const raw of text.replace(/^\u{feff}/u, '').split(/\r?\n/)) {
    if (raw.startsWith('#')) continue;
    const line = raw.trim();
    if (line === '') continue;
    const readmits = line.startsWith('!');
    const written = readmits ? line.slice(1).trim() : line;
    if (written === '') throw new BadPattern('illegal exclusion pattern: "!"');
    const pattern = cleanPath(written);
    if (pattern !== '') patterns.push({ readmits, pattern }); // `.` and `/` name the context itself: it stays
  }
  return patterns;
}

/** Go's `filepath.Clean` without the leading slash; empty for the root itself. */
function cleanPath(path: string): string {
  const clean = posix.normalize(path).replace(/^\/+|\/+$/g, '');
  return clean === '.' ? '' : clean;
}

function fixedPrefix(pattern: string): string {
  const parts: string[] = [];
  for (const part of pattern.split('/')) {
    if (/[*?[\\]/.test(part)) break;
    parts.push(part);
  }
  return parts.join('/');
}

function pathAndParents(path: string): string[] {
  const paths = [path];
  for (let slash = path.lastIndexOf('/'); slash > 0; slash = path.lastIndexOf('/', slash - 1)) {
    paths.push(path.slice(0, slash));
  }
  return paths;
}
