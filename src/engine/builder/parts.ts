import type { Log } from '../../base/log.js';
import type { ImageStore, ImageUser } from '../images/index.js';
import type { LayerStore } from '../snapshots/index.js';
import type { BuildCache } from './solver/cache.js';
import type { SharedRuns } from './solver/shared-runs.js';
import type { CacheMounts } from './steps/cache-mounts.js';
import type { RunStep } from './steps/dependencies.js';

export interface BuilderOptions {
  readonly images: ImageStore;
  readonly layers: LayerStore;
  readonly runStep: RunStep;
  /** Every container there is, asked when layers are to be removed. */
  readonly usedBy: () => readonly ImageUser[];
  /** `<data root>/build-cache`; made when missing. */
  readonly dir: string;
  readonly log: Log;
  readonly now?: () => Date;
  /** Steps of one build that run at the same time; default 4. */
  readonly parallel?: number;
}

/** What the parts of this room share. */
export interface BuildParts extends BuilderOptions {
  readonly now: () => Date;
  readonly cache: BuildCache;
  readonly cacheMounts: CacheMounts;
  readonly digestsDir: string;
  readonly runs: SharedRuns;
}
