import { existsSync, close, openSync, readFileSync, readdirSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { callFailed } from './call-failed.js';
import { native } from './native.js';
import { O_PATH } from './open-flags.js';
import { overlayMounter } from './overlay-mounter.js';
import { toolPath } from './path-name.js';
import { runToolSync } from './tool.js';

/** mount(2); `ro` with `bind` needs a second call with `remount`. */
export type MountFlag = keyof typeof flagBits;

const flagBits = {
  ro: 1,
  nosuid: 2,
  nodev: 4,
  noexec: 8,
  sync: 16,
  remount: 32,
  dirsync: 128,
  noatime: 1024,
  nodiratime: 2048,
  bind: 4096,
  rec: 16384,
  unbindable: 1 << 17,
  private: 1 << 18,
  slave: 1 << 19,
  shared: 1 << 20,
  strictatime: 1 << 24,
} as const;

const propagations = ['unbindable', 'private', 'slave', 'shared'] as const;

export interface MountRequest {
  readonly source?: string;
  readonly target: string;
  readonly fstype?: string;
  readonly flags?: readonly MountFlag[];
  /** Options of the file system, comma separated; less than a page. */
  readonly data?: string;
}

/** mount(2); of overlays by others where `chooseOverlayDriver` said so. @throws `sys/call-failed` */
export function mount({ source, target, fstype, flags = [], data }: MountRequest): void {
  const other = fstype === 'overlay' ? overlayMounter() : undefined;
  if (other !== undefined) {
    other.mount({ target, data: data ?? '', readOnly: flags.includes('ro') });
    return;
  }
  const libc = native()?.libc;
  if (libc === undefined) {
    runToolSync('mount', mountArguments({ source, target, fstype, flags, data }));
    return;
  }
  const bits = flags.reduce((sum, flag) => sum | flagBits[flag], 0);
  if (libc.mount(source ?? null, target, fstype ?? null, bits, data ?? null) === 0) return;
  throw callFailed('mount', [source ?? '', target, fstype ?? '', flags.join('|'), data ?? ''], libc.errno());
}

/** The arguments of mount(8) that do what mount(2) would. */
function mountArguments(request: {
  source: string | undefined;
  target: string;
  fstype: string | undefined;
  flags: readonly MountFlag[];
  data: string | undefined;
}): string[] {
  const { source, target, fstype, flags, data } = request;
  const recursive = flags.includes('rec') ? 'r' : '';
  const propagation = propagations.find((name) => flags.includes(name));
  if (propagation !== undefined) return [`--make-${recursive}${propagation}`, '--', target];
  const options = flags.filter((flag) => flag !== 'rec' && (flag !== 'bind' || flags.includes('remount')));
  const words: string[] = data === undefined || data === '' ? [...options] : [...options, data];
  return [
    '-n',
    '--no-canonicalize', // what a path by a descriptor means is for the kernel to find, as with mount(2)
    ...(flags.includes('bind') && !flags.includes('remount') ? [`--${recursive}bind`] : []),
    ...(fstype === undefined ? [] : ['-t', fstype]),
    ...(words.length === 0 ? [] : ['-o', words.join(',')]),
    '--',
    ...(source === undefined ? (flags.includes('remount') ? [] : [fstype ?? 'none']) : [toolPath(source)]),
    toolPath(target),
  ];
}

export interface UnmountOptions {
  /** MNT_DETACH: gone from the tree at once, from the kernel when nobody uses it. */
  readonly detach?: boolean;
}

/** umount2(2), never following a symbolic link at `target`. @throws `sys/call-failed`, EINVAL when nothing is mounted */
export function unmount(target: string, { detach = false }: UnmountOptions = {}): void {
  const libc = native()?.libc;
  if (libc === undefined) {
    runToolSync('umount', ['-n', ...(detach ? ['--lazy'] : []), '--', toolPath(target)]);
    return;
  }
  if (libc.umount2(target, UMOUNT_NOFOLLOW | (detach ? MNT_DETACH : 0)) === 0) return;
  throw callFailed('umount2', [target, detach ? 'MNT_DETACH' : ''], libc.errno());
}

const MNT_DETACH = 2;
const UMOUNT_NOFOLLOW = 8;

const AT_FDCWD = -100;
const AT_SYMLINK_NOFOLLOW = 0x100;
const AT_NO_AUTOMOUNT = 0x800;
/** Of struct statx: what is so, and what this kernel and file system can tell. */
const [attributesAt, attributesMaskAt] = [8, 56];
const STATX_ATTR_MOUNT_ROOT = 0x2000n; // Linux 5.8

/**
 * Whether something is mounted exactly at this absolute, resolved path; false where there is no such path. Asks for the
 * one file: the list of mounts takes the kernel longer the more containers there are.
 */
export function isMountPoint(path: string): boolean {
  return isMountRoot(path) ?? listMountPoints().includes(path === '/' ? path : path.replace(/\/+$/, ''));
}

/** Undefined where the kernel does not say, or the file system that is mounted there no longer answers. */
function isMountRoot(path: string): boolean | undefined {
  const libc = native()?.libc;
  if (libc === undefined) return undefined;
  const result = Buffer.alloc(256);
  if (libc.statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, 0, result) !== 0) {
    return libc.errno() === constants.errno.ENOENT ? false : undefined;
  }
  const has = (at: number) => (result.readBigUInt64LE(at) & STATX_ATTR_MOUNT_ROOT) !== 0n;
  return has(attributesMaskAt) ? has(attributesAt) : undefined;
}

const restrictions = ['ro', 'nosuid', 'nodev', 'noexec'] as const;
const statvfsFlagsAt = 72; // f_flag of struct statvfs on every 64-bit Linux, with the bits of mount(2)

/**
 * What may not be done on the mount that a path lies on (statvfs(3)), nothing where there is no such path. A bind mount
 * that is remounted without saying so again loses it.
 * @throws `sys/call-failed`, `tool/missing`
 */
export function restrictionsOf(path: string): readonly (typeof restrictions)[number][] {
  if (!existsSync(path)) return [];
  const libc = native()?.libc;
  if (libc === undefined) {
    const words = runToolSync('findmnt', ['-n', '-o', 'VFS-OPTIONS', '--target', path]).toString().trim().split(',');
    return restrictions.filter((word) => words.includes(word));
  }
  const result = Buffer.alloc(256);
  if (libc.statvfs(path, result) !== 0) throw callFailed('statvfs', [path], libc.errno());
  const bits = result.readUInt32LE(statvfsFlagsAt);
  return restrictions.filter((word) => (bits & flagBits[word]) !== 0);
}

/** Unmounts everything below a folder, and leaves what is mounted at the folder itself. */
export function unmountBelow(folder: string): void {
  for (const path of mountPointsBelow(folder)) unmount(path, { detach: true }); // with all that is mounted in it
}

/**
 * As {@link unmountBelow}: gone from the tree at once. The kernel lets go of an overlay only when it has written back the
 * whole file system that holds its upper directory; that happens on another thread.
 * @returns resolves when it has; until then no upper directory may be mounted again. Undefined where nothing was mounted
 */
export function detachBelow(folder: string): Promise<void> | undefined {
  const held: number[] = [];
  for (const path of mountPointsBelow(folder)) {
    held.push(openSync(path, O_PATH)); // the last user is whoever closes this
    unmount(path, { detach: true });
  }
  return held.length === 0 ? undefined : Promise.allSettled(held.map((fd) => closeOffThread(fd))).then(() => undefined);
}

const closeOffThread = promisify(close);

/** Asked for one after another: each may be unmounted before the next is looked for. */
function* mountPointsBelow(folder: string): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    while (isMountPoint(path)) yield path;
    if (entry.isDirectory()) yield* mountPointsBelow(path);
  }
}

/** Every mount point of this mount namespace, oldest first (proc_pid_mountinfo(5)). */
export function listMountPoints(): string[] {
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .flatMap((line) => {
      const field = line.split(' ', 5)[4];
      return field === undefined ? [] : [unescapeOctal(field)];
    });
}

function unescapeOctal(field: string): string {
  if (!field.includes('\\')) return field;
  const bytes = Buffer.from(field).toString('latin1');
  const plain = bytes.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 8)));
  return Buffer.from(plain, 'latin1').toString();
}
