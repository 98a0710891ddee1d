import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CleanupStack } from '../../base/cleanup-stack.js';
import type { LintReport } from '../../api/tscompose.js';
import type { ChainId } from '../snapshots/index.js';
import { build } from './build.js';
import { gitTrees } from './context/git-trees.js';
import { openContext } from './context/open-context.js';
import { parseDockerfile } from './dockerfile/parse.js';
import { lintReport } from './lint/lint-report.js';
import type { BuilderOptions, BuildParts } from './parts.js';
import { neededSources, type NeededSources } from './plan/needed-sources.js';
import { type CacheUsage, chosen, type PruneChoice, takesWhole } from './prune-choice.js';
import type { BuildIo, BuildRequest, BuildResult } from './request.js';
import { type CacheEntry, openBuildCache } from './solver/cache.js';
import { SharedRuns } from './solver/shared-runs.js';
import { openCacheMounts } from './steps/cache-mounts.js';

export interface PruneResult {
  /** Keys of the records that were removed. */
  readonly removed: readonly string[];
  readonly reclaimedBytes: number;
}

export interface Builder {
  /**
   * Builds an image. The whole Dockerfile is read and checked first, so that what is wrong in it costs no work.
   * @throws `build/…` with the place in the Dockerfile; what `images` and `layers` throw; the abort reason
   */
  build(request: BuildRequest, io: BuildIo): Promise<BuildResult>;
  /** The images that a build would start from or copy from. Builds nothing and asks no registry. @throws `build/…` */
  bases(request: BuildRequest, signal: AbortSignal): Promise<NeededSources>;
  /**
   * Looks for mistakes in the Dockerfile that a build would not stop at, and builds nothing.
   * @throws `build/…` as a build would for what is wrong in it
   */
  check(request: BuildRequest, signal: AbortSignal): Promise<LintReport>;
  /** Forgets cached steps and, unless only some are meant, cache mounts; removes layers that only the steps held. */
  prune(signal: AbortSignal, choice?: PruneChoice): Promise<PruneResult>;
  diskUsage(): readonly CacheUsage[];
}

/** Steps that no build has come to for so long are forgotten when the builder is opened. */
const stepsKeptMs = 30 * 24 * 60 * 60 * 1000;
/** Local contexts whose digests are remembered this long after their last build. */
const digestsKeptMs = 30 * 24 * 60 * 60 * 1000;

export async function createBuilder(options: BuilderOptions): Promise<Builder> {
  const { images, layers, dir, log, now = () => new Date() } = options;
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const digestsDir = join(dir, 'contexts');
  await sweepDigests(digestsDir, now());
  const cache = await openBuildCache({ dir: join(dir, 'steps'), layers, log, now });
  const cacheMounts = openCacheMounts(join(dir, 'mounts'));
  const parts: BuildParts = { ...options, now, cache, cacheMounts, digestsDir, runs: new SharedRuns() };
  const old = cache.entries().filter(({ lastUsedAt }) => now().getTime() - Date.parse(lastUsedAt) > stepsKeptMs);
  await forget(parts, old, new AbortController().signal);
  const diskUsage = (): readonly CacheUsage[] => {
    const inImages = new Set<string>(
      images
        .list()
        .flatMap(({ chainId }) => (chainId === undefined ? [] : layers.chain(chainId).map((layer) => layer.chainId))),
    );
    return cache.entries().map(({ id, description, sizeBytes, createdAt, lastUsedAt, useCount, chainId }) => ({
      id,
      description,
      sizeBytes,
      createdAt,
      lastUsedAt,
      useCount,
      type: 'regular',
      shared: chainId !== null && inImages.has(chainId),
    }));
  };
  return {
    build: (request, io) => build(parts, request, io),
    bases: (request, signal) => basesOf(parts, request, signal),
    check: (request, signal) => check(parts, request, signal),
    prune: async (signal, choice = {}) => {
      if (takesWhole(choice, 'exec.cachemount')) await cacheMounts.clear();
      const meant = new Set(chosen(diskUsage(), choice).map(({ id }) => id));
      const entries = cache.entries().filter(({ id }) => meant.has(id));
      return await forget(parts, entries, signal);
    },
    diskUsage,
  };
}

/**
 * Records go, and with them the layers that no image, container, other record or running build has. Which these are is
 * decided at one moment: an image that is pulled or built meanwhile has its layers before or makes them anew.
 */
async function forget(parts: BuildParts, entries: readonly CacheEntry[], signal: AbortSignal): Promise<PruneResult> {
  const { images, layers, cache, usedBy } = parts;
  const candidates = new Set<ChainId>();
  for (const { id, chainId } of entries) {
    signal.throwIfAborted();
    if (chainId !== null && layers.get(chainId) !== undefined) {
      for (const layer of layers.chain(chainId)) candidates.add(layer.chainId);
    }
    await cache.remove(id);
  }
  const keep = [...images.list(), ...usedBy()].flatMap(({ chainId }) => (chainId === undefined ? [] : [chainId]));
  const gone = await layers.collect(keep, candidates);
  return {
    removed: entries.map(({ id }) => id),
    reclaimedBytes: gone.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
  };
}

async function basesOf(
  { layers, digestsDir }: BuildParts,
  request: BuildRequest,
  signal: AbortSignal,
): Promise<NeededSources> {
  await using undo = new CleanupStack();
  const scratch = () => layers.scratch();
  const git = gitTrees(scratch, (work) => undo.defer(work));
  const { context, dockerfile: source } = request;
  const { dockerfile } = await openContext({ context, dockerfile: source, scratch, git, digestsDir, undo, signal });
  return neededSources(parseDockerfile(dockerfile.text, dockerfile.name), request);
}

async function check(
  { layers, images, digestsDir }: BuildParts,
  request: BuildRequest,
  signal: AbortSignal,
): Promise<LintReport> {
  await using undo = new CleanupStack();
  const scratch = (): Promise<string> => layers.scratch();
  const git = gitTrees(scratch, (work) => undo.defer(work));
  const context = await openContext({ ...request, scratch, git, digestsDir, undo, signal });
  return lintReport(parseDockerfile(context.dockerfile.text, context.dockerfile.name), context, images).report;
}

async function sweepDigests(dir: string, now: Date): Promise<void> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  for (const name of await readdir(dir)) {
    const { mtimeMs } = await stat(join(dir, name));
    if (now.getTime() - mtimeMs > digestsKeptMs) await rm(join(dir, name), { force: true });
  }
}
