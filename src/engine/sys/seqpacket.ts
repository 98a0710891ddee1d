import { closeSync, readSync } from 'node:fs';
import type { Socket } from 'node:net';
import { callFailed, unsupported } from './call-failed.js';
import { native } from './native.js';
import { AF_UNIX, SOCK_DGRAM, SOCK_FLAGS, SOCK_SEQPACKET } from './socket-numbers.js';
import { socketOver } from './stream-handle.js';
import { unixAddress, withShortSocketPath } from './unix-address.js';

const packetBytes = 64 * 1024;

/**
 * Connects to a SOCK_SEQPACKET Unix socket such as conmon's `attach`; the path may be over 107 bytes. Each `data` event
 * is one packet, while `read()`, and with it `for await`, puts several together; `end()` shuts down the sending half only.
 * @throws `sys/call-failed`, for example ECONNREFUSED or ENOENT; `sys/unsupported` without FFI
 */
export function openSeqpacket(path: string): Promise<Socket> {
  return new Promise((resolve) => {
    const { fd, socket } = connectNow(path, SOCK_SEQPACKET);
    const push = socket.push.bind(socket);
    // Once the other side has hung up, libuv takes any packet that does not fill its buffer for the last one.
    socket.push = (chunk: unknown, ...more) => {
      if (chunk === null) for (const packet of packetsLeft(fd)) push(packet);
      return push(chunk, ...more);
    };
    resolve(socket);
  });
}

/** What lies in the kernel for a socket that does not block. */
function* packetsLeft(fd: number): Generator<Buffer> {
  const packet = Buffer.allocUnsafe(packetBytes);
  try {
    for (let length = readSync(fd, packet); length > 0; length = readSync(fd, packet)) {
      yield Buffer.from(packet.subarray(0, length));
    }
  } catch {
    // EAGAIN or ECONNRESET: there is no more.
  }
}

/** The same for a SOCK_DGRAM Unix socket such as /dev/log: wait for each write before the next, or they become one. */
export function openUnixDatagram(path: string): Promise<Socket> {
  return new Promise((resolve) => {
    resolve(connectNow(path, SOCK_DGRAM).socket);
  });
}

/** A connect(2) to a Unix socket does not wait, except with EAGAIN for a full backlog. */
function connectNow(path: string, type: number): { readonly fd: number; readonly socket: Socket } {
  const libc = native()?.libc;
  if (libc === undefined) throw unsupported('connect to a packet socket');
  const fd = libc.socket(AF_UNIX, type | SOCK_FLAGS, 0);
  if (fd < 0) throw callFailed('socket', ['AF_UNIX', type], libc.errno());
  try {
    withShortSocketPath(path, (short) => {
      const name = unixAddress(short);
      if (libc.connect(fd, name, name.length) !== 0) throw callFailed('connect', [path], libc.errno());
    });
    return { fd, socket: socketOver(fd) };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}
