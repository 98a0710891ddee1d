import type { Socket } from 'node:net';
import { native } from './native.js';
import { fdOf } from './stream-handle.js';

const POLLHUP = 0x10;

/**
 * Whether the other side of a Unix stream socket has closed it, and not only ended its sending half, which is all that
 * Node tells (poll(2)). False where nobody can tell: without FFI, for another kind of socket, after its own end.
 */
export function hasHungUp(socket: Socket): boolean {
  const libc = native()?.libc;
  const fd = fdOf(socket);
  if (libc === undefined || fd === undefined) return false;
  const asked = Buffer.alloc(8); // struct pollfd: no events are asked for, and this one comes all the same
  asked.writeInt32LE(fd, 0);
  return libc.poll(asked, 1, 0) === 1 && (asked.readUInt16LE(6) & POLLHUP) !== 0;
}
