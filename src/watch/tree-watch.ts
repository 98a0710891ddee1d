import { readdirSync, statSync, type Dirent } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { watch, type FSWatcher } from 'chokidar';
import { asError, errnoOf, TscomposeError } from '../base/errors.js';
import { look } from './look.js';

declare module '../base/errors.js' {
  interface ErrorFacts {
    'watch/too-many-files': { readonly errno: string };
  }
}

export interface TreeOptions {
  /** Absolute: folders, with all below them, and single files. One that is not there is waited for. */
  readonly roots: readonly string[];
  /** Whether nothing below a folder can matter. */
  readonly prunes: (folder: string) => boolean;
  /** A path to look at again: it is new, changed or gone. */
  readonly onChange: (path: string) => void;
  /** A folder came, with files that may not have been told of. */
  readonly onFolder: () => void;
  readonly onFailure: (error: unknown) => void;
}

/** Watches folders with chokidar, and finds what that has not told of. */
export class TreeWatch {
  readonly #watcher: FSWatcher;
  readonly #options: TreeOptions;
  /** From here on no change is missed. */
  readonly opened: Promise<void>;

  constructor(options: TreeOptions) {
    this.#options = options;
    const { roots, onChange, onFolder, onFailure } = options;
    // From the folder above, since a root may be removed, replaced, or not be there yet.
    const watcher = watch([...new Set(roots.map(folderAbove))], {
      ignoreInitial: true,
      followSymlinks: false,
      atomic: false, // paths are looked at again anyway
      ignored: (path) => !this.#matters(path),
    });
    this.#watcher = watcher;
    this.opened = new Promise((resolve, reject) => {
      watcher.once('ready', resolve).on('error', (error) => {
        const failure = failureOf(error);
        reject(failure);
        onFailure(failure);
      });
    });
    this.opened.catch(() => undefined); // whoever waits for it sees it
    watcher.on('all', (event, path) => {
      onChange(path);
      if (event === 'addDir') onFolder();
    });
    // What the kernel says at once: a change right after another is told only here.
    watcher.on('raw', (kind, name, details) => {
      const { watchedPath } = details as { readonly watchedPath: string };
      const path = basename(watchedPath) === name ? watchedPath : join(watchedPath, name);
      onChange(path);
      if (kind === 'rename' && look(path)?.isDirectory() === true) onFolder(); // perhaps in the place of a file
    });
  }

  async close(): Promise<void> {
    await this.#watcher.close();
  }

  /**
   * Reads all folders again and reports what came, went or changed without a word.
   * @param sinceMs - by the clock of the file system; what changed before is known
   * @param isKnown - whether a path was looked at in this very state
   */
  compare(sinceMs: number, isKnown: (path: string, ctimeMs: number) => boolean): void {
    const watched = this.#watcher.getWatched();
    for (const [folder, names] of Object.entries(watched)) {
      const entries = readFolder(folder).filter(({ name }) => this.#matters(join(folder, name)));
      const now = new Set(entries.map(({ name }) => name));
      for (const name of names) if (!now.has(name)) this.#options.onChange(join(folder, name));
      for (const entry of entries) {
        const path = join(folder, entry.name);
        if (entry.isDirectory() && watched[path] === undefined) this.#take(path);
        const ctimeMs = look(path)?.ctimeMs ?? 0;
        if (ctimeMs >= sinceMs && !isKnown(path, ctimeMs)) this.#options.onChange(path);
      }
    }
  }

  /** A folder that nobody has told of, with all below it. */
  #take(folder: string): void {
    this.#watcher.add(folder);
    const tell = (path: string): void => {
      for (const entry of readFolder(path)) {
        const below = join(path, entry.name);
        if (!this.#matters(below)) continue;
        this.#options.onChange(below);
        if (entry.isDirectory()) tell(below);
      }
    };
    tell(folder);
  }

  /** A root, what is below one, and the folders that lead to one. */
  #matters(path: string): boolean {
    const { roots, prunes } = this.#options;
    return roots.some((root) => isWithin(root, path)) ? !prunes(path) : roots.some((root) => isWithin(path, root));
  }
}

/** The nearest folder above a path that is there. */
function folderAbove(path: string): string {
  let folder = dirname(path);
  while (!isFolder(folder) && folder !== dirname(folder)) folder = dirname(folder);
  return folder;
}

function isWithin(folder: string, path: string): boolean {
  return path === folder || folder === '/' || (path.startsWith(folder) && path[folder.length] === '/');
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

function failureOf(error: unknown): Error {
  const errno = errnoOf(error);
  if (errno !== 'ENOSPC' && errno !== 'EMFILE') return asError(error);
  const key = errno === 'ENOSPC' ? 'fs.inotify.max_user_watches' : 'fs.inotify.max_user_instances';
  return new TscomposeError({
    code: 'watch/too-many-files',
    message: 'cannot watch: the kernel grants no more watches',
    facts: { errno },
    hint: `leave files out with ignore, or raise the limit: sysctl ${key}=524288`,
  });
}
