import type { Duplex } from 'node:stream';
import type { StepRequest } from '../../oci/index.js';
import type { LayerStore } from '../../snapshots/index.js';
import type { GitTrees } from '../context/git-trees.js';
import type { NeededPaths } from '../context/needed-paths.js';
import type { SourceTree } from '../context/selection.js';
import type { Lookup } from '../request.js';
import type { BuildCache } from '../solver/cache.js';
import type { CacheMounts } from './cache-mounts.js';

/** Runs a command in a throw-away container to its end; it and all it started are gone when this settles. */
export type RunStep = (request: StepRequest) => Promise<{ readonly exitCode: number }>;

/** What the operations of one build work with. */
export interface StepDependencies {
  readonly layers: LayerStore;
  readonly cache: BuildCache;
  readonly runStep: RunStep;
  readonly cacheMounts: CacheMounts;
  readonly context: SourceTree;
  /** Told while steps are planned. */
  readonly needed: NeededPaths;
  readonly secrets: Lookup<Uint8Array>;
  /** Connects to an agent. */
  readonly ssh: Lookup<() => Duplex>;
  readonly git: GitTrees;
  /** Seconds; no time in a layer is later. */
  readonly epoch: number | undefined;
  /** Undone when the build ends. */
  readonly defer: (undo: () => unknown) => void;
}

/** What a layer's key holds of the epoch: nothing where there is none. */
export function epochKey({ epoch }: Pick<StepDependencies, 'epoch'>): readonly unknown[] {
  return epoch === undefined ? [] : [{ epoch }];
}
