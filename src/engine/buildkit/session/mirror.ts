import {
  chmodSync,
  closeSync,
  constants,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  rmSync,
  symlinkSync,
  writeSync,
} from 'node:fs';
import { posix } from 'node:path';
import { fileName } from '../../../base/tar/names.js';
import { readLink, readNames } from '../../../base/tar/read-names.js';
import { mknod, type PathName, setTimes } from '../../sys/index.js';
import { GrpcFailure, grpcCode } from '../grpc/failure.js';
import { kindOf, permissionsOf } from './go-mode.js';
import type { ContentSink, FileSink, FileStat } from './receive.js';

/**
 * Makes `root` the folder that a client sends, to the last file: what is there already with the same size, time and mode
 * is not asked for again, what is not in the list goes. Nobody else may write into `root` meanwhile. Nothing is written
 * outside: a path is a clean relative one, and each of its parents a directory that came in this very list.
 */
export function mirrorInto(root: string): FileSink {
  const placed = new Map<string, Set<string>>([['', new Set()]]); // directories, and the names in each
  const files = new Set<string>();
  const directoryTimes: [path: PathName, mtimeNs: bigint][] = [];

  return {
    place: (stat) => {
      const { path = '', mode = 0, modTime = 0n, linkname = '' } = stat;
      const names = placed.get(parentOf(path));
      const name = posix.basename(path);
      if (!isClean(path) || names === undefined || names.has(name)) throw badPath(path);
      names.add(name);
      const whole = fileName(`${root}/${path}`);
      const permissions = permissionsOf(mode);
      switch (kindOf(mode)) {
        case 'directory':
          placed.set(path, new Set());
          directoryTimes.push([whole, modTime]);
          if (lstatSync(whole, { throwIfNoEntry: false })?.isDirectory() !== true) {
            remove(whole);
            mkdirSync(whole);
          }
          chmodSync(whole, permissions);
          return undefined;
        case 'symlink':
          if (linkTarget(`${root}/${path}`) !== linkname) {
            remove(whole);
            symlinkSync(fileName(linkname), whole);
          }
          setTimes(whole, { mtimeNs: modTime });
          return undefined;
        case 'fifo':
        case 'character-device':
        case 'block-device':
          remove(whole);
          mknod(whole, typeBits(kindOf(mode)) | permissions, stat.devmajor ?? 0, stat.devminor ?? 0);
          chmodSync(whole, permissions);
          setTimes(whole, { mtimeNs: modTime });
          return undefined;
        case 'other':
          return undefined; // sockets are no content
        case 'file':
          if (linkname !== '') {
            if (!files.has(linkname)) throw badPath(linkname);
            remove(whole);
            linkSync(fileName(`${root}/${linkname}`), whole);
            return undefined;
          }
          files.add(path);
          return isSame(whole, stat) ? undefined : contentOf(whole, permissions, modTime);
      }
    },
    listed: () => {
      for (const [path, names] of placed) {
        const whole = path === '' ? root : `${root}/${path}`;
        for (const name of readNames(whole)) if (!names.has(name)) remove(fileName(`${whole}/${name}`));
      }
      for (const [whole, mtimeNs] of directoryTimes) setTimes(whole, { mtimeNs });
    },
  };
}

function contentOf(whole: PathName, permissions: number, mtimeNs: bigint): ContentSink {
  remove(whole);
  // Held open until its turn it would take a descriptor a file: opened anew with the first byte.
  closeSync(openSync(whole, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600));
  let fd: number | undefined;
  const open = (): number => (fd ??= openSync(whole, constants.O_WRONLY | constants.O_APPEND | constants.O_NOFOLLOW));
  const close = (): void => {
    if (fd !== undefined) closeSync(fd);
    fd = undefined;
  };
  return {
    write: (chunk) => {
      for (let rest = chunk; rest.byteLength > 0;) rest = rest.subarray(writeSync(open(), rest));
    },
    close: () => {
      close();
      chmodSync(whole, permissions);
      setTimes(whole, { mtimeNs });
    },
    abandon: () => {
      close();
      remove(whole); // half of it, with a time of its own: it would not be taken for the client's anyway
    },
  };
}

/** A file with several names is taken anew: one of them may have been changed apart. */
function isSame(whole: PathName, { size = 0, modTime = 0n, mode = 0 }: Partial<FileStat>): boolean {
  const have = lstatSync(whole, { bigint: true, throwIfNoEntry: false });
  return (
    have?.isFile() === true &&
    have.nlink === 1n &&
    have.size === BigInt(size) &&
    have.mtimeNs === modTime &&
    Number(have.mode & 0o7777n) === permissionsOf(mode)
  );
}

function linkTarget(whole: string): string | undefined {
  return lstatSync(fileName(whole), { throwIfNoEntry: false })?.isSymbolicLink() === true ? readLink(whole) : undefined;
}

function remove(whole: PathName): void {
  rmSync(whole, { recursive: true, force: true });
}

function typeBits(kind: ReturnType<typeof kindOf>): number {
  if (kind === 'fifo') return constants.S_IFIFO;
  return kind === 'character-device' ? constants.S_IFCHR : constants.S_IFBLK;
}

function parentOf(path: string): string {
  const parent = posix.dirname(path);
  return parent === '.' ? '' : parent;
}

function isClean(path: string): boolean {
  return (
    !path.includes('\0') && path.split('/').every((element) => element !== '' && element !== '.' && element !== '..')
  );
}

function badPath(path: string): GrpcFailure {
  return new GrpcFailure(grpcCode.invalidArgument, `the client sent a path that cannot be: ${JSON.stringify(path)}`);
}
