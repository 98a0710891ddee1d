import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { CleanupStack } from '../../base/cleanup-stack.js';
import { type Digest, hexOf } from '../../base/digest.js';
import { hasCode, TscomposeError } from '../../base/errors.js';
import type { LintReport } from '../../api/tscompose.js';
import type { Log } from '../../base/log.js';
import { parseReference, withDefaultTag } from '../../registry/index.js';
import type { ImageStore, ImageUser } from '../images/index.js';
import type { ChainId, LayerStore } from '../snapshots/index.js';
import { gitTrees } from './context/git-trees.js';
import { neededPaths } from './context/needed-paths.js';
import { openContext } from './context/open-context.js';
import { parseDockerfile } from './dockerfile/parse.js';
import { interimId, renderImage } from './image/render-image.js';
import { lintReport } from './lint/lint-report.js';
import { type DoneStep, recordsWithin, withDocument } from './portable-cache/document.js';
import { cacheEntry } from './portable-cache/entry.js';
import { exportCaches } from './portable-cache/export.js';
import { importCaches } from './portable-cache/import.js';
import { baseImages } from './plan/bases.js';
import { type NeededBase, neededBases } from './plan/needed-bases.js';
import { planStages } from './plan/plan-stages.js';
import type { PlannedStep } from './plan/planned-step.js';
import { stepReporter } from './report/step-reporter.js';
import type { BuildIo, BuildRequest, BuildResult, Lookup } from './request.js';
import { type BuildCache, type CacheEntry, openBuildCache } from './solver/cache.js';
import type { Operation, Solved } from './solver/operation.js';
import { SharedRuns } from './solver/shared-runs.js';
import { solve } from './solver/solve.js';
import { type CacheMounts, openCacheMounts } from './steps/cache-mounts.js';
import type { RunStep } from './steps/dependencies.js';

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
  /** An image has its layer as well. */
  readonly inUse: boolean;
}

export interface Builder {
  /**
   * Builds an image. The whole Dockerfile is read and checked first, so that what is wrong in it costs no work.
   * @throws `build/…` with the place in the Dockerfile; what `images` and `layers` throw; the abort reason
   */
  build(request: BuildRequest, io: BuildIo): Promise<BuildResult>;
  /** The images that a build would start from or copy from. Builds nothing and asks no registry. @throws `build/…` */
  bases(request: BuildRequest, signal: AbortSignal): Promise<readonly NeededBase[]>;
  /**
   * Looks for mistakes in the Dockerfile that a build would not stop at, and builds nothing.
   * @throws `build/…` as a build would for what is wrong in it
   */
  check(request: BuildRequest, signal: AbortSignal): Promise<LintReport>;
  /** Forgets cached steps and cache mounts, and removes layers that only they held. */
  prune(signal: AbortSignal): Promise<PruneResult>;
  diskUsage(): readonly CacheUsage[];
}

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

const defaultParallel = 4;
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
  return {
    build: (request, io) => build(parts, request, io),
    bases: (request, signal) => basesOf(parts, request, signal),
    check: (request, signal) => check(parts, request, signal),
    prune: async (signal) => {
      await cacheMounts.clear();
      return await forget(parts, cache.entries(), signal);
    },
    diskUsage: () => {
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
        inUse: chainId !== null && inImages.has(chainId),
      }));
    },
  };
}

/** Records go; a layer of theirs goes when no image, container or running build has it, those on top first. */
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
  const live = new Set<ChainId>();
  for (const { chainId } of [...images.list(), ...usedBy()]) {
    if (chainId === undefined || layers.get(chainId) === undefined) continue;
    for (const layer of layers.chain(chainId)) live.add(layer.chainId);
  }
  let reclaimedBytes = 0;
  const doomed = [...candidates].filter((chainId) => !live.has(chainId));
  const depth = (chainId: ChainId): number => (layers.get(chainId) === undefined ? 0 : layers.chain(chainId).length);
  for (const chainId of doomed.sort((left, right) => depth(right) - depth(left))) {
    const sizeBytes = layers.get(chainId)?.sizeBytes ?? 0;
    try {
      await layers.remove(chainId);
      reclaimedBytes += sizeBytes;
    } catch (error) {
      if (!hasCode(error, 'layer/in-use')) throw error; // by a build that runs now
    }
  }
  return { removed: entries.map(({ id }) => id), reclaimedBytes };
}

interface BuildParts extends BuilderOptions {
  readonly now: () => Date;
  readonly cache: BuildCache;
  readonly cacheMounts: CacheMounts;
  readonly digestsDir: string;
  readonly runs: SharedRuns;
}

async function build(parts: BuildParts, request: BuildRequest, io: BuildIo): Promise<BuildResult> {
  const { images, layers, cache, now } = parts;
  const { onProgress, signal } = io;
  await using undo = new CleanupStack();
  const defer = (work: () => unknown): void => undo.defer(work);
  const tags = request.tags.map((tag) => withDefaultTag(parseReference(tag)));
  const git = gitTrees(() => layers.scratch(), defer);
  const epoch = epochOf(request.args);
  const context = await openContext({
    context: request.context,
    dockerfile: request.dockerfile,
    scratch: () => layers.scratch(),
    git,
    digestsDir: parts.digestsDir,
    undo,
    signal,
  });
  const dockerfile = parseDockerfile(context.dockerfile.text, context.dockerfile.name);
  const cacheIo = { onProgress, registryAuth: io.registryAuth, signal };
  const cacheTo = (request.cacheTo ?? []).map((text) => cacheEntry(text, 'to'));
  const cacheFrom = (request.cacheFrom ?? []).map((text) => cacheEntry(text, 'from'));
  const { report, failure } = lintReport(dockerfile, context, images);
  if (report.warnings.length > 0) onProgress({ tscompose: report });
  if (failure !== undefined) throw failure;
  const needed = neededPaths();
  if (!request.noCache) await importCaches(parts, cacheFrom, cacheIo);
  const plan = await planStages({
    dockerfile,
    request,
    signal,
    dependencies: {
      layers,
      cache,
      runStep: parts.runStep,
      cacheMounts: parts.cacheMounts,
      context: context.tree,
      needed,
      secrets: lookupIn(request.secrets, (value) => value),
      ssh: lookupIn(request.ssh, (path) => () => connect({ path, allowHalfOpen: true })),
      git,
      epoch,
      defer,
    },
    bases: baseImages({
      images,
      pull: request.pull ? 'always' : 'missing',
      pinned: request.bases,
      onProgress,
      registryAuth: io.registryAuth,
      defer,
    }),
  });
  await context.take?.(needed.list());

  const solvedOf = new Map<Operation, Solved>();
  const outcomeOf = (operation: Operation): Solved => {
    const solved = solvedOf.get(operation);
    if (solved === undefined) throw new Error('bug: a step reported before those below it');
    return epoch === undefined ? solved : { ...solved, createdAt: new Date(epoch * 1000).toISOString() };
  };
  const target = plan.target.last;
  let imageId: Digest | undefined;
  const imageIdOf = async (step: PlannedStep): Promise<Digest | undefined> => {
    const made = step === target ? await createImage() : undefined;
    if (made !== undefined) return (imageId = made);
    return (
      step.baseImageId ??
      (step.createdBy === undefined && step.previous === undefined
        ? undefined
        : interimId(renderImage(step, outcomeOf)))
    );
  };
  const doneSteps = (): DoneStep[] => [...solvedOf].map(([{ description }, solved]) => ({ description, solved }));
  /** A Dockerfile that does nothing gives the image it starts from. */
  const createImage = async (): Promise<Digest> => {
    if (target.baseImageId !== undefined && target.createdBy === undefined) return target.baseImageId;
    const rendered = renderImage(target, outcomeOf);
    if (request.output === 'files') return interimId(rendered);
    const { chainId } = rendered;
    const config = cacheTo.some(({ place }) => place.kind === 'inline')
      ? withDocument(rendered.config, { records: recordsWithin(layers, chainId, doneSteps()) })
      : rendered.config;
    const image = await images.create({ config, chainId });
    defer(images.retain(image.id));
    return image.id;
  };

  const reporter = stepReporter({
    steps: plan.stages.flatMap(({ steps }) => steps),
    stages: dockerfile.stages.length,
    emit: onProgress,
    imageIdOf,
    nowMs: () => performance.now(),
  });
  const { release } = await solve(
    { cache, runs: parts.runs, layers, now },
    {
      target: target.operation,
      cacheUse: request.noCache ? 'write' : 'read-write',
      observer: {
        ...reporter,
        solved: (operation, solved) => {
          solvedOf.set(operation, solved);
          return reporter.solved(operation, solved);
        },
      },
      parallel: parts.parallel ?? defaultParallel,
      signal,
    },
  );
  defer(release);
  if (imageId === undefined) throw new Error('bug: a build without a target');
  if (plan.unusedArgs.length > 0) {
    onProgress({ tscompose: { kind: 'unused-args', names: plan.unusedArgs } });
    onProgress({ stream: `[Warning] One or more build-args [${plan.unusedArgs.join(' ')}] were not consumed\n` });
  }
  onProgress({ aux: { ID: imageId } });
  onProgress({ stream: `Successfully built ${hexOf(imageId).slice(0, 12)}\n` });
  for (const tag of tags) {
    await images.tag(imageId, tag);
    onProgress({ stream: `Successfully tagged ${tag.familiar}\n` });
  }
  const result = { imageId, chainId: outcomeOf(target.operation).chainId };
  await exportCaches(parts, cacheTo, { target: result.chainId, steps: doneSteps() }, cacheIo);
  await io.deliver?.(result);
  return result;
}

function lookupIn<Given, T>(
  given: Readonly<Record<string, Given>> | Lookup<T> | undefined,
  toValue: (value: Given) => T,
): Lookup<T> {
  if (typeof given === 'function') return given;
  return (id) => {
    const value = given !== undefined && Object.hasOwn(given, id) ? given[id] : undefined;
    return Promise.resolve(value === undefined ? undefined : toValue(value));
  };
}

async function basesOf(
  { layers, digestsDir }: BuildParts,
  request: BuildRequest,
  signal: AbortSignal,
): Promise<readonly NeededBase[]> {
  await using undo = new CleanupStack();
  const scratch = () => layers.scratch();
  const git = gitTrees(scratch, (work) => undo.defer(work));
  const { context, dockerfile: source } = request;
  const { dockerfile } = await openContext({ context, dockerfile: source, scratch, git, digestsDir, undo, signal });
  return neededBases(parseDockerfile(dockerfile.text, dockerfile.name), request);
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

/** SOURCE_DATE_EPOCH: the image says it was made then, whenever it was. @throws `build/bad-epoch` */
function epochOf({ SOURCE_DATE_EPOCH: text }: BuildRequest['args']): number | undefined {
  if (text === undefined || text === null || text === '') return undefined;
  if (/^\d{1,11}$/.test(text)) return Number(text);
  throw new TscomposeError({
    code: 'build/bad-epoch',
    message: `invalid SOURCE_DATE_EPOCH: ${JSON.stringify(text)} is not a count of seconds`,
    facts: { value: text },
  });
}

async function sweepDigests(dir: string, now: Date): Promise<void> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  for (const name of await readdir(dir)) {
    const { mtimeMs } = await stat(join(dir, name));
    if (now.getTime() - mtimeMs > digestsKeptMs) await rm(join(dir, name), { force: true });
  }
}
