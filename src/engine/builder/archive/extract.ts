import { chmodSync, lchownSync, linkSync, lstatSync, symlinkSync } from 'node:fs';
import { fileName } from '../../../base/tar/names.js';
import { readTar } from '../../../base/tar/stream.js';
import { writeTarFile } from '../../../base/tar/write-file.js';
import { TscomposeError } from '../../../base/errors.js';
import { decompress } from '../../snapshots/index.js';
import { lsetxattr, mknod, setTimes } from '../../sys/index.js';
import { breather } from '../../../base/breathe.js';
import { RootDoor } from '../rootfs/door.js';

declare module '../../../base/errors.js' {
  interface ErrorFacts {
    'build/bad-archive': { readonly entry: string };
  }
}

export interface ExtractOptions {
  /** Nothing outside is touched: links on the way are followed as if this were `/`. */
  readonly root: string;
  /** Where to unpack, absolute in `root`; must exist. */
  readonly destination: string;
  /** `all`: everything as the archive says. `content`: a build context, whose files come to be root's and no devices. */
  readonly keep: 'all' | 'content';
  readonly signal: AbortSignal;
}

/**
 * Unpacks a tar, compressed or not, over what is there: a directory joins a directory, anything else takes the place.
 * @throws `build/bad-archive` for an entry that leads outside; `tar/invalid`, `layer/bad-archive` for bytes that are none
 */
export async function extractTar(source: AsyncIterable<Buffer>, options: ExtractOptions): Promise<void> {
  const { root, destination, keep, signal } = options;
  const pause = breather(signal);
  const door = new RootDoor(root, (path) => badArchive(path, 'lies below what is no directory'));
  const times: { path: string; mtimeNs: bigint }[] = [];
  const { bytes } = await decompress(source);
  await readTar(bytes, async (entry, body) => {
    await pause();
    signal.throwIfAborted();
    const target = placeOf(door, destination, entry.path);
    if (target === undefined) return;
    const path = door.place(target);
    const there = lstatSync(path, { throwIfNoEntry: false });
    if (there !== undefined && !(there.isDirectory() && entry.type === 'directory')) door.clear(target);
    switch (entry.type) {
      case 'directory':
        door.makeDirectories(target);
        break;
      case 'file':
        await writeTarFile(path, entry, body);
        break;
      case 'symlink':
        symlinkSync(fileName(entry.linkPath ?? ''), path);
        break;
      case 'hardlink': {
        const linked = placeOf(door, destination, entry.linkPath ?? '');
        if (linked === undefined) throw badArchive(entry.path, 'links to the archive itself');
        linkSync(door.place(linked), path);
        return; // owner, mode and time are those of the file it names
      }
      case 'fifo':
      case 'character':
      case 'block':
        if (keep === 'content') return;
        mknod(path, formats[entry.type] | entry.mode, entry.major ?? 0, entry.minor ?? 0);
        break;
    }
    if (keep === 'all') lchownSync(path, entry.uid, entry.gid);
    if (entry.type !== 'symlink') {
      chmodSync(path, entry.mode);
      const capability = keep === 'all' ? entry.xattrs?.get('security.capability') : undefined;
      if (capability !== undefined) lsetxattr(path, 'security.capability', capability);
    }
    if (entry.type === 'directory') times.push({ path: target, mtimeNs: entry.mtimeNs });
    else setTimes(path, { mtimeNs: entry.mtimeNs });
  });
  // What has gone since, or is below something that has, is not looked at: there may be a link now.
  for (const { path, mtimeNs } of times.reverse()) if (door.knows(path)) setTimes(door.place(path), { mtimeNs });
}

const formats = { fifo: 0o010000, character: 0o020000, block: 0o060000 } as const;

/** The entry's place with its parents' links followed; undefined for the destination itself. */
function placeOf(door: RootDoor, destination: string, path: string): string | undefined {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  let depth = 0;
  for (const part of parts) {
    depth += part === '..' ? -1 : 1;
    if (depth < 0) throw badArchive(path, 'leads out of the archive');
  }
  const name = parts.pop();
  if (name === undefined) return undefined;
  if (name === '..') throw badArchive(path, 'ends in ..');
  const parent = door.find([destination, ...parts].join('/')).path;
  return parent === '' ? name : `${parent}/${name}`;
}

function badArchive(entry: string, reason: string): TscomposeError<'build/bad-archive'> {
  return new TscomposeError({
    code: 'build/bad-archive',
    message: `cannot unpack ${entry}: it ${reason}`,
    facts: { entry },
  });
}
