import { existsSync, readFileSync, readlinkSync } from 'node:fs';
import { runTool } from '../../base/spawn.js';
import { bundleOf, type Room } from './room.js';

/**
 * An engine that was killed leaves its mount namespace to the monitors it started, and with it the mounts of all its
 * containers. What ended since is taken away there too: nobody uses it, but it would hold disk space, and an upper folder
 * must not be part of two mounts. See the README.
 */
export async function unmountInOtherNamespaces(room: Room, id: string): Promise<void> {
  const own = readlinkSync('/proc/self/ns/mnt');
  const bundle = bundleOf(room, id);
  const seen = new Set([own]);
  for (const { state } of room.registry.values()) {
    const pid = state.monitor?.pid;
    if (pid === undefined) continue;
    const namespace = mountNamespaceOf(pid);
    if (namespace === undefined || seen.has(namespace)) continue;
    seen.add(namespace);
    for (const point of mountsBelow(pid, bundle)) {
      const signal = AbortSignal.timeout(10_000);
      await runTool('nsenter', [`--mount=/proc/${pid}/ns/mnt`, '--', 'umount', '-l', '--', point], { signal });
    }
  }
}

function mountNamespaceOf(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/mnt`);
  } catch {
    return undefined; // gone meanwhile
  }
}

function mountsBelow(pid: number, folder: string): string[] {
  if (!existsSync(`/proc/${pid}/mountinfo`)) return [];
  return readFileSync(`/proc/${pid}/mountinfo`, 'utf8')
    .split('\n')
    .map((line) => line.split(' ', 5)[4] ?? '')
    .filter((point) => point.startsWith(`${folder}/`))
    .reverse();
}
