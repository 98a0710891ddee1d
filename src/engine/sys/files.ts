import { closeSync, constants, lutimesSync, lstatSync, openSync, readlinkSync } from 'node:fs';
import { callFailed } from './call-failed.js';
import { deviceNumber } from './device-number.js';
import { native } from './native.js';
import { O_PATH } from './open-flags.js';
import { cPath, type PathName, toolPath } from './path-name.js';
import { runToolSync } from './tool.js';

const AT_FDCWD = -100;
const AT_SYMLINK_NOFOLLOW = 0x100;
const SYS_openat2 = 437; // the same on every architecture
const RESOLVE_IN_ROOT = 0x10;
const ENOSYS = 38;

/**
 * mknod(2): `mode` holds the file type (`constants.S_IFCHR`, `S_IFBLK`, `S_IFIFO`) and the permissions, which the umask
 * lowers (without FFI it does not). @throws `sys/call-failed`
 */
export function mknod(path: PathName, mode: number, major: number, minor: number): void {
  const libc = native()?.libc;
  if (libc === undefined) {
    const type = mode & constants.S_IFMT;
    const letter = type === constants.S_IFCHR ? 'c' : type === constants.S_IFBLK ? 'b' : 'p';
    runToolSync('mknod', [
      '-m',
      (mode & 0o7777).toString(8),
      '--',
      toolPath(path),
      letter,
      ...(letter === 'p' ? [] : [`${major}`, `${minor}`]),
    ]);
    return;
  }
  if (libc.mknod(cPath(path), mode, deviceNumber(major, minor)) === 0) return;
  throw callFailed('mknod', [path, `0${mode.toString(8)}`, major, minor], libc.errno());
}

export interface FileTimes {
  /** Nanoseconds since 1970. */
  readonly mtimeNs: bigint;
  /** The same as `mtimeNs` when left out. */
  readonly atimeNs?: bigint;
}

const times = Buffer.alloc(32);

/** utimensat(2), to the nanosecond and on a symbolic link itself. Without FFI to the microsecond. */
export function setTimes(path: PathName, { mtimeNs, atimeNs = mtimeNs }: FileTimes): void {
  const libc = native()?.libc;
  if (libc === undefined) {
    lutimesSync(path, Number(atimeNs) / 1e9, Number(mtimeNs) / 1e9);
    return;
  }
  writeTimespec(atimeNs, 0);
  writeTimespec(mtimeNs, 16);
  if (libc.utimensat(AT_FDCWD, cPath(path), times, AT_SYMLINK_NOFOLLOW) === 0) return;
  throw callFailed('utimensat', [path, mtimeNs], libc.errno());
}

function writeTimespec(nanoseconds: bigint, at: number): void {
  const billion = 1_000_000_000n;
  const rest = ((nanoseconds % billion) + billion) % billion; // before 1970 seconds round down, not towards zero
  times.writeBigInt64LE((nanoseconds - rest) / billion, at);
  times.writeBigInt64LE(rest, at + 8);
}

/** syncfs(2): writes back everything of the file system that holds `path`. Blocks; keep it off hot paths. */
export function syncFilesystem(path: string): void {
  const libc = native()?.libc;
  if (libc === undefined) {
    runToolSync('sync', ['-f', '--', path]);
    return;
  }
  const fd = openSync(path, constants.O_RDONLY);
  try {
    if (libc.syncfs(fd) !== 0) throw callFailed('syncfs', [path], libc.errno());
  } finally {
    closeSync(fd);
  }
}

/**
 * Opens `path` with `root` as its `/`: neither `..` nor a symbolic link, absolute or not, leaves it (openat2(2),
 * RESOLVE_IN_ROOT). `flags` and `mode` are open(2)'s; O_CLOEXEC is added.
 * @returns a file descriptor that the caller closes
 * @throws `sys/call-failed`
 */
export function openBeneath(root: string, path: string, flags: number, mode = 0): number {
  const libc = native()?.libc;
  if (libc !== undefined) {
    const directory = openSync(root, O_PATH | constants.O_DIRECTORY);
    try {
      const how = Buffer.alloc(24);
      how.writeBigUInt64LE(BigInt(flags | O_CLOEXEC), 0);
      how.writeBigUInt64LE(BigInt(mode), 8);
      how.writeBigUInt64LE(BigInt(RESOLVE_IN_ROOT), 16);
      const fd = libc.openat2(SYS_openat2, directory, path === '' ? '.' : path, how, how.length);
      if (fd >= 0) return fd;
      // EAGAIN: a rename elsewhere raced with a `..`; older kernels than 5.6 have no openat2 at all.
      if (![ENOSYS, EAGAIN].includes(libc.errno())) throw callFailed('openat2', [root, path, flags], libc.errno());
    } finally {
      closeSync(directory);
    }
  }
  return openStepwise(root, path, flags, mode);
}

const O_CLOEXEC = 0o2000000;
const EAGAIN = 11;

/** The same, one component at a time: every directory is held open, so that nothing can be swapped under the walk. */
function openStepwise(root: string, path: string, flags: number, mode: number): number {
  const held = [openSync(root, O_PATH | constants.O_DIRECTORY)]; // root first, where we are last
  try {
    const rest = path.split('/');
    for (let followed = 0; ;) {
      while (rest.length > 0 && (rest[0] === '' || rest[0] === '.')) rest.shift();
      const name = rest.shift();
      const here = `/proc/self/fd/${String(held.at(-1))}`;
      if (name === undefined) return openSync(`${here}/.`, flags, mode);
      if (name === '..') {
        if (held.length > 1) closeSync(held.pop() ?? -1);
        continue;
      }
      const last = rest.every((part) => part === '' || part === '.');
      const link = linkTarget(`${here}/${name}`);
      if (link !== undefined && !(last && (flags & constants.O_NOFOLLOW) !== 0)) {
        followed += 1;
        if (followed > 40) throw callFailed('openat2', [root, path, flags], 'ELOOP');
        if (link.startsWith('/')) for (const fd of held.splice(1)) closeSync(fd);
        rest.unshift(...link.split('/'));
        continue;
      }
      if (last) return openSync(`${here}/${name}`, flags | constants.O_NOFOLLOW, mode);
      held.push(openSync(`${here}/${name}`, O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW));
    }
  } finally {
    for (const fd of held) closeSync(fd);
  }
}

function linkTarget(path: string): string | undefined {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true ? readlinkSync(path) : undefined;
}
