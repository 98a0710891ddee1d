import { readFileSync, realpathSync } from 'node:fs';
import { invalidConfig } from './errors.js';

/**
 * A bind mount can pass mounts on, or get them, only where its source is on a mount that does (mount_namespaces(7),
 * "Shared subtrees"); elsewhere the word would be without effect.
 * @param mountinfo - text of /proc/self/mountinfo
 * @returns `one-way` where `shared` gets the host's mounts and passes none back: the engine itself only follows the host
 * @throws `container/invalid-config`, in Docker's words
 */
export function checkPropagation(source: string, propagation: string, mountinfo: string): 'as-asked' | 'one-way' {
  if (!/^r?(shared|slave)$/.test(propagation)) return 'as-asked';
  const { point, shared, slave } = mountOf(mountinfo, source);
  const wanted = propagation.endsWith('shared') ? 'a shared' : 'a shared or slave';
  if (!shared && !slave) throw refused(`path ${source} is mounted on ${point} but it is not ${wanted} mount`);
  return propagation.endsWith('shared') && !shared ? 'one-way' : 'as-asked';
}

export function readMountinfo(): string {
  return readFileSync('/proc/self/mountinfo', 'utf8');
}

/** The type of the file system that a path is on, as `ext4`. */
export function fileSystemOf(path: string): string {
  return mountOf(readMountinfo(), path).fileSystem;
}

/** The last mount on the longest way to a path. */
function mountOf(
  mountinfo: string,
  path: string,
): { point: string; shared: boolean; slave: boolean; fileSystem: string } {
  const real = realpathSync(path);
  let found = { point: '/', shared: false, slave: false, fileSystem: '' };
  for (const line of mountinfo.split('\n')) {
    const [, , , , point = '', , ...rest] = line.split(' ');
    const within = point === '/' || real === point || real.startsWith(`${point}/`);
    if (point === '' || !within || point.length < found.point.length) continue;
    const tags = rest.slice(0, rest.indexOf('-'));
    const [fileSystem = ''] = rest.slice(tags.length + 1);
    found = {
      point,
      shared: tags.some((tag) => tag.startsWith('shared:')),
      slave: tags.some((tag) => tag.startsWith('master:')),
      fileSystem,
    };
  }
  return found;
}

function refused(message: string): Error {
  return invalidConfig('Propagation', message);
}
