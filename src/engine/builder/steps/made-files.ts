import { ignoreNothing } from '../../../base/ignore-rules.js';
import { plainFileDigests } from '../context/file-digests.js';
import { select, type SelectedItem, type SourceTree } from '../context/selection.js';

/** Files that the builder wrote itself, to be copied. */
export interface MadeFiles {
  readonly tree: SourceTree;
  readonly items: readonly SelectedItem[];
}

/**
 * Where the builder writes the file of that number. What it is to be called in the image comes from a Dockerfile or a
 * URL, so it is no name on this machine.
 */
export function madeFilePath(root: string, index: number): string {
  return `${root}/${index}`;
}

/** @param names - what the files are called when they are copied, in their order */
export async function madeFiles(root: string, names: readonly string[], signal: AbortSignal): Promise<MadeFiles> {
  const tree: SourceTree = { root, kind: 'context', ignore: ignoreNothing, digests: plainFileDigests };
  const patterns = names.map((_, index) => `${index}`);
  const items = await select({ tree, patterns, exclude: [], parents: false, signal });
  return { tree, items: items.map((item, index) => ({ ...item, name: names[index] ?? item.name })) };
}
