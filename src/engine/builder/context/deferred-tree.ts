import type { FileDigests } from './file-digests.js';
import type { SourceTree } from './selection.js';

/** A context that is taken when it is known what of it is needed: a tree with nothing in it until then. */
export interface DeferredTree {
  readonly tree: SourceTree;
  readonly settle: (root: string, digests: FileDigests) => void;
}

export function deferredTree(ignore: SourceTree['ignore']): DeferredTree {
  let settled: { readonly root: string; readonly digests: FileDigests } | undefined;
  const known = (): { readonly root: string; readonly digests: FileDigests } => {
    if (settled === undefined) throw new Error('bug: a step reads a context that was not taken');
    return settled;
  };
  return {
    tree: {
      kind: 'context',
      ignore,
      get root() {
        return known().root;
      },
      get digests() {
        return known().digests;
      },
    },
    settle: (root, digests) => {
      settled = { root, digests };
    },
  };
}
