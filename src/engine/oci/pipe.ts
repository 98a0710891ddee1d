import { randomUUID } from 'node:crypto';
import { closeSync, constants, openSync, rmSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { type FastChild, mknod, spawnFast, type SpawnRequest } from '../sys/index.js';

export interface Pipe {
  /** For the child; close it here once the child has it. */
  readonly childFd: number;
  /** Ours; does not block. */
  readonly fd: number;
}

/**
 * A real pipe between us and a child, where Node's own `stdio: 'pipe'` is a socket pair: a program that opens
 * /dev/stdout (`echo hi > /dev/stdout`) gets ENXIO on a socket. Made as a fifo whose name is gone at once.
 * @param direction - `read` when we read what the child writes
 */
export function openPipe(direction: 'read' | 'write', dir: string): Pipe {
  const path = join(dir, `pipe-${randomUUID()}`);
  mknod(path, constants.S_IFIFO | 0o600, 0, 0);
  let both: number | undefined;
  try {
    both = openSync(path, constants.O_RDWR); // with both ends held, neither open below waits (fifo(7))
    const [ours, theirs] =
      direction === 'read' ? [constants.O_RDONLY, constants.O_WRONLY] : [constants.O_WRONLY, constants.O_RDONLY];
    const fd = openSync(path, ours | constants.O_NONBLOCK);
    try {
      return { fd, childFd: openSync(path, theirs) };
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  } finally {
    if (both !== undefined) closeSync(both);
    rmSync(path, { force: true });
  }
}

/** Our end as a stream, which owns the fd from then on. */
export function pipeStream(fd: number, direction: 'read' | 'write'): Socket {
  return new Socket({ fd, readable: direction === 'read', writable: direction === 'write' });
}

/**
 * Starts a program with pipes to us at these descriptors of it, `read` for what it writes. Where it cannot be started no
 * pipe is left.
 * @param dir - where the pipes are made; they are gone from there at once
 */
export function spawnPiped<Fd extends number>(
  request: Omit<SpawnRequest, 'stdio'>,
  dir: string,
  pipes: Readonly<Record<Fd, 'read' | 'write'>>,
): FastChild & { readonly streams: Readonly<Record<Fd, Socket>> } {
  const streams: Record<number, Socket> = {};
  const stdio: Record<number, number> = {};
  try {
    for (const [name, direction] of Object.entries<'read' | 'write'>(pipes)) {
      const { fd, childFd } = openPipe(direction, dir);
      streams[Number(name)] = pipeStream(fd, direction);
      stdio[Number(name)] = childFd;
    }
    return { ...spawnFast({ ...request, stdio }), streams };
  } catch (error) {
    for (const stream of Object.values(streams)) stream.destroy();
    throw error;
  } finally {
    for (const fd of Object.values(stdio)) closeSync(fd);
  }
}

/** Reads to the end, keeping at most `maxBytes`. */
export function readAll(stream: Socket, maxBytes = 1 << 20): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let kept = 0;
    stream.on('data', (chunk: Buffer) => {
      if (kept < maxBytes) chunks.push(chunk.subarray(0, maxBytes - kept));
      kept += chunk.length;
    });
    stream.on('error', reject);
    stream.on('close', () => {
      resolve(Buffer.concat(chunks));
    });
  });
}

/** How long an ended process's children may be silent before their output is cut. */
const silenceMs = 150;

/** Cuts streams that a process left in the background keeps open: after a silence, once all that came was read. */
export function cutWhenSilent(streams: readonly Readable[]): void {
  for (const stream of streams) {
    let last = -1;
    const timer = setInterval(() => {
      const bytes = 'bytesRead' in stream && typeof stream.bytesRead === 'number' ? stream.bytesRead : 0;
      if (stream.readableEnded || stream.destroyed) clearInterval(timer);
      else if (bytes === last && stream.readableLength === 0) {
        clearInterval(timer);
        stream.destroy();
      }
      last = bytes;
    }, silenceMs);
  }
}
