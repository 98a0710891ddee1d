import { randomUUID } from 'node:crypto';
import { existsSync, renameSync } from 'node:fs';
import { chmod, chown, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { digestOf, hexOf } from '../../../base/digest.js';
import { errnoOf } from '../../../base/errors.js';
import type { RunMountOf } from './mount-flag.js';

/** What a cache that is made for a step starts with. */
export interface CacheSeed {
  /** Tells caches of one id apart that start with other files. */
  readonly key: string;
  fill(directory: string): Promise<void>;
}

/** Directories of `RUN --mount=type=cache`, kept from build to build. */
export interface CacheMounts {
  /** The directory, until it is given back. `locked` waits for others, `private` takes another directory than they. */
  take(
    mount: RunMountOf<'cache'>,
    signal: AbortSignal,
    seed?: CacheSeed,
  ): Promise<{ readonly path: string; readonly release: () => void }>;
  /** Removes all that are not in use. */
  clear(): Promise<void>;
}

/** The end of the name of one that is not whole yet. */
const filling = /\.new$/;

export function openCacheMounts(dir: string): CacheMounts {
  const users = new Map<string, number>();
  const locks = new Map<string, Promise<void>>();
  const nameOf = (id: string) => hexOf(digestOf(id)).slice(0, 32);

  /** Those being made, so that none is used before it is whole. */
  const made = new Map<string, Promise<void>>();

  const make = async (name: string, path: string, mount: RunMountOf<'cache'>, seed?: CacheSeed): Promise<void> => {
    for (let other = made.get(name); other !== undefined; other = made.get(name)) {
      await other.catch(() => undefined); // what ended another build is told there
    }
    if (existsSync(path)) return;
    const work = (async () => {
      const staging = `${path}.new`;
      await rm(staging, { recursive: true, force: true });
      await mkdir(staging);
      await seed?.fill(staging);
      await chmod(staging, mount.mode);
      await chown(staging, mount.uid, mount.gid);
      await rename(staging, path);
    })().finally(() => made.delete(name));
    made.set(name, work);
    await work;
  };

  return {
    take: async (mount, signal, seed) => {
      const base = nameOf(seed === undefined ? mount.id : JSON.stringify([mount.id, seed.key]));
      let name = base;
      let unlock: (() => void) | undefined;
      if (mount.sharing === 'private') {
        for (let number = 1; (users.get(name) ?? 0) > 0; number++) name = `${base}-${number}`;
      } else if (mount.sharing === 'locked') {
        const before = locks.get(name);
        const held = new Promise<void>((resolve) => (unlock = resolve));
        locks.set(
          name,
          (before ?? Promise.resolve()).then(() => held),
        );
        await before;
      }
      users.set(name, (users.get(name) ?? 0) + 1);
      const release = (): void => {
        users.set(name, (users.get(name) ?? 1) - 1);
        unlock?.();
      };
      try {
        signal.throwIfAborted();
        const path = join(dir, name);
        await mkdir(dir, { recursive: true, mode: 0o700 });
        await make(name, path, mount, seed);
        return { path, release };
      } catch (error) {
        release();
        throw error;
      }
    },
    clear: async () => {
      await mkdir(dir, { recursive: true, mode: 0o700 });
      for (const name of await readdir(dir)) {
        if ((users.get(name.replace(filling, '')) ?? 0) > 0) continue;
        const doomed = join(dir, `${name}.${randomUUID()}`);
        try {
          renameSync(join(dir, name), doomed); // at once: a step that comes for it from here on gets a new one
        } catch (error) {
          if (errnoOf(error) === 'ENOENT') continue; // by another that clears
          throw error;
        }
        await rm(doomed, { recursive: true, force: true });
      }
    },
  };
}
