import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readdir, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';

/** Folders that clients sent, kept so that the next build of the same folder needs only what changed. */
export interface Spools {
  /**
   * One that nobody else uses until it is released: an earlier build's of the same key where there is one. Without a key
   * it is empty, and goes when it is released.
   */
  take(key: string | undefined): Promise<{ readonly path: string; readonly release: () => Promise<void> }>;
  /** Removes those not in use. @returns their bytes */
  prune(): Promise<number>;
}

/** After so long without a build it is cheaper to send a folder again than to keep it. */
const keptMs = 7 * 24 * 60 * 60 * 1000;

/** @param dir - theirs alone; made when missing */
export async function openSpools(dir: string): Promise<Spools> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  for (const name of await readdir(dir)) {
    const path = join(dir, name);
    if (Date.now() - (await stat(path)).mtimeMs > keptMs) await rm(path, { recursive: true, force: true });
  }
  const taken = new Set<string>();
  return {
    take: async (key) => {
      const base = key === undefined ? randomUUID() : createHash('sha256').update(key).digest('hex').slice(0, 32);
      let number = 0;
      while (taken.has(`${base}.${number}`)) number++;
      const name = `${base}.${number}`;
      taken.add(name);
      const folder = join(dir, name);
      const path = join(folder, 'tree');
      await mkdir(path, { recursive: true, mode: 0o755 });
      return {
        path,
        release: async () => {
          const now = new Date();
          if (key === undefined) await rm(folder, { recursive: true, force: true });
          else await utimes(folder, now, now);
          taken.delete(name);
        },
      };
    },
    prune: async () => {
      let bytes = 0;
      for (const name of await readdir(dir)) {
        if (taken.has(name)) continue;
        taken.add(name); // nobody takes it while it goes
        bytes += await sizeOf(join(dir, name));
        await rm(join(dir, name), { recursive: true, force: true });
        taken.delete(name);
      }
      return bytes;
    },
  };
}

async function sizeOf(dir: string): Promise<number> {
  let bytes = 0;
  for (const entry of await readdir(dir, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) bytes += (await stat(join(entry.parentPath, entry.name))).size;
  }
  return bytes;
}
