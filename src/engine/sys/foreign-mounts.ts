import { closeSync, openSync } from 'node:fs';
import { callFailed } from './call-failed.js';
import { native } from './native.js';

const [CLONE_FS, CLONE_NEWNS] = [0x200, 0x20000];
const [SYS_open_tree, SYS_move_mount] = [428, 429]; // the same on every architecture
const AT_FDCWD = -100;
const [OPEN_TREE_CLONE, OPEN_TREE_CLOEXEC] = [1, 0x80000];
const AT_RECURSIVE = 0x8000;
const MOVE_MOUNT_F_EMPTY_PATH = 4;

export interface ForeignMount {
  /** The mount namespace that has the source: a file such as `/proc/PID/ns/mnt`. */
  readonly namespace: string;
  /** As processes there see it. */
  readonly source: string;
  /** In our own mount namespace; a folder for a folder, a file for a file. */
  readonly target: string;
  /** With what is mounted below. */
  readonly recursive: boolean;
}

/** Whether {@link bindForeignMount} can work here: it needs FFI and Linux 5.2. */
export function canBindForeignMounts(): boolean {
  return native() !== undefined;
}

/**
 * Binds a part of another mount namespace into ours, which mount(2) does not: a detached copy is made there
 * (open_tree(2)) and attached here (move_mount(2)). A copy of a shared mount shares with it. For a moment this thread is
 * in the other namespace, so everything is synchronous, and a thread that could not return ends the process.
 * @throws `sys/call-failed`
 */
export function bindForeignMount({ namespace, source, target, recursive }: ForeignMount): void {
  const libc = native()?.libc;
  if (libc === undefined) throw callFailed('setns', [namespace], 'ENOSYS');
  const home = openSync('/proc/thread-self/ns/mnt', 'r');
  const folder = currentFolder();
  let other: number | undefined;
  let tree = -1;
  try {
    other = openSync(namespace, 'r');
    // A thread that shares its root and working folder with others cannot change namespace (setns(2)).
    if (libc.unshare(CLONE_FS) !== 0) throw callFailed('unshare', ['CLONE_FS'], libc.errno());
    if (libc.setns(other, CLONE_NEWNS) !== 0) throw callFailed('setns', [namespace, 'CLONE_NEWNS'], libc.errno());
    try {
      const flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (recursive ? AT_RECURSIVE : 0);
      tree = libc.open_tree(SYS_open_tree, AT_FDCWD, source, flags);
      if (tree < 0) throw callFailed('open_tree', [source], libc.errno());
    } finally {
      if (libc.setns(home, CLONE_NEWNS) !== 0) {
        process.stderr.write(`cannot return to the engine's mount namespace, errno ${libc.errno()}\n`);
        process.abort();
      }
      process.chdir(folder); // setns moved us to the root
    }
    if (libc.move_mount(SYS_move_mount, tree, '', AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH) !== 0) {
      throw callFailed('move_mount', [source, target], libc.errno());
    }
  } finally {
    for (const fd of [tree, other, home]) if (fd !== undefined && fd >= 0) closeSync(fd);
  }
}

function currentFolder(): string {
  try {
    return process.cwd();
  } catch {
    return '/'; // it was removed
  }
}
