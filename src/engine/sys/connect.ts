import { closeSync } from 'node:fs';
import { Socket, type SocketConstructorOpts } from 'node:net';
import { callFailed, unsupported } from './call-failed.js';
import { native } from './native.js';
import { inNetworkNamespace, type NetworkNamespace } from './network-namespace.js';
import { AF_INET, AF_INET6, SOCK_FLAGS, SOCK_STREAM } from './socket-numbers.js';

/**
 * Begins to connect by TCP from inside a network namespace: a socket belongs to the namespace it was made in. `connect`
 * or `error` tells how it went.
 * @param host - an address, not a name
 * @throws `sys/call-failed`; `sys/unsupported` without FFI
 */
export function connectFrom(namespace: NetworkNamespace, host: string, port: number): Socket {
  const libc = native()?.libc;
  if (libc === undefined) throw unsupported('connect from a chosen network namespace');
  const fd = inNetworkNamespace(namespace, () => {
    const made = libc.socket(host.includes(':') ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_FLAGS, 0);
    if (made < 0) throw callFailed('socket', [host, port], libc.errno());
    return made;
  });
  try {
    // Not to be read before it is connected, which `manualStart` (not in the published types) says.
    const socket = new Socket({ fd, manualStart: true, readable: true, writable: true } as SocketConstructorOpts);
    return socket.connect({ host, port });
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}
