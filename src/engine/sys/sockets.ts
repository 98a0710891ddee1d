import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { closeSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { addressBytes } from './ip-address.js';
import { callFailed, unsupported } from './call-failed.js';
import { native, type Libc } from './native.js';
import { AF_INET, AF_INET6, SOCK_DGRAM, SOCK_FLAGS, SOCK_STREAM, SOL_SOCKET } from './socket-numbers.js';

const IPPROTO_SCTP = 132;
const SO_REUSEADDR = 2;
const SO_RCVBUFFORCE = 33;
const IPPROTO_IPV6 = 41;
const IPV6_V6ONLY = 26;

/** Bytes: some thousand small datagrams that come while the main thread is busy; what does not fit is lost. */
const receiveBuffer = Buffer.from(Uint32Array.of(2 << 20).buffer);

export interface BoundSocket {
  /** The caller closes it, or hands it to {@link adoptUdp} or {@link adoptTcp}. */
  readonly fd: number;
  readonly port: number;
}

/** A UDP socket bound to `address` and `port`, 0 for any. @throws `sys/call-failed`, EADDRINUSE when it is taken */
export function bindUdp(address: string, port: number): BoundSocket {
  return bound(SOCK_DGRAM, 0, address, port);
}

/** An SCTP socket, bound. @throws `sys/call-failed`, EPROTONOSUPPORT where the kernel has none */
export function bindSctp(address: string, port: number): BoundSocket {
  return bound(SOCK_STREAM, IPPROTO_SCTP, address, port);
}

/** A listening TCP socket. @throws `sys/call-failed`, EADDRINUSE when it is taken */
export function listenTcp(address: string, port: number): BoundSocket {
  const socket = bound(SOCK_STREAM, 0, address, port);
  const libc = libcOrThrow();
  if (libc.listen(socket.fd, 128) === 0) return socket;
  const errno = libc.errno();
  closeSync(socket.fd);
  throw callFailed('listen', [address, port], errno);
}

function bound(type: number, protocol: number, address: string, port: number): BoundSocket {
  const libc = libcOrThrow();
  const name = socketAddress(address, port);
  const family = name.readUInt16LE(0);
  const fd = libc.socket(family, type | SOCK_FLAGS, protocol);
  if (fd < 0) throw callFailed('socket', [address, port], libc.errno());
  const on = Buffer.from([1, 0, 0, 0]);
  // As Node does: a port whose last connections are in TIME_WAIT is free. Only listening then
  // keeps others out: two sockets that merely bind with it can share a port.
  if (type === SOCK_STREAM && protocol === 0) libc.setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, on, on.length);
  if (type === SOCK_DGRAM) libc.setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, receiveBuffer, receiveBuffer.length);
  if (family === AF_INET6) libc.setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, on, on.length);
  if (libc.bind(fd, name, name.length) !== 0) {
    const errno = libc.errno();
    closeSync(fd);
    throw callFailed('bind', [address, port], errno);
  }
  const size = Buffer.from([name.length, 0, 0, 0]);
  libc.getsockname(fd, name, size);
  return { fd, port: name.readUInt16BE(2) };
}

/** struct sockaddr_in or sockaddr_in6 */
function socketAddress(address: string, port: number): Buffer {
  const bytes = addressBytes(address);
  const name = Buffer.alloc(bytes.length === 4 ? 16 : 28);
  name.writeUInt16LE(bytes.length === 4 ? AF_INET : AF_INET6, 0);
  name.writeUInt16BE(port, 2);
  bytes.copy(name, bytes.length === 4 ? 4 : 8);
  return name;
}

function libcOrThrow(): Libc {
  const libc = native()?.libc;
  if (libc === undefined) throw unsupported('bind a socket in a chosen network namespace');
  return libc;
}

/** A dgram socket over a bound fd, which it then owns. Settles when it receives. */
export async function adoptUdp(fd: number, family: 4 | 6 = 4): Promise<UdpSocket> {
  const socket = createSocket(family === 4 ? 'udp4' : 'udp6');
  const listening = once(socket, 'listening');
  socket.bind({ fd, exclusive: true });
  await listening;
  return socket;
}

/** A server over a bound TCP fd, which it then owns. Settles when it listens. */
export async function adoptTcp(fd: number): Promise<Server> {
  const server = createServer();
  const listening = once(server, 'listening');
  server.listen({ fd, exclusive: true });
  await listening;
  return server;
}
