import type { BuildIo, BuildRequest, BuildResult } from './request.js';

export interface PruneResult {
  /** Keys of the records that were removed. */
  readonly removed: readonly string[];
  readonly reclaimedBytes: number;
}

export interface CacheUsage {
  readonly id: string;
  readonly description: string;
  readonly sizeBytes: number;
  readonly createdAt: string;
  readonly lastUsedAt: string;
  readonly useCount: number;
  readonly inUse: boolean;
}

export interface Builder {
  /**
   * Builds an image. The whole Dockerfile is read and checked first, so that what is wrong in it costs no work.
   * @throws `build/…` with the place in the Dockerfile; what `images` and `layers` throw; the abort reason
   */
  build(request: BuildRequest, io: BuildIo): Promise<BuildResult>;
  /** Forgets cached steps and removes layers that only they held. */
  prune(signal: AbortSignal): Promise<PruneResult>;
  diskUsage(): readonly CacheUsage[];
}
