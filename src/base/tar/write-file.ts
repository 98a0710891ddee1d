import { closeSync, constants, ftruncateSync, openSync, writeSync } from 'node:fs';
import type { TarEntry } from './entry.js';

/**
 * Makes the file of an entry, mode 0600, with its content; the holes of a sparse one stay holes. Nothing may be at `path`.
 * @param finish - with the file still open: by then something else may be at `path`, where others may write
 */
export async function writeTarFile(
  path: string | Buffer,
  { sparse, sizeBytes }: TarEntry,
  body: AsyncIterable<Buffer>,
  finish?: (fd: number) => void,
): Promise<void> {
  const fd = openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o600);
  try {
    const regions = [...(sparse ?? [{ offset: 0, length: sizeBytes }])];
    let region = regions.shift();
    for await (const chunk of body) {
      let rest = chunk;
      while (rest.length > 0 && region !== undefined) {
        const written = writeSync(fd, rest, 0, Math.min(rest.length, region.length), region.offset);
        rest = rest.subarray(written);
        region = { offset: region.offset + written, length: region.length - written };
        if (region.length === 0) region = regions.shift();
      }
    }
    if (sparse !== undefined) ftruncateSync(fd, sizeBytes);
    finish?.(fd);
  } finally {
    closeSync(fd);
  }
}
