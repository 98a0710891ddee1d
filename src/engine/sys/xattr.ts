import { callFailed, sysErrno } from './call-failed.js';
import { native } from './native.js';
import { cPath, type PathName, toolPath } from './path-name.js';
import { runToolSync } from './tool.js';

const ENODATA = 61;
const ERANGE = 34;

/** lsetxattr(2): on the link itself, created or replaced. @throws `sys/call-failed` */
export function lsetxattr(path: PathName, name: string, value: Uint8Array): void {
  const libc = native()?.libc;
  if (libc === undefined) {
    const hex = Buffer.from(value).toString('hex');
    runToolSync('setfattr', ['-h', '-n', name, ...(hex === '' ? [] : ['-v', `0x${hex}`]), '--', toolPath(path)]);
    return;
  }
  if (libc.lsetxattr(cPath(path), name, value, value.byteLength, 0) === 0) return;
  throw callFailed('lsetxattr', [path, name, value], libc.errno());
}

/** lgetxattr(2). @returns undefined where there is no such attribute. @throws `sys/call-failed` */
export function lgetxattr(path: PathName, name: string): Buffer | undefined {
  const libc = native()?.libc;
  if (libc === undefined) {
    try {
      return runToolSync('getfattr', ['-h', '--only-values', '--absolute-names', '-n', name, '--', toolPath(path)]);
    } catch (error) {
      if (sysErrno(error) === 'ENODATA') return undefined;
      throw error;
    }
  }
  const value = growing(
    (buffer) => libc.lgetxattr(cPath(path), name, buffer, buffer.length),
    () => libc.errno(),
  );
  if (Buffer.isBuffer(value)) return value;
  if (value.errno === ENODATA) return undefined;
  throw callFailed('lgetxattr', [path, name], value.errno);
}

/** llistxattr(2): the names, in the kernel's order. @throws `sys/call-failed` */
export function llistxattr(path: PathName): string[] {
  const libc = native()?.libc;
  if (libc === undefined) {
    const listing = runToolSync('getfattr', ['-h', '--absolute-names', '-m', '-', '--', toolPath(path)]).toString();
    return listing.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  }
  const list = growing(
    (buffer) => libc.llistxattr(cPath(path), buffer, buffer.length),
    () => libc.errno(),
  );
  if (!Buffer.isBuffer(list)) throw callFailed('llistxattr', [path], list.errno);
  return list.length === 0 ? [] : list.toString('utf8', 0, list.length - 1).split('\0');
}

const scratch = Buffer.alloc(4096);

/** Reads into a small buffer first: nearly every value fits, so that most calls are one system call. */
function growing(read: (buffer: Buffer) => number, errno: () => number): Buffer | { readonly errno: number } {
  for (let buffer = scratch; ; buffer = Buffer.alloc(buffer.length * 4)) {
    const size = read(buffer);
    if (size >= 0) return Buffer.from(buffer.subarray(0, size));
    if (errno() !== ERANGE || buffer.length > 1 << 20) return { errno: errno() };
  }
}
