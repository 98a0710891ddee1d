import { Socket, connect, type SocketConstructorOpts } from 'node:net';

/** libuv's pipe, which carries any stream socket's fd; Node has no public name for it. */
interface PipeHandle {
  /** @returns 0 or a negative errno */
  open(fd: number): number;
  close(): void;
}
type PipeConstructor = new (type: number) => PipeHandle;

let pipeConstructor: PipeConstructor | undefined;

/**
 * A duplex stream over the fd of any connected Unix socket, SEQPACKET too, where `new Socket({ fd })` refuses what it
 * does not know. The stream owns the fd. One read takes a whole packet (up to 64 KB), one write sends one.
 * @throws Error when libuv refuses the fd
 */
export function socketOver(fd: number): Socket {
  pipeConstructor ??= findPipeConstructor();
  const handle = new pipeConstructor(0);
  const errno = handle.open(fd);
  if (errno !== 0) throw new Error(`bug: libuv cannot open fd ${fd}: ${errno}`);
  // `handle` is not in the published types, but all of Node's own sockets are made this way.
  return new Socket({ handle, allowHalfOpen: true } as SocketConstructorOpts);
}

/** The descriptor of a socket; undefined once it is closed. */
export function fdOf(socket: Socket): number | undefined {
  const { _handle: handle } = socket as unknown as { readonly _handle: { readonly fd?: number } | null };
  const fd = handle?.fd ?? -1;
  return fd < 0 ? undefined : fd;
}

/** The class of the handle that a Unix socket gets as soon as it starts to connect, whether or not that succeeds. */
function findPipeConstructor(): PipeConstructor {
  const probe = connect({ path: '/dev/null/none' });
  probe.on('error', () => undefined);
  const { _handle: handle } = probe as unknown as { _handle: { constructor: PipeConstructor } };
  probe.destroy();
  return handle.constructor;
}
