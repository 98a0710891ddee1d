import { createHash } from 'node:crypto';
import { createReadStream, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { digestOf, hexOf } from '../../../base/digest.js';
import { readIfPresent, replaceFile } from '../../../base/durable-file.js';
import type { PathName } from '../../sys/index.js';
import type { TreeEntry } from './tree.js';

/** Below this a file is read in one synchronous call. */
const smallBytes = 256 * 1024;

/** Files remembered for one context; the oldest go first. */
const maxRemembered = 200_000;

/** A file changed within this long of being hashed could change again without a new time stamp. */
const racyNs = 1_000_000_000n;

/** The sha256 of files, in hex; what was hashed before is not read again while its facts are the same. */
export interface FileDigests {
  /** @param whole - where the file is; `entry` its facts, taken before */
  of(whole: PathName, entry: TreeEntry, signal: AbortSignal): string | Promise<string>;
  /** Writes what is new for the next time. */
  save(): Promise<void>;
}

/** Hashes without memory, for trees read once. */
export const plainFileDigests: FileDigests = {
  of: (whole, entry, signal) => hashFile(whole, entry.stats.size, signal),
  save: () => Promise.resolve(),
};

/**
 * Remembers digests of the files under `root` by path, size, times and inode (what git's index goes by). ctime is in it,
 * which no program can set back.
 * @param dir - where the memory lies, one file a context
 */
export async function openFileDigests(dir: string, root: string, nowNs: () => bigint): Promise<FileDigests> {
  const path = join(dir, `${hexOf(digestOf(root))}.tsv`);
  const before = parse((await readIfPresent(path)) ?? '');
  const after = new Map<string, string>();
  let isNew = false;
  return {
    of: (whole, entry, signal) => {
      const facts = factsOf(entry);
      if (typeof whole !== 'string') return hashFile(whole, entry.stats.size, signal); // no line of text can hold the name
      const known = before.get(whole) ?? after.get(whole);
      if (known?.startsWith(`${facts} `) === true) {
        after.set(whole, known);
        return known.slice(facts.length + 1);
      }
      const hashed = hashFile(whole, entry.stats.size, signal);
      const startedNs = nowNs();
      const keep = (hex: string): string => {
        const newestNs = entry.stats.mtimeNs > entry.stats.ctimeNs ? entry.stats.mtimeNs : entry.stats.ctimeNs;
        if (startedNs - newestNs > racyNs && !/[\n\t]/.test(whole)) {
          after.set(whole, `${facts} ${hex}`);
          isNew = true;
        }
        return hex;
      };
      return typeof hashed === 'string' ? keep(hashed) : hashed.then(keep);
    },
    save: async () => {
      if (!isNew) return;
      const older = [...before].filter(([file]) => !after.has(file));
      const lines = [...older, ...after].slice(-maxRemembered).map(([file, value]) => `${file}\t${value}\n`);
      await replaceFile(path, lines.join(''), { strength: 'atomic' });
    },
  };
}

function factsOf({ stats }: TreeEntry): string {
  return `${stats.size}.${stats.mtimeNs}.${stats.ctimeNs}.${stats.ino}.${stats.dev}`;
}

/** A line that is not whole, say after a full disk, is passed over: the file is hashed again. */
function parse(text: string): Map<string, string> {
  const known = new Map<string, string>();
  for (const line of text.split('\n')) {
    const tab = line.indexOf('\t');
    if (tab > 0 && /^[\d.]+ [0-9a-f]{64}$/.test(line.slice(tab + 1)))
      known.set(line.slice(0, tab), line.slice(tab + 1));
  }
  return known;
}

function hashFile(path: PathName, sizeBytes: bigint, signal: AbortSignal): string | Promise<string> {
  if (sizeBytes <= smallBytes) return createHash('sha256').update(readFileSync(path)).digest('hex');
  const hash = createHash('sha256');
  return pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash, { signal }).then(() => hash.digest('hex'));
}
