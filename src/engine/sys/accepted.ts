import { fstatSync } from 'node:fs';
import type { Socket } from 'node:net';
import { native } from './native.js';
import { NetlinkSocket, readAttributes } from './netlink.js';
import { AF_UNIX } from './socket-numbers.js';
import { fdOf } from './stream-handle.js';

const NETLINK_SOCK_DIAG = 4;
const SOCK_DIAG_BY_FAMILY = 20;
const UDIAG_SHOW_PEER = 0x4;
const UNIX_DIAG_PEER = 2;
/** `struct unix_diag_msg`, which the attributes follow. */
const diagBytes = 16;

/**
 * Whether the other side of a connected Unix socket has taken it with accept(2): connect(2) does not wait for that
 * (sock_diag(7)). True where nobody can tell: without FFI, or where the kernel has no unix_diag.
 */
export function isAccepted(socket: Socket): boolean {
  const libc = native()?.libc;
  const fd = fdOf(socket);
  if (libc === undefined || fd === undefined) return true;
  const asked = Buffer.alloc(24, 0); // struct unix_diag_req
  asked.writeUInt8(AF_UNIX, 0);
  asked.writeUInt32LE(fstatSync(fd).ino, 8);
  asked.writeUInt32LE(UDIAG_SHOW_PEER, 12);
  asked.fill(0xff, 16); // no cookie
  let netlink: NetlinkSocket | undefined;
  try {
    netlink = new NetlinkSocket(libc, NETLINK_SOCK_DIAG);
    const answer = netlink.query({ type: SOCK_DIAG_BY_FAMILY, flags: 0, body: asked }, ['SOCK_DIAG_BY_FAMILY', fd]);
    return readAttributes(answer, diagBytes).get(UNIX_DIAG_PEER)?.readUInt32LE() !== 0; // no file before it is taken
  } catch {
    return true; // the kernel has none of it
  } finally {
    netlink?.close();
  }
}
