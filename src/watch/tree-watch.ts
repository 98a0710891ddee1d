import { readdirSync, statSync, watch, type Dirent, type FSWatcher } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { errnoOf, TscomposeError } from '../base/errors.js';
import { look } from './look.js';

declare module '../base/errors.js' {
  interface ErrorFacts {
    'watch/too-many-folders': { readonly folder: string; readonly watched: number };
  }
}

export interface TreeOptions {
  /** Absolute: folders, with all below them, and single files. One that is not there is waited for. */
  readonly roots: readonly string[];
  /** Whether nothing below a folder can matter. */
  readonly prunes: (folder: string) => boolean;
  /** A path to look at again: it is new, changed or gone. */
  readonly onChange: (path: string) => void;
  readonly onFailure: (error: unknown) => void;
}

interface Folder {
  readonly watcher: FSWatcher;
  /** What was below it when it was last read, or has been heard of since. */
  readonly names: Set<string>;
}

/**
 * Watches folders through the kernel, one inotify watch a folder. A folder is watched before it is read, so nothing that
 * comes into it is missed. Only the kernel's queue (16,384 events by default) may overflow: `compare` finds what was lost.
 * @throws `watch/too-many-folders` when the kernel grants no more watches
 */
export class TreeWatch {
  readonly #options: TreeOptions;
  readonly #folders = new Map<string, Folder>();
  /** By root: the folder above it, in which the root may come and go. */
  readonly #gates = new Map<string, FSWatcher>();

  constructor(options: TreeOptions) {
    this.#options = options;
    try {
      for (const root of options.roots) this.#openRoot(root, 'silently');
    } catch (error) {
      this.close();
      throw error;
    }
  }

  close(): void {
    for (const gate of this.#gates.values()) gate.close();
    for (const { watcher } of this.#folders.values()) watcher.close();
    this.#gates.clear();
    this.#folders.clear();
  }

  /**
   * Reads all folders again and reports what came, went or changed without a word.
   * @param sinceMs - by the clock of the file system; what changed before is known
   * @param isKnown - whether a path was looked at in this very state
   */
  compare(sinceMs: number, isKnown: (path: string, ctimeMs: number) => boolean): void {
    for (const [path, { names }] of [...this.#folders]) {
      const entries = readFolder(path);
      const now = new Set(entries.map(({ name }) => name));
      for (const name of names) {
        if (!now.has(name)) this.#look(join(path, name));
      }
      for (const entry of entries) {
        names.add(entry.name);
        const below = join(path, entry.name);
        const stats = look(below);
        const unseen = entry.isDirectory() ? !this.#isWatched(below) : stats !== undefined && stats.ctimeMs >= sinceMs;
        if (unseen && !(stats !== undefined && isKnown(below, stats.ctimeMs))) this.#look(below);
      }
    }
  }

  /** Watches a root, and the folder above it: a root may be removed, replaced, or not be there yet. */
  #openRoot(root: string, manner: 'silently' | 'aloud'): void {
    this.#openGate(root);
    if (isFolder(root)) this.#enter(root, manner);
    if (manner === 'aloud') this.#options.onChange(root);
  }

  #openGate(root: string): void {
    this.#gates.get(root)?.close();
    this.#gates.delete(root);
    let gate = dirname(root);
    let awaited = basename(root);
    while (!isFolder(gate) && gate !== dirname(gate)) {
      awaited = basename(gate);
      gate = dirname(gate);
    }
    const isParent = gate === dirname(root);
    const watcher = this.#watch(gate, (kind, name) => {
      const gone = !isFolder(gate);
      if (name !== awaited && !gone) return;
      if (isParent && kind === 'change' && !gone) this.#options.onChange(root);
      else {
        this.#leave(root);
        this.#openRoot(root, 'aloud');
      }
    });
    if (watcher !== undefined) this.#gates.set(root, watcher);
  }

  #enter(folder: string, manner: 'silently' | 'aloud'): void {
    if (this.#folders.has(folder) || this.#options.prunes(folder)) return;
    const watcher = this.#watch(folder, (kind, name) => {
      this.#heard(folder, kind, name);
    });
    if (watcher === undefined) return;
    const entries = readFolder(folder);
    this.#folders.set(folder, { watcher, names: new Set(entries.map(({ name }) => name)) });
    for (const entry of entries) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) this.#enter(path, manner);
      if (manner === 'aloud') this.#options.onChange(path);
    }
  }

  #leave(folder: string): void {
    const known = this.#folders.get(folder);
    if (known === undefined) return;
    known.watcher.close();
    this.#folders.delete(folder);
    for (const name of known.names) this.#leave(join(folder, name));
  }

  #heard(folder: string, kind: string, name: string): void {
    const path = join(folder, name);
    if (kind === 'change') this.#options.onChange(path);
    else this.#look(path);
  }

  /** A path that came, went, or was put in the place of another: a folder is watched and told anew. */
  #look(path: string): void {
    const parent = this.#folders.get(dirname(path));
    const stats = look(path);
    if (stats === undefined) parent?.names.delete(basename(path));
    else parent?.names.add(basename(path));
    this.#leave(path);
    if (stats?.isDirectory() === true) this.#enter(path, 'aloud');
    this.#options.onChange(path);
  }

  #isWatched(folder: string): boolean {
    return this.#folders.has(folder) || this.#options.prunes(folder);
  }

  /** Undefined: it is gone, or not ours to read. */
  #watch(folder: string, onEvent: (kind: string, name: string) => void): FSWatcher | undefined {
    try {
      const watcher = watch(folder, (kind, name) => {
        try {
          if (name !== null) onEvent(kind, name);
        } catch (error) {
          this.#options.onFailure(error);
        }
      });
      return watcher.on('error', () => {
        watcher.close(); // the folder is gone, which the one above it tells
      });
    } catch (error) {
      if (isOutOfReach(error)) return undefined;
      const code = errnoOf(error);
      if (code !== 'ENOSPC' && code !== 'EMFILE') throw error;
      const key = code === 'ENOSPC' ? 'fs.inotify.max_user_watches' : 'fs.inotify.max_user_instances';
      throw new TscomposeError({
        code: 'watch/too-many-folders',
        message: `cannot watch ${folder}: the kernel grants no more watches`,
        facts: { folder, watched: this.#folders.size },
        hint: `leave folders out with ignore, or raise the limit: sysctl ${key}=524288`,
      });
    }
  }
}

/** Or a link to one. */
function isFolder(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
  } catch (error) {
    if (isOutOfReach(error)) return false;
    throw error;
  }
}

function readFolder(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    if (isOutOfReach(error)) return [];
    throw error;
  }
}

/** Gone or replaced meanwhile, or not ours to read. */
function isOutOfReach(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR', 'EACCES', 'EPERM'].includes(errnoOf(error) ?? '');
}
