import { connect } from 'node:net';
import { CleanupStack } from '../../base/cleanup-stack.js';
import { hexOf } from '../../base/digest.js';
import { TscomposeError } from '../../base/errors.js';
import { hostPlatform, parseReference, platformScore, platformText, withDefaultTag } from '../../registry/index.js';
import type { Image } from '../images/index.js';
import { gitTrees } from './context/git-trees.js';
import { neededPaths } from './context/needed-paths.js';
import { openContext } from './context/open-context.js';
import { parseDockerfile } from './dockerfile/parse.js';
import { interimId, renderImage } from './image/render-image.js';
import { lintReport } from './lint/lint-report.js';
import { nameOutcome } from './name-outcome.js';
import type { BuildParts } from './parts.js';
import { baseImages, type BaseImages } from './plan/bases.js';
import { type BuildPlan, planStages } from './plan/plan-stages.js';
import type { PlannedStep } from './plan/planned-step.js';
import { parsePlatform } from './plan/platform.js';
import { type DoneStep, recordsWithin, withDocument } from './portable-cache/document.js';
import { cacheEntry } from './portable-cache/entry.js';
import { exportCaches } from './portable-cache/export.js';
import { importCaches } from './portable-cache/import.js';
import { provenanceOf } from './provenance.js';
import { stepReporter } from './report/step-reporter.js';
import type { BuildIo, BuildRequest, BuildResult, BuiltImage, Lookup } from './request.js';
import type { Operation, Solved } from './solver/operation.js';
import { solve } from './solver/solve.js';

const defaultParallel = 4;

/** What is built for one platform. */
interface PlatformPlan extends BuildPlan {
  /** Undefined: this machine's, as nobody asked. */
  readonly platform: string | undefined;
  /** By the names that the Dockerfile has them by. */
  readonly bases: ReadonlyMap<string, Image>;
}

export async function build(parts: BuildParts, request: BuildRequest, io: BuildIo): Promise<BuildResult> {
  const { images, layers, cache, now } = parts;
  const started = now();
  const { onProgress, signal } = io;
  await using undo = new CleanupStack();
  const defer = (work: () => unknown): void => undo.defer(work);
  const tags = request.tags.map((tag) => withDefaultTag(parseReference(tag)));
  const git = gitTrees(() => layers.scratch(), defer, request.bases);
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
  const dependencies = {
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
  };
  const bases = baseImages({
    images,
    pull: request.pull ? 'always' : 'missing',
    pinned: request.bases,
    onProgress,
    registryAuth: io.registryAuth,
    defer,
  });
  const platforms = platformsOf(request);
  const plans: PlatformPlan[] = [];
  // One after the other: variants of a base image join the one name they have.
  for (const platform of platforms) {
    const shown = platforms.length > 1 ? platform : undefined;
    const used = new Map<string, Image>();
    const noted: BaseImages = {
      get: async (name, ...more) => {
        const image = await bases.get(name, ...more);
        used.set(name, image);
        return image;
      },
    };
    const plan = await planStages({ dockerfile, request, platform, shown, signal, dependencies, bases: noted });
    plans.push({ ...plan, platform, bases: used });
  }
  await context.take?.(needed.list());

  const solvedOf = new Map<Operation, Solved>();
  const outcomeOf = (operation: Operation): Solved => {
    const solved = solvedOf.get(operation);
    if (solved === undefined) throw new Error('bug: a step reported before those below it');
    return epoch === undefined ? solved : { ...solved, createdAt: new Date(epoch * 1000).toISOString() };
  };
  const doneSteps = (): DoneStep[] => [...solvedOf].map(([{ description }, solved]) => ({ description, solved }));
  const built = new Map<PlannedStep, BuiltImage>();
  const imageIdOf = async (step: PlannedStep): Promise<BuiltImage['imageId'] | undefined> => {
    const plan = plans.find(({ target }) => target.last === step);
    if (plan === undefined) {
      if (step.baseImageId !== undefined) return step.baseImageId;
      const isBare = step.createdBy === undefined && step.previous === undefined;
      return isBare ? undefined : interimId(renderImage(step, outcomeOf));
    }
    const imageId = await createImage(step);
    const { chainId } = outcomeOf(step.operation);
    built.set(step, { platform: platformText(step.state), imageId, chainId, attestations: [] });
    return imageId;
  };
  /** A Dockerfile that does nothing gives the image it starts from. */
  const createImage = async (target: PlannedStep): Promise<BuiltImage['imageId']> => {
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
    steps: plans.flatMap(({ stages }) => stages.flatMap(({ steps }) => steps)),
    stages: dockerfile.stages.length * plans.length,
    emit: onProgress,
    text: io.text ?? 'ordered',
    imageIdOf,
    nowMs: () => performance.now(),
  });
  const { release } = await solve(
    { cache, runs: parts.runs, layers, now },
    {
      targets: plans.map(({ target }) => target.last.operation),
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
  const { provenance: mode } = request;
  const outcomes = plans.map(({ target, stages, bases: used }) => {
    const image = built.get(target.last);
    if (image === undefined) throw new Error('bug: a build without a target');
    if (mode === undefined || request.output === 'files') return image;
    const entryPoint = context.dockerfile.name;
    const steps = stages.flatMap((stage) => stage.steps);
    const { platform } = image;
    const facts = { mode, request, platform, entryPoint, bases: used, steps, outcomeOf, started, finished: now() };
    return { ...image, attestations: [provenanceOf(facts)] };
  });
  const unusedArgs = Object.keys(request.args).filter((name) => plans.every((plan) => plan.unusedArgs.includes(name)));
  if (unusedArgs.length > 0) {
    onProgress({ tscompose: { kind: 'unused-args', names: unusedArgs } });
    onProgress({ stream: `[Warning] One or more build-args [${unusedArgs.join(' ')}] were not consumed\n` });
  }
  const { imageId, chainId } = mainOf(outcomes);
  const result: BuildResult = { imageId, chainId, images: outcomes };
  onProgress({ aux: { ID: imageId } });
  onProgress({ stream: `Successfully built ${hexOf(imageId).slice(0, 12)}\n` });
  const names = tags.map(({ familiar }) => familiar);
  await nameOutcome(images, result, names);
  for (const name of names) onProgress({ stream: `Successfully tagged ${name}\n` });
  const targets = outcomes.map((image) => image.chainId);
  await exportCaches(parts, cacheTo, { targets, steps: doneSteps() }, cacheIo);
  await io.deliver?.(result);
  return result;
}

/** Each once; one undefined where none is asked for. */
function platformsOf({ platforms = [] }: BuildRequest): readonly (string | undefined)[] {
  const wanted = new Set(platforms.map((text) => platformText(parsePlatform(text) ?? invalidPlatform(text))));
  return wanted.size === 0 ? [undefined] : [...wanted];
}

function invalidPlatform(text: string): never {
  throw new TscomposeError({
    code: 'build/bad-platform',
    message: `${JSON.stringify(text)} is an invalid platform specification`,
    facts: { platform: text },
    hint: 'write os/architecture, as in linux/arm64',
  });
}

/** The one for this machine, else the first. */
function mainOf(outcomes: readonly BuiltImage[]): BuiltImage {
  const score = ({ platform }: BuiltImage): number => platformScore(parsePlatform(platform) ?? {}, hostPlatform());
  const [best] = [...outcomes].sort((one, other) => score(other) - score(one));
  if (best === undefined) throw new Error('bug: a build of nothing');
  return best;
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
