import { chmod, chown, mkdir, rm, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { digestOf, hexOf } from '../../../base/digest.js';
import type { RunMountOf } from './mount-flag.js';

/** Directories of `RUN --mount=type=cache`, kept from build to build. */
export interface CacheMounts {
  /** The directory, until it is given back. `locked` waits for others, `private` takes another directory than they. */
  take(
    mount: RunMountOf<'cache'>,
    signal: AbortSignal,
  ): Promise<{ readonly path: string; readonly release: () => void }>;
  /** Removes all that are not in use. */
  clear(): Promise<void>;
}

export function openCacheMounts(dir: string): CacheMounts {
  const users = new Map<string, number>();
  const locks = new Map<string, Promise<void>>();
  const nameOf = (id: string) => hexOf(digestOf(id)).slice(0, 32);

  return {
    take: async (mount, signal) => {
      let name = nameOf(mount.id);
      let unlock: (() => void) | undefined;
      if (mount.sharing === 'private') {
        for (let number = 1; (users.get(name) ?? 0) > 0; number++) name = `${nameOf(mount.id)}-${number}`;
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
        if ((await mkdir(path, { recursive: true })) !== undefined) {
          await chmod(path, mount.mode);
          await chown(path, mount.uid, mount.gid);
        }
        return { path, release };
      } catch (error) {
        release();
        throw error;
      }
    },
    clear: async () => {
      await mkdir(dir, { recursive: true, mode: 0o700 });
      for (const name of await readdir(dir)) {
        if ((users.get(name) ?? 0) === 0) await rm(join(dir, name), { recursive: true, force: true });
      }
    },
  };
}
