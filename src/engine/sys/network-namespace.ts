import { closeSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomUUID } from 'node:crypto';
import { callFailed, unsupported } from './call-failed.js';
import { native } from './native.js';
import { runToolSync } from './tool.js';

/** A network namespace held open by a file descriptor of this process; it ends with its last holder. */
export interface NetworkNamespace {
  readonly fd: number;
  /** A path by which other processes can enter it while this one holds it. */
  readonly procPath: string;
  /** Closes the descriptor; calling it again does nothing. */
  close(): void;
}

const CLONE_NEWNET = 0x40000000;

/** Makes an empty namespace (loopback, down). @throws `sys/call-failed` */
export function createNetworkNamespace(): NetworkNamespace {
  const libc = native()?.libc;
  if (libc === undefined) return createByTool();
  return returningHome((): NetworkNamespace => {
    if (libc.unshare(CLONE_NEWNET) !== 0) throw callFailed('unshare', ['CLONE_NEWNET'], libc.errno());
    return held(openSync('/proc/thread-self/ns/net', 'r'));
  });
}

/** Opens a namespace by a path such as `/proc/PID/ns/net`. */
export function openNetworkNamespace(path: string): NetworkNamespace {
  return held(openSync(path, 'r'));
}

/**
 * Runs `work` with this thread inside the namespace: sockets and netlink opened there stay there. `work` must be
 * synchronous, since anything awaited would resume in whichever namespace the thread is in by then.
 * A thread that cannot return to its own namespace would mix up two networks, so that ends the process.
 * @throws `sys/unsupported` without FFI; see {@link canEnterNamespaces}
 */
export function inNetworkNamespace<T>(namespace: NetworkNamespace, work: () => T): T {
  const libc = native()?.libc;
  if (libc === undefined) throw unsupported('enter a network namespace');
  return returningHome(() => {
    if (libc.setns(namespace.fd, CLONE_NEWNET) !== 0) throw callFailed('setns', [namespace.procPath], libc.errno());
    return work();
  });
}

/** False where {@link inNetworkNamespace} cannot work and tools such as nsenter must do. */
export function canEnterNamespaces(): boolean {
  return native() !== undefined;
}

let home: number | undefined;
let depth = 0;

function returningHome<T>(work: () => T): T {
  const libc = native()?.libc;
  if (libc === undefined) throw unsupported('change its network namespace');
  if (depth > 0) throw new Error('bug: network namespaces are entered one at a time');
  home ??= openSync('/proc/thread-self/ns/net', 'r');
  depth += 1;
  try {
    return work();
  } finally {
    depth -= 1;
    if (libc.setns(home, CLONE_NEWNET) !== 0) {
      process.stderr.write(`cannot return to the host's network namespace, errno ${libc.errno()}\n`);
      process.abort();
    }
  }
}

function held(fd: number): NetworkNamespace {
  let open = true;
  return {
    fd,
    procPath: `/proc/${process.pid}/fd/${fd}`,
    close: () => {
      if (open) closeSync(fd);
      open = false;
    },
  };
}

/** unshare(1) pins the namespace to a file; the file goes as soon as the namespace is open. */
function createByTool(): NetworkNamespace {
  const pin = join(tmpdir(), `tscompose-netns-${randomUUID()}`);
  writeFileSync(pin, '', { mode: 0o600 });
  try {
    runToolSync('unshare', [`--net=${pin}`, 'true']);
    try {
      return openNetworkNamespace(pin);
    } finally {
      runToolSync('umount', ['-n', '--lazy', '--', pin]); // what we opened just now keeps it busy
    }
  } finally {
    rmSync(pin, { force: true });
  }
}
