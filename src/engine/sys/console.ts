import { closeSync, rmSync } from 'node:fs';
import { ReadStream } from 'node:tty';
import { Duplex } from 'node:stream';
import { asError, errnoOf } from '../../base/errors.js';
import { callFailed, unsupported } from './call-failed.js';
import { native, type Libc, type Native } from './native.js';
import { AF_UNIX, SOCK_FLAGS, SOCK_STREAM, SOL_SOCKET } from './socket-numbers.js';
import { unixAddress, withShortSocketPath } from './unix-address.js';

const MSG_CMSG_CLOEXEC = 0x40000000;
const SCM_RIGHTS = 1;
const TIOCSWINSZ = 0x5414;
const EAGAIN = 11;

/** The terminal of a container process, seen from outside. */
export interface Console {
  /** Both directions; ends when the last process on the terminal has gone. */
  readonly stream: Duplex;
  /** TIOCSWINSZ, which sends SIGWINCH inside. */
  resize(rows: number, columns: number): void;
  close(): void;
}

/**
 * Listens at `socketPath`, which must not exist yet, for the pseudo-terminal that a runtime sends to its
 * `--console-socket` (SCM_RIGHTS, unix(7)). The socket is listening when this returns its promise, so the runtime can be
 * started at once; it is removed when the promise settles.
 * @param signal - gives up waiting; what has been sent by then is still taken, so it may fire as soon as the sender is gone
 * @throws `sys/call-failed`; `sys/unsupported` without FFI; the abort reason
 */
export async function acceptConsole(socketPath: string, signal: AbortSignal): Promise<Console> {
  const ffi = native();
  if (ffi === undefined) throw unsupported('receive a terminal');
  signal.throwIfAborted();
  const { libc } = ffi;
  const listener = listen(libc, socketPath);
  try {
    const connection = await firstResult(ffi, listener, signal, () => {
      const fd = libc.accept4(listener, null, null, SOCK_FLAGS);
      if (fd < 0) throwUnlessAgain(libc, 'accept4', socketPath);
      return fd < 0 ? undefined : fd;
    });
    try {
      const master = await firstResult(ffi, connection, signal, () => receiveFd(ffi, connection, socketPath));
      return consoleOver(ffi, master);
    } finally {
      closeSync(connection);
    }
  } finally {
    closeSync(listener);
    rmSync(socketPath, { force: true });
  }
}

function listen(libc: Libc, path: string): number {
  const fd = libc.socket(AF_UNIX, SOCK_STREAM | SOCK_FLAGS, 0);
  if (fd < 0) throw callFailed('socket', ['AF_UNIX'], libc.errno());
  const bound = withShortSocketPath(path, (short) => {
    const name = unixAddress(short);
    return libc.bind(fd, name, name.length) === 0 && libc.listen(fd, 1) === 0;
  });
  if (bound) return fd;
  const errno = libc.errno();
  closeSync(fd);
  throw callFailed('bind', [path], errno);
}

/** Tries whenever `fd` is readable, and a last time when `signal` fires, until there is a result. */
function firstResult(ffi: Native, fd: number, signal: AbortSignal, attempt: () => number | undefined): Promise<number> {
  return new Promise((resolve, reject) => {
    const finish = (): void => {
      watch.close();
      signal.removeEventListener('abort', abort);
    };
    const tryNow = (): boolean => {
      try {
        const result = attempt();
        if (result === undefined) return false;
        resolve(result);
      } catch (error) {
        reject(asError(error));
      }
      finish();
      return true;
    };
    const abort = (): void => {
      if (tryNow()) return;
      finish();
      reject(asError(signal.reason));
    };
    const watch = ffi.watchReadable(fd, tryNow);
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort);
  });
}

function throwUnlessAgain(libc: Libc, call: string, path: string): void {
  if (libc.errno() !== EAGAIN) throw callFailed(call, [path], libc.errno());
}

/** recvmsg(2) with room for one descriptor; struct msghdr and cmsghdr of 64-bit Linux. */
function receiveFd(ffi: Native, connection: number, path: string): number | undefined {
  const { libc } = ffi;
  const data = Buffer.alloc(4096);
  const control = Buffer.alloc(64);
  const vector = Buffer.alloc(16);
  vector.writeBigUInt64LE(ffi.addressOf(data), 0);
  vector.writeBigUInt64LE(BigInt(data.length), 8);
  const message = Buffer.alloc(56);
  message.writeBigUInt64LE(ffi.addressOf(vector), 16);
  message.writeBigUInt64LE(1n, 24);
  message.writeBigUInt64LE(ffi.addressOf(control), 32);
  message.writeBigUInt64LE(BigInt(control.length), 40);
  const size = libc.recvmsg(connection, message, MSG_CMSG_CLOEXEC);
  if (size < 0) {
    throwUnlessAgain(libc, 'recvmsg', path);
    return undefined;
  }
  const length = Number(message.readBigUInt64LE(40));
  if (length < 20 || control.readInt32LE(8) !== SOL_SOCKET || control.readInt32LE(12) !== SCM_RIGHTS) {
    throw callFailed('recvmsg', [path], 'EPROTO', 'the runtime sent no terminal');
  }
  return control.readInt32LE(16);
}

function consoleOver({ libc }: Native, master: number): Console {
  const terminal = new ReadStream(master);
  const stream = new Duplex({
    read: () => {
      terminal.resume();
    },
    write: (chunk: Buffer, _encoding, done) => {
      terminal.write(chunk, done);
    },
    destroy: (error, done) => {
      terminal.destroy();
      done(error);
    },
  });
  stream.once('end', () => stream.destroy()); // nobody is left to write to, though the writer may not know
  terminal.on('data', (chunk: Buffer) => {
    if (!stream.push(chunk)) terminal.pause();
  });
  terminal.on('end', () => stream.push(null));
  terminal.on('error', (error) => {
    // The master reads EIO when nobody has the other side open any more: for a reader, that is the end.
    if (errnoOf(error) === 'EIO') stream.push(null);
    else stream.destroy(error);
  });
  return {
    stream,
    resize: (rows, columns) => {
      if (terminal.destroyed) return;
      const size = Buffer.alloc(8);
      size.writeUInt16LE(rows, 0);
      size.writeUInt16LE(columns, 2);
      if (libc.ioctl(master, TIOCSWINSZ, size) !== 0) throw callFailed('ioctl', ['TIOCSWINSZ'], libc.errno());
    },
    close: () => {
      stream.destroy();
    },
  };
}
