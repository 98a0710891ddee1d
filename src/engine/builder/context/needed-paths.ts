import { posix } from 'node:path';

/** What a build's steps read of its context, found out while they are planned. */
export interface NeededPaths {
  /** A source of COPY or ADD, with its wildcards, or of a bind mount. */
  add(source: string): void;
  /** Clean and relative, in the order they came; `all` where the whole context is among them. */
  list(): readonly string[] | 'all';
}

export function neededPaths(): NeededPaths {
  const paths = new Set<string>();
  return {
    add: (source) => paths.add(posix.normalize(`/${source}`).replace(/^\/|\/$/g, '')),
    list: () => (paths.has('') ? 'all' : [...paths]),
  };
}
