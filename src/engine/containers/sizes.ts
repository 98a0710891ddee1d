import { existsSync } from 'node:fs';
import { runTool } from '../../base/spawn.js';
import { upperOf, type Room } from './room.js';
import type { Container } from './container.js';

/** Bytes of the regular files below a folder; 0 where there is none. */
export async function folderSize(path: string, signal: AbortSignal): Promise<number> {
  if (!existsSync(path)) return 0;
  // One entry a link: a file counts once, whatever its names; folders not at all, as dockerd counts.
  const find = ['-P', path, '-xdev', '-type', 'f', '-printf', '%i %s\\n'];
  const { stdout } = await runTool('find', find, { signal, timeoutMs: 300_000 });
  const sizes = new Map<string, number>();
  for (const line of stdout.split('\n')) {
    const [inode = '', size = '0'] = line.split(' ');
    sizes.set(inode, Number(size));
  }
  return [...sizes.values()].reduce((sum, size) => sum + size, 0);
}

export interface ContainerSizes {
  readonly SizeRw: number;
  readonly SizeRootFs: number;
}

export async function sizesOf(room: Room, { id, record }: Container): Promise<ContainerSizes> {
  const upper = upperOf(room, id);
  const own = await room.layers.withSettled(upper, () => folderSize(upper, AbortSignal.timeout(300_000)));
  const image = room.images.find(record.imageId)?.sizeBytes ?? 0;
  return { SizeRw: own, SizeRootFs: own + image };
}
