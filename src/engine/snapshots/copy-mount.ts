import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname } from 'node:path';
import { decodeName, fileName } from '../../base/tar/names.js';
import { mount, type OverlayMounter, type OverlayRequest, runToolSync } from '../sys/index.js';
import { copyMarker, isWhiteout } from './layer-tree.js';
import { isOpaque } from './lower-view.js';

const opaqueXattr = 'trusted.overlay.opaque';

/** What a copy in a work directory was made of. */
export interface CopyOrigin {
  /** Top first. */
  readonly lower: readonly string[];
}

/** In the work directory of an overlay. */
export const copyPaths = { tree: 'copy', origin: 'copy.json' } as const;

/**
 * In place of an overlay: a copy of all its directories at the target. Works on any file system, and every container and
 * build step costs the size of its image. The lower directories have to be layers, or lie on those.
 */
export const copyMounter: OverlayMounter = { mount: mountByCopy };

/** The copy that a mount with these options is going to want: what takes its time of it. */
export interface CopyJob {
  readonly kind: 'copy';
  readonly data: string;
}

/** @throws `sys/call-failed`, `tool/missing` */
export function mountByCopy({ target, data, readOnly }: OverlayRequest): void {
  const { tree, isView } = copyFor(data);
  bind(tree, target, readOnly || isView);
}

/**
 * Makes the copy, where it is not there. One that may be changed lies in the work directory and is made once; `runSettle`
 * finds out what was changed in it. One for reading lies beside the topmost layer and goes with it.
 * @throws `tool/missing`, `tool/failed`
 */
export function copyFor(data: string): { readonly tree: string; readonly isView: boolean } {
  const { lower: given, upper, work } = parseOverlayData(data);
  const lower = given.map((path) => realpathSync(path)).filter((path) => readdirSync(path).length > 0);
  if (upper === undefined || work === undefined) {
    const [top = given[0] ?? '', below] = lower;
    const view = below === undefined ? top : `${dirname(top)}/view`;
    makeCopy(view, lower);
    return { tree: view, isView: true };
  }
  const tree = `${work}/${copyPaths.tree}`;
  if (!existsSync(tree)) {
    const origin: CopyOrigin = { lower: lower.map((path, index) => keptBelow(path, `${work}/below-${index}`)) };
    writeFileSync(`${work}/${copyPaths.origin}`, JSON.stringify(origin));
    makeCopy(tree, [upper, ...lower]);
  }
  if (lstatSync(`${upper}/${copyMarker}`, { throwIfNoEntry: false }) === undefined) {
    symlinkSync(work, `${upper}/${copyMarker}`);
  }
  return { tree, isView: false };
}

/** Layers stay as long as what lies on them; small directories that were put between may go before. */
function keptBelow(path: string, kept: string): string {
  if (basename(path) === 'diff') return path;
  runToolSync('cp', ['-a', '-T', '--', path, kept]);
  return kept;
}

function bind(source: string, target: string, readOnly: boolean): void {
  mount({ source, target, flags: ['bind'] });
  if (readOnly) mount({ target, flags: ['bind', 'remount', 'ro'] });
}

/** @param layers - top first. Appears whole or not at all */
function makeCopy(path: string, layers: readonly string[]): void {
  if (existsSync(path)) return;
  const making = `${path}.making`;
  rmSync(making, { recursive: true, force: true }); // a crash left it
  mkdirSync(making, { mode: 0o755 });
  for (const layer of [...layers].reverse()) copyOver(layer, making);
  renameSync(making, path);
}

/** One layer onto those below it. cp(1) keeps owners, times, attributes, hard links, devices and holes. */
function copyOver(layer: string, target: string): void {
  const whiteouts = makeRoom(layer, target, '');
  runToolSync('cp', ['-a', '--reflink=auto', '--sparse=auto', '--remove-destination', '-T', '--', layer, target]);
  for (const relative of whiteouts) rmSync(fileName(`${target}/${relative}`), { force: true });
}

/** Takes away what the layer hides, and what is of another kind there. @returns its whiteouts */
function makeRoom(layer: string, target: string, folder: string): string[] {
  const whiteouts: string[] = [];
  for (const bytes of readdirSync(fileName(`${layer}/${folder}`), { encoding: 'buffer' })) {
    const relative = `${folder === '' ? '' : `${folder}/`}${decodeName(bytes)}`;
    const stats = lstatSync(fileName(`${layer}/${relative}`));
    const path = fileName(`${target}/${relative}`);
    const there = lstatSync(path, { throwIfNoEntry: false });
    const hides = isWhiteout(stats) || (stats.isDirectory() && isOpaque(`${layer}/${relative}`, opaqueXattr));
    if (isWhiteout(stats)) whiteouts.push(relative);
    if (there !== undefined && (hides || there.isDirectory() !== stats.isDirectory())) {
      rmSync(path, { recursive: true, force: true });
    }
    if (stats.isDirectory()) whiteouts.push(...makeRoom(layer, target, relative));
  }
  return whiteouts;
}

/** The text that `OverlayOptions` makes, taken apart. */
function parseOverlayData(data: string): {
  readonly lower: readonly string[];
  readonly upper: string | undefined;
  readonly work: string | undefined;
} {
  const options = new Map(
    data.split(/(?<!\\),/).map((option) => {
      const equals = option.indexOf('=');
      return [option.slice(0, equals), option.slice(equals + 1)] as const;
    }),
  );
  const plain = (text: string): string => text.replace(/\\(.)/g, '$1');
  const upper = options.get('upperdir');
  const work = options.get('workdir');
  return {
    lower: (options.get('lowerdir') ?? '').split(/(?<!\\):/).map(plain),
    upper: upper === undefined ? undefined : plain(upper),
    work: work === undefined ? undefined : plain(work),
  };
}
