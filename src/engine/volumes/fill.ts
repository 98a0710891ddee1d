import { lstatSync, statSync } from 'node:fs';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { runTool } from '../../base/spawn.js';
import { copyMetadata } from '../snapshots/index.js';
import { isMountPoint, setTimes } from '../sys/index.js';

/** Where the copy comes together. */
const stagingName = '.tscompose-filling';

export async function isEmptyFolder(folder: string): Promise<boolean> {
  return (await readdir(folder)).every((name) => name === stagingName);
}

/**
 * Gives a folder all that another one holds, and its owner, mode, time and attributes. What is there stays as it is. The
 * copy is made whole elsewhere, so that one that is cut short leaves nothing, and no container that has the folder can
 * lead it astray with links.
 * @param beforeMoving - once the copy is whole, and before any of it is in the folder
 */
export async function fillFolder(
  folder: string,
  from: string,
  signal: AbortSignal,
  beforeMoving: () => Promise<void>,
): Promise<void> {
  const staging = join(isMountPoint(folder) ? folder : dirname(folder), stagingName); // on the same file system
  try {
    await rm(staging, { recursive: true, force: true });
    await mkdir(staging, { mode: 0o700 });
    await runTool('cp', ['-a', '--', `${from}/.`, staging], { signal, timeoutMs: 600_000 });
    const { mtimeNs } = statSync(staging, { bigint: true });
    await beforeMoving();
    for (const name of await readdir(staging, { encoding: 'buffer' })) {
      const place = Buffer.concat([Buffer.from(`${folder}/`), name]);
      if (lstatSync(place, { throwIfNoEntry: false }) !== undefined) continue;
      await rename(Buffer.concat([Buffer.from(`${staging}/`), name]), place);
    }
    copyMetadata(staging, statSync(staging), folder);
    setTimes(folder, { mtimeNs });
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}
