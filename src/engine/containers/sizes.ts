import { existsSync } from 'node:fs';
import { runTool } from '../../base/spawn.js';
import { upperOf, type Room } from './room.js';
import type { Container } from './container.js';

/** Bytes of the regular files below a folder; 0 where there is none. */
export async function folderSize(path: string, signal: AbortSignal): Promise<number> {
  if (!existsSync(path)) return 0;
  const { stdout } = await runTool('du', ['-s', '-b', '-x', '--', path], { signal, timeoutMs: 300_000 });
  return Number(stdout.split('\t', 1)[0]);
}

export interface ContainerSizes {
  readonly SizeRw: number;
  readonly SizeRootFs: number;
}

export async function sizesOf(room: Room, { id, record }: Container): Promise<ContainerSizes> {
  const own = await folderSize(upperOf(room, id), AbortSignal.timeout(300_000));
  const image = room.images.find(record.imageId)?.sizeBytes ?? 0;
  return { SizeRw: own, SizeRootFs: own + image };
}
