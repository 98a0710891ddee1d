import { randomUUID } from 'node:crypto';
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, isAbsolute, join } from 'node:path';
import { errnoOf, TscomposeError } from '../base/errors.js';
import './errors.js';

/** Folders of fetched files, each named by the digest of what is in it and never changed again. */
export class RemoteCache {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  /** The folder, when it is there already. */
  async find(kind: 'git' | 'oci', digest: string): Promise<string | undefined> {
    const folder = join(this.#root, kind, digest);
    return (await isFolder(folder)) ? folder : undefined;
  }

  /**
   * Fills a folder aside and then gives it its name, so that nobody ever sees half of it. When somebody else was
   * faster, theirs is used: the same digest, the same files.
   */
  async fill(kind: 'git' | 'oci', digest: string, make: (folder: string) => Promise<void>): Promise<string> {
    const folder = join(this.#root, kind, digest);
    const aside = `${folder}.${randomUUID()}.tmp`;
    await mkdir(dirname(aside), { recursive: true, mode: 0o700 });
    try {
      await mkdir(aside, { mode: 0o700 });
      await make(aside);
      await rename(aside, folder);
    } catch (error) {
      await rm(aside, { recursive: true, force: true });
      const isThere = ['ENOTEMPTY', 'EEXIST'].includes(errnoOf(error) ?? '') && (await isFolder(folder));
      if (!isThere) throw error;
    }
    return folder;
  }
}

/**
 * `$XDG_CACHE_HOME/tscompose`, else `~/.cache/tscompose`. A relative XDG_CACHE_HOME counts as none, as the XDG Base
 * Directory Specification wants it.
 * @throws `remote/no-cache-folder` when neither variable helps
 */
export function cacheFolder(environment: Readonly<Record<string, string | undefined>>): string {
  const own = environment['XDG_CACHE_HOME'] ?? '';
  if (isAbsolute(own)) return join(own, 'tscompose');
  const home = environment['HOME'] ?? '';
  if (isAbsolute(home)) return join(home, '.cache', 'tscompose');
  throw new TscomposeError({
    code: 'remote/no-cache-folder',
    message: 'there is no folder to keep fetched files in: neither XDG_CACHE_HOME nor HOME is set',
    facts: { variable: 'XDG_CACHE_HOME' },
  });
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    throw error;
  }
}
