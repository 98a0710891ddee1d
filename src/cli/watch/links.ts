import { posix } from 'node:path';
import { isNotFound, type EngineClient } from '../../client/index.js';

/** Questions to the engine at a time. */
const asked = 16;

/**
 * Links that the container has in the place of folders below the targets: what is written or removed behind one is
 * outside of the target.
 * @param paths - absolute, below one of `targets`; links at the paths themselves are no matter
 */
export async function linksAmong(
  client: EngineClient,
  containerId: string,
  targets: readonly string[],
  paths: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  const folders = foldersOf(targets, paths);
  const links = new Set<string>();
  const absent = new Set<string>();
  // From above to below: behind a link, or in a folder that is not there, nothing has to be asked.
  while (folders.length > 0) {
    const depth = depthOf(folders[0] ?? '/');
    const level = folders.splice(0, folders.slice(0, asked).filter((one) => depthOf(one) === depth).length);
    await Promise.all(
      level.map(async (folder) => {
        if (isBehind(links, folder) || isBehind(absent, folder)) return;
        try {
          const { linkTarget } = await client.containers.statPath(containerId, folder, signal);
          if (linkTarget !== '') links.add(folder);
        } catch (error) {
          if (!isNotFound(error)) throw error;
          absent.add(folder);
        }
      }),
    );
  }
  return links;
}

/** Whether a folder that leads to `path` is one of these. */
export function isBehind(folders: ReadonlySet<string>, path: string): boolean {
  for (let folder = posix.dirname(path); folder !== '/'; folder = posix.dirname(folder)) {
    if (folders.has(folder)) return true;
  }
  return false;
}

/** Between a target and a path, highest first. */
function foldersOf(targets: readonly string[], paths: readonly string[]): string[] {
  const roots = new Set(targets);
  const found = new Set<string>();
  for (const path of paths) {
    const above: string[] = [];
    for (let folder = path; folder !== '/' && !roots.has(folder); folder = posix.dirname(folder)) {
      if (found.has(folder)) break;
      if (folder !== path) above.push(folder);
    }
    for (const folder of above) found.add(folder);
  }
  return [...found].sort((a, b) => depthOf(a) - depthOf(b));
}

function depthOf(path: string): number {
  return path.split('/').length;
}
