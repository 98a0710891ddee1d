import {
  closeSync,
  constants,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  isMountPoint,
  listMountPoints,
  lgetxattr,
  llistxattr,
  lsetxattr,
  mknod,
  mount,
  openBeneath,
  setTimes,
  syncFilesystem,
  tryLock,
  unmount,
  unmountBelow,
} from '../../../src/engine/sys/index.js';
import { bothWays, chooseWay, enterPrivateNamespaces, errnoOfCall } from './private-namespaces.js';

let folder = '';

beforeAll(() => {
  enterPrivateNamespaces();
  folder = mkdtempSync(join(tmpdir(), 'tsc-sys-'));
  mount({ source: 'tmpfs', target: folder, fstype: 'tmpfs' });
});
afterAll(() => {
  chooseWay('on');
  unmount(folder, { detach: true });
  rmSync(folder, { recursive: true });
});

describe.each(bothWays)('with %s', (_, ffi) => {
  let at = '';
  beforeEach(() => {
    chooseWay(ffi);
    at = mkdtempSync(join(folder, 'case '));
  });

  test('a tmpfs is mounted, made read-only and unmounted', () => {
    const target = join(at, 'm');
    mkdirSync(target);
    mount({ source: 'tmpfs', target, fstype: 'tmpfs', flags: ['nosuid', 'nodev'], data: 'size=64k,mode=0700' });
    expect(isMountPoint(target)).toBe(true);
    expect(lstatSync(target).mode & 0o777).toBe(0o700);
    mount({ target, flags: ['remount', 'ro'] });
    expect(errnoOfCall(() => writeFileSync(join(target, 'f'), ''))).toBe('EROFS');
    unmount(target);
    expect(isMountPoint(target)).toBe(false);
  });

  test('a bind mount shows its source and can be made read-only by itself', () => {
    const [source, target] = [join(at, 's'), join(at, 't')];
    mkdirSync(source);
    mkdirSync(target);
    writeFileSync(join(source, 'f'), 'here');
    mount({ source, target, flags: ['bind'] });
    mount({ target, flags: ['remount', 'bind', 'ro'] });
    expect(readFileSync(join(target, 'f'), 'utf8')).toBe('here');
    expect(errnoOfCall(() => writeFileSync(join(target, 'g'), ''))).toBe('EROFS');
    writeFileSync(join(source, 'g'), '');
    mount({ target, flags: ['private'] });
    unmount(target, { detach: true });
  });

  test('a target is also found by a descriptor of ours', () => {
    const [source, target] = [join(at, 's'), join(at, 't')];
    mkdirSync(source);
    mkdirSync(target);
    writeFileSync(join(source, 'f'), 'text');
    const fd = openSync(target, constants.O_RDONLY);
    try {
      mount({ source, target: `/proc/self/fd/${fd}`, flags: ['bind', 'rec'] });
    } finally {
      closeSync(fd);
    }
    expect(readFileSync(join(target, 'f'), 'utf8')).toBe('text');
    unmount(target, { detach: true });
  });

  test('a folder and a file are mount points while something is mounted on them, in their file system too', () => {
    for (const name of ['s', 't']) mkdirSync(join(at, name));
    for (const name of ['f', 'g']) writeFileSync(join(at, name), '');
    mount({ source: join(at, 's'), target: join(at, 't'), flags: ['bind'] });
    mount({ source: join(at, 'f'), target: join(at, 'g'), flags: ['bind'] });
    const isMounted = () => ['s', 't', 'f', 'g', 'gone', 'gone/too'].filter((name) => isMountPoint(join(at, name)));
    expect(isMounted()).toEqual(['t', 'g']);
    symlinkSync('t', join(at, 'link'));
    expect(isMountPoint(join(at, 'link'))).toBe(false);
    unmountBelow(at);
    expect(isMounted()).toEqual([]);
  });

  test('all below a folder is unmounted, also what is mounted twice or in another mount', () => {
    const deep = join(at, 'a', 'b');
    mkdirSync(deep, { recursive: true });
    for (const data of ['size=64k', 'size=128k']) mount({ source: 'tmpfs', target: deep, fstype: 'tmpfs', data });
    mkdirSync(join(deep, 'c'));
    mount({ source: 'tmpfs', target: join(deep, 'c'), fstype: 'tmpfs' });
    unmountBelow(at);
    expect(listMountPoints().filter((point) => point.startsWith(`${at}/`))).toEqual([]);
  });

  test('an overlay joins two layers', () => {
    for (const name of ['low', 'up', 'work', 'merged']) mkdirSync(join(at, name));
    writeFileSync(join(at, 'low', 'a'), 'low');
    const data = `lowerdir=${at}/low,upperdir=${at}/up,workdir=${at}/work`;
    mount({ source: 'overlay', target: join(at, 'merged'), fstype: 'overlay', data });
    writeFileSync(join(at, 'merged', 'b'), 'up');
    expect(readFileSync(join(at, 'merged', 'a'), 'utf8')).toBe('low');
    expect(readFileSync(join(at, 'up', 'b'), 'utf8')).toBe('up');
    unmount(join(at, 'merged'));
  });

  test('a failed mount names the call and its errno', () => {
    const missing = join(at, 'none');
    expect(errnoOfCall(() => mount({ source: 'tmpfs', target: missing, fstype: 'tmpfs' }))).toBe('ENOENT');
    expect(errnoOfCall(() => unmount(at))).toBe('EINVAL');
  });

  test('extended attributes of a link are its own', () => {
    writeFileSync(join(at, 'file'), '');
    symlinkSync('file', join(at, 'link'));
    lsetxattr(join(at, 'file'), 'trusted.overlay.opaque', Buffer.from('y'));
    lsetxattr(join(at, 'link'), 'trusted.mine', Buffer.from([0, 255, 10]));
    expect(lgetxattr(join(at, 'file'), 'trusted.overlay.opaque')).toEqual(Buffer.from('y'));
    expect(lgetxattr(join(at, 'link'), 'trusted.mine')).toEqual(Buffer.from([0, 255, 10]));
    expect(lgetxattr(join(at, 'link'), 'trusted.overlay.opaque')).toBeUndefined();
    expect(llistxattr(join(at, 'link'))).toEqual(['trusted.mine']);
  });

  test('a value larger than a page comes back whole', () => {
    writeFileSync(join(at, 'file'), '');
    lsetxattr(join(at, 'file'), 'trusted.big', Buffer.alloc(20_000, 7));
    expect(lgetxattr(join(at, 'file'), 'trusted.big')?.length).toBe(20_000);
  });

  test('device nodes and fifos are made', () => {
    mknod(join(at, 'whiteout'), constants.S_IFCHR | 0o600, 0, 0);
    mknod(join(at, 'null'), constants.S_IFCHR | 0o600, 1, 3);
    mknod(join(at, 'high'), constants.S_IFBLK | 0o600, 259, 70_000);
    mknod(join(at, 'fifo'), constants.S_IFIFO | 0o600, 0, 0);
    expect(lstatSync(join(at, 'whiteout')).rdev).toBe(0);
    expect(lstatSync(join(at, 'null')).rdev).toBe(0x103);
    const { rdev } = lstatSync(join(at, 'high'));
    expect([(rdev >> 8) & 0xfff, (rdev & 0xff) | ((rdev >> 12) & 0xfff00)]).toEqual([259, 70_000]);
    expect(lstatSync(join(at, 'fifo')).isFIFO()).toBe(true);
  });

  test('times are set on a link itself, before 1970 too', () => {
    symlinkSync('nowhere', join(at, 'link'));
    setTimes(join(at, 'link'), { mtimeNs: 1_600_000_000_123_456_000n, atimeNs: 5_000_000_000n });
    const exact = ffi === 'on' ? 0n : 1_000n;
    const { mtimeNs, atimeNs } = lstatSync(join(at, 'link'), { bigint: true });
    expect(mtimeNs - 1_600_000_000_123_456_000n).toSatisfy((off: bigint) => off <= exact && off >= -exact);
    expect(atimeNs).toBe(5_000_000_000n);
    if (ffi === 'off') return; // lutimes of Node knows no time before 1970
    setTimes(join(at, 'link'), { mtimeNs: -1_500_000_000n });
    expect(lstatSync(join(at, 'link'), { bigint: true }).mtimeNs).toBe(-1_500_000_000n);
  });

  test('a file system is written back', () => {
    syncFilesystem(at);
  });

  test('no path leaves its root', () => {
    mkdirSync(join(at, 'root/sub'), { recursive: true });
    writeFileSync(join(at, 'secret'), 'outside');
    writeFileSync(join(at, 'root/secret'), 'inside');
    symlinkSync('../../secret', join(at, 'root/sub/up'));
    symlinkSync('/secret', join(at, 'root/sub/absolute'));
    symlinkSync('loop', join(at, 'root/loop'));
    const read = (path: string): string => {
      const fd = openBeneath(join(at, 'root'), path, constants.O_RDONLY);
      try {
        return readFileSync(fd, 'utf8');
      } finally {
        closeSync(fd);
      }
    };
    expect(read('secret')).toBe('inside');
    expect(read('/../../secret')).toBe('inside');
    expect(read('sub/up')).toBe('inside');
    expect(read('sub/absolute')).toBe('inside');
    expect(errnoOfCall(() => read('loop'))).toBe('ELOOP');
    expect(errnoOfCall(() => read('sub/none'))).toBe('ENOENT');
    closeSync(openBeneath(join(at, 'root'), 'sub/../new', constants.O_CREAT | constants.O_WRONLY, 0o600));
    expect(lstatSync(join(at, 'root/new')).isFile()).toBe(true);
    closeSync(openBeneath(join(at, 'root'), '', constants.O_RDONLY | constants.O_DIRECTORY));
  });

  test('a lock has one holder at a time', () => {
    const first = tryLock(join(at, 'lock'));
    expect(first).toBeDefined();
    expect(tryLock(join(at, 'lock'))).toBeUndefined();
    first?.release();
    first?.release();
    const second = tryLock(join(at, 'lock'));
    expect(second).toBeDefined();
    second?.release();
  });
});
