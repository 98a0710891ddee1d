import { closeSync, constants, lstatSync, readlinkSync, type Stats } from 'node:fs';
import { posix } from 'node:path';
import { Readable } from 'node:stream';
import type { PathStat } from '../../api/container.js';
import { TscomposeError } from '../../base/errors.js';
import { fileName } from '../../base/tar/names.js';
import { writeTar } from '../../base/tar/stream.js';
import { readAccountFiles, resolveUser } from '../oci/index.js';
import { decompress, packTree } from '../snapshots/index.js';
import { O_PATH, openBeneath, sysErrno } from '../sys/index.js';
import type { Container } from './container.js';
import { readOnly } from './errors.js';
import { goMode } from './go-mode.js';
import { publish, type Room } from './room.js';
import { withOwnRoot, withRoot } from './root-access.js';
import { unpackTree } from './unpack-tree.js';

/** @throws `container/path-not-found` */
export function archiveStat(room: Room, container: Container, path: string): Promise<PathStat> {
  return withRoot(room, container, (root) =>
    Promise.resolve(inParent(root, path, (folder, name) => statOf(root, path, folder, name))),
  );
}

/**
 * A file, or a folder under its own name; `folder/.` gives its content. A link is archived as a link.
 * @throws `container/path-not-found`
 */
export function archiveGet(
  room: Room,
  container: Container,
  path: string,
  signal: AbortSignal,
): Promise<{ stat: PathStat; tar: Readable }> {
  publish(room, container, 'archive-path');
  return streamFrom(withRoot, room, container, signal, (root) => {
    const stat = inParent(root, path, (folder, name) => statOf(root, path, folder, name));
    const asContent = path.endsWith('/.') || posix.normalize(`/${path}`) === '/';
    const open = () => openParent(root, path);
    const members = async function* () {
      const { fd, name } = open();
      try {
        yield* packTree(fd, name, asContent ? './' : stat.name, { oneFilesystem: false, signal });
      } finally {
        closeSync(fd);
      }
    };
    return { stat, source: writeTar(members()) };
  }).then(({ stat, tar }) => ({ stat, tar }));
}

/** The layers of the image and the container, without what is mounted over them. */
export async function exportContainer(room: Room, container: Container, signal: AbortSignal): Promise<Readable> {
  publish(room, container, 'export');
  const { tar } = await streamFrom(withOwnRoot, room, container, signal, (root) => {
    const members = async function* () {
      const fd = openBeneath(root, '/', O_PATH | constants.O_DIRECTORY);
      try {
        for await (const member of packTree(fd, '.', '', { oneFilesystem: true, signal })) {
          if (member.entry.path !== '') yield member;
        }
      } finally {
        closeSync(fd);
      }
    };
    return { stat: undefined, source: writeTar(members()) };
  });
  return tar;
}

/** Keeps the root for as long as the stream is read. */
function streamFrom<Stat>(
  access: typeof withOwnRoot,
  room: Room,
  container: Container,
  signal: AbortSignal,
  prepare: (root: string) => { readonly stat: Stat; readonly source: AsyncIterable<Uint8Array> },
): Promise<{ stat: Stat; tar: Readable }> {
  return new Promise((resolve, reject) => {
    access(room, container, async (root) => {
      signal.throwIfAborted(); // while it waited for the container's turn
      const { stat, source } = prepare(root);
      const tar = Readable.from(source, { objectMode: false, highWaterMark: 256 * 1024 });
      const cut = () => tar.destroy(new Error('the reader left'));
      signal.addEventListener('abort', cut, { once: true });
      const closed = new Promise<void>((done) => {
        tar.once('close', () => {
          signal.removeEventListener('abort', cut);
          done();
        });
      });
      resolve({ stat, tar });
      await closed;
    }).catch(reject);
  });
}

export interface PutRequest {
  readonly path: string;
  readonly tar: Readable;
  readonly noOverwriteDirNonDir: boolean;
  /** Everything belongs to the container's own user, where it has one, as dockerd does. */
  readonly copyUidGid: boolean;
}

/**
 * Unpacks an archive, plain or compressed, into a folder that is there.
 * @throws `container/path-not-found`, `container/not-a-directory`, `container/read-only`, `container/cannot-overwrite`
 */
export async function archivePut(
  room: Room,
  container: Container,
  request: PutRequest,
  signal: AbortSignal,
): Promise<void> {
  const { path, tar, noOverwriteDirNonDir, copyUidGid } = request;
  await withRoot(room, container, async (root) => {
    requireFolder(root, path);
    requireWritable(container, path);
    const { config } = container.record;
    const user = config.User ?? '';
    const owner = copyUidGid && user !== '' ? resolveUser(readAccountFiles(root), user, []) : undefined;
    const { bytes } = await decompress(tar);
    await unpackTree(bytes, { root, path: cleanPath(path), noOverwriteDirNonDir, owner, signal });
  });
  publish(room, container, 'extract-to-dir');
}

function cleanPath(path: string): string {
  const clean = posix.join('/', path).replace(/\/+$/, '');
  return clean === '' ? '/' : clean;
}

function requireFolder(root: string, path: string): void {
  try {
    closeSync(openBeneath(root, path, O_PATH | constants.O_DIRECTORY));
  } catch (error) {
    if (sysErrno(error) === 'ENOTDIR') {
      const message = 'extraction point is not a directory';
      throw new TscomposeError({ code: 'container/not-a-directory', message, facts: { path } });
    }
    throw pathNotFound(error, path);
  }
}

/** Told before anything is unpacked; the kernel knows of mounts that the record has not. */
function requireWritable({ record }: Container, path: string): void {
  const place = posix.join('/', path);
  const around = record.mounts.filter(
    ({ destination }) => place === destination || place.startsWith(`${destination}/`),
  );
  const inner = around.sort((one, other) => other.destination.length - one.destination.length)[0];
  if (inner?.readOnly === true) throw readOnly('mounted volume', path);
  if (inner === undefined && record.hostConfig.ReadonlyRootfs === true) throw readOnly('container rootfs', path);
}

/** The folder that holds a path's last component, which itself may be a link and is not followed. */
function openParent(root: string, path: string): { readonly fd: number; readonly name: string } {
  const whole = posix.normalize(`/${path}`);
  const isFolder = /\/\.?$/.test(path);
  try {
    if (whole === '/' || isFolder) {
      return { fd: openBeneath(root, whole, O_PATH | constants.O_DIRECTORY), name: '.' };
    }
    return { fd: openBeneath(root, posix.dirname(whole), O_PATH | constants.O_DIRECTORY), name: posix.basename(whole) };
  } catch (error) {
    throw pathNotFound(error, path);
  }
}

function inParent<T>(root: string, path: string, work: (folder: string, name: string) => T): T {
  const { fd, name } = openParent(root, path);
  try {
    return work(`/proc/self/fd/${fd}`, name);
  } finally {
    closeSync(fd);
  }
}

function statOf(root: string, path: string, folder: string, name: string): PathStat {
  let stats: Stats;
  try {
    stats = lstatSync(fileName(`${folder}/${name}`));
  } catch (error) {
    throw pathNotFound(error, path);
  }
  const shown = posix.basename(posix.normalize(`/${path}`));
  return {
    name: shown === '' ? '/' : shown,
    size: stats.size,
    mode: goMode(stats),
    mtime: stats.mtime.toISOString(),
    linkTarget: stats.isSymbolicLink() ? resolveLink(root, path) : '',
  };
}

/** Where a link leads inside the container; its own text where that is nowhere. */
function resolveLink(root: string, path: string): string {
  const top = openBeneath(root, '/', O_PATH);
  try {
    const fd = openBeneath(root, path, O_PATH);
    try {
      const [whole, base] = [readlinkSync(`/proc/self/fd/${fd}`), readlinkSync(`/proc/self/fd/${top}`)];
      return whole.startsWith(base) ? posix.join('/', whole.slice(base.length)) : whole;
    } finally {
      closeSync(fd);
    }
  } catch {
    return inParent(root, path, (folder, name) => {
      const text = readlinkSync(fileName(`${folder}/${name}`));
      return posix.resolve(posix.dirname(posix.normalize(`/${path}`)), text);
    });
  } finally {
    closeSync(top);
  }
}

function pathNotFound(error: unknown, path: string): unknown {
  if (sysErrno(error) === 'ENOTDIR') {
    const message = `lstat ${path}: not a directory`;
    return new TscomposeError({ code: 'container/not-a-directory', message, facts: { path } });
  }
  if (!['ENOENT', 'ELOOP'].includes(sysErrno(error) ?? '')) return error;
  return new TscomposeError({
    code: 'container/path-not-found',
    message: `Could not find the file ${path} in container`,
    facts: { path },
  });
}
