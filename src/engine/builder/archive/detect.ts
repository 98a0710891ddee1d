import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { hasCode } from '../../../base/errors.js';
import { tarEvents } from '../../../base/tar/stream.js';
import { decompress } from '../../snapshots/index.js';
import type { PathName } from '../../sys/index.js';

/** Whether ADD unpacks this file: a tar, plain or compressed, by content and not by name. An empty file is none. */
export async function isTarArchive(path: PathName): Promise<boolean> {
  const file = await open(path, 'r');
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(512), 0, 512, 0);
    if (!mayBeArchive(buffer.subarray(0, bytesRead))) return false;
  } finally {
    await file.close();
  }
  const source = createReadStream(path);
  try {
    const { bytes } = await decompress(source);
    for await (const _first of tarEvents(bytes)) return true;
    return false;
  } catch (error) {
    if (hasCode(error, 'tar/invalid') || hasCode(error, 'layer/bad-archive')) return false;
    throw error;
  } finally {
    source.destroy();
  }
}

/** Cheap look at the first block, so that ordinary files are not handed to a decompressor. */
function mayBeArchive(start: Buffer): boolean {
  const text = start.toString('latin1');
  return (
    text.slice(257, 262) === 'ustar' ||
    ['\u001f\u008b', 'BZh', '\u00fd7zXZ\0', '\u0028\u00b5\u002f\u00fd'].some((magic) => text.startsWith(magic)) ||
    isOldTar(start)
  );
}

/** A header without magic: its checksum must be right (tar(5)). */
function isOldTar(block: Buffer): boolean {
  if (block.length < 512 || block[0] === 0) return false;
  const expected = parseInt(block.toString('latin1', 148, 156), 8);
  const sum = block.reduce((total, byte, index) => total + (index >= 148 && index < 156 ? 0x20 : byte), 0);
  return expected === sum;
}
