import {
  constants,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  type Stats,
} from 'node:fs';
import { decodeName, fileName } from '../../base/tar/names.js';
import { errnoOf } from '../../base/errors.js';
import { mknod, setTimes } from '../sys/index.js';
import { differs } from './changes-job.js';
import { type CopyOrigin, copyPaths } from './copy-mount.js';
import { copyMetadata, isOverlayXattr, readXattrs } from './copy-metadata.js';
import { copyMarker } from './layer-tree.js';
import { LowerView } from './lower-view.js';

/** About an upper directory whose overlay is a copy. */
export interface SettleJob {
  readonly kind: 'settle';
  readonly upperDir: string;
  readonly opaqueXattr: string;
  /** `lent`: until it is cleared; `kept`: the copy is not used any more; `clear`: takes away again what was lent. */
  readonly how: 'lent' | 'kept' | 'clear';
}

/**
 * Puts into an upper directory, in overlayfs' form, what its copy has otherwise than the layers below. The files are
 * those of the copy under a second name, so that nothing is copied and nothing lost.
 */
export function runSettle({ upperDir, opaqueXattr, how }: SettleJob): void {
  const work = workOf(upperDir);
  if (work === undefined) return;
  for (const name of readdirSync(upperDir, { encoding: 'buffer' }).map(decodeName)) {
    if (name !== copyMarker) rmSync(fileName(`${upperDir}/${name}`), { recursive: true, force: true });
  }
  if (how === 'clear') return;
  const tree = `${work}/${copyPaths.tree}`;
  const { lower } = JSON.parse(readFileSync(`${work}/${copyPaths.origin}`, 'utf8')) as CopyOrigin; // written by us
  writeChanges(tree, new LowerView(lower, opaqueXattr), upperDir);
  if (how === 'kept') rmSync(`${upperDir}/${copyMarker}`, { force: true });
}

/** The work directory with the copy of an overlay; undefined where it is none. */
export function workOf(upperDir: string): string | undefined {
  try {
    return readlinkSync(`${upperDir}/${copyMarker}`);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function writeChanges(tree: string, below: LowerView, upperDir: string): void {
  const linked = linkedChanges(tree, below);
  const write = (relative: string): void => {
    const names = namesIn(tree, relative);
    const prefix = relative === '' ? '' : `${relative}/`;
    for (const name of names) {
      const path = `${prefix}${name}`;
      const source = `${tree}/${path}`;
      const stats = lstatSync(fileName(source), { throwIfNoEntry: false });
      if (stats === undefined) continue; // removed meanwhile
      if (stats.isDirectory()) {
        write(path);
        if (isChanged(source, stats, below, path)) ensureDirectory(path);
      } else if (isChanged(source, stats, below, path) || linked.has(stats.ino)) {
        ensureDirectory(relative);
        linkSync(fileName(source), fileName(`${upperDir}/${path}`));
      }
    }
    const own = new Set(names);
    for (const name of below.names(relative)) {
      if (own.has(name)) continue;
      ensureDirectory(relative);
      mknod(fileName(`${upperDir}/${prefix}${name}`), constants.S_IFCHR, 0, 0);
    }
  };
  const made = new Set<string>(['']);
  const ensureDirectory = (relative: string): void => {
    if (made.has(relative)) return;
    made.add(relative);
    ensureDirectory(relative.split('/').slice(0, -1).join('/'));
    mkdirSync(fileName(`${upperDir}/${relative}`));
  };
  write('');
  // Deepest first: what is made in a directory changes its time.
  for (const relative of [...made].sort().reverse()) {
    const stats = lstatSync(fileName(`${tree}/${relative}`), { throwIfNoEntry: false });
    if (stats === undefined) continue;
    copyMetadata(`${tree}/${relative}`, stats, `${upperDir}/${relative}`);
    setTimes(fileName(`${upperDir}/${relative}`), { mtimeNs: BigInt(Math.round(stats.mtimeMs * 1_000)) * 1_000n });
  }
}

/** Inodes with several names of which one is changed: all of them go up, as overlayfs has it. */
function linkedChanges(tree: string, below: LowerView): Set<number> {
  const found = new Set<number>();
  const visit = (relative: string): void => {
    for (const name of namesIn(tree, relative)) {
      const path = relative === '' ? name : `${relative}/${name}`;
      const stats = lstatSync(fileName(`${tree}/${path}`), { throwIfNoEntry: false });
      if (stats?.isDirectory() === true) visit(path);
      else if (stats !== undefined && stats.nlink > 1 && isChanged(`${tree}/${path}`, stats, below, path)) {
        found.add(stats.ino);
      }
    }
  };
  visit('');
  return found;
}

function isChanged(path: string, stats: Stats, view: LowerView, relative: string): boolean {
  const below = view.find(relative);
  if (below === undefined || differs(path, stats, below)) return true;
  const kind = (one: Stats): number => one.mode & constants.S_IFMT;
  return kind(stats) !== kind(below.stats) || attributesOf(path) !== attributesOf(below.path);
}

function attributesOf(path: string): string {
  const own = [...readXattrs(path)].filter(([name]) => !isOverlayXattr(name));
  return JSON.stringify(own.map(([name, value]) => [name, value.toString('hex')]).sort());
}

/** None where it was removed meanwhile. */
function namesIn(tree: string, relative: string): string[] {
  try {
    return readdirSync(fileName(`${tree}/${relative}`), { encoding: 'buffer' }).map(decodeName);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  }
}
