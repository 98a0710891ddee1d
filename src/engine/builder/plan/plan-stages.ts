import type { SourceLocation } from '../../../base/source-location.js';
import { TscomposeError } from '../../../base/errors.js';
import { ignoreNothing } from '../../../base/ignore-rules.js';
import { hostPlatform, type Platform } from '../../../registry/index.js';
import { readIgnore, realDirectory } from '../context/open-context.js';
import { plainFileDigests } from '../context/file-digests.js';
import type { SourceTree } from '../context/selection.js';
import type { Dockerfile, Instruction, InstructionOf, Stage } from '../dockerfile/ast.js';
import { nearest } from '../dockerfile/nearest.js';
import { parseTrigger } from '../dockerfile/parse.js';
import { urlTree } from '../context/url-tree.js';
import { syntaxError } from '../dockerfile/syntax-error.js';
import { wordsOf } from '../image/apply.js';
import { emptyState, stateFromImage } from '../image/image-state.js';
import { type ArgScope, declareArg, emptyScope } from '../image/scope.js';
import type { AdditionalContext, BuildRequest } from '../request.js';
import { baseOperation, wholeTree } from '../steps/base-operations.js';
import type { StepDependencies } from '../steps/dependencies.js';
import type { Operation } from '../solver/operation.js';
import type { BaseImages } from './bases.js';
import { planInstruction, type Sources } from './plan-instruction.js';
import type { PlannedStep } from './planned-step.js';
import { parsePlatform, platformArgs } from './platform.js';
import '../errors.js';

export interface PlannedStage {
  readonly stage: Stage;
  readonly steps: readonly PlannedStep[];
  readonly last: PlannedStep;
  readonly scope: ArgScope;
  /** Of its base image; undefined: whatever it has. */
  readonly platform: Platform | undefined;
}

export interface BuildPlan {
  /** Needed stages only, in the Dockerfile's order. */
  readonly stages: readonly PlannedStage[];
  readonly target: PlannedStage;
  /** Given build arguments that no needed stage declares. */
  readonly unusedArgs: readonly string[];
}

export interface PlanInput {
  readonly dockerfile: Dockerfile;
  readonly request: BuildRequest;
  /** `os/arch[/variant]` to build for; undefined: this machine's. */
  readonly platform: string | undefined;
  /** Put before names of stages, where others are built beside. */
  readonly shown: string | undefined;
  readonly dependencies: StepDependencies;
  readonly bases: BaseImages;
  readonly signal: AbortSignal;
}

/**
 * Turns the stages that the target needs into steps over operations. Base images are found (and pulled) on the way, since
 * their configs decide what variables stand for.
 * @throws `build/unknown-stage`, `build/syntax`, `build/base-image-missing`
 */
export async function planStages(input: PlanInput): Promise<BuildPlan> {
  const { dockerfile, request } = input;
  const targetStage = findTarget(dockerfile, request.target);
  const global = globalScope(input);
  const planned = new Map<number, Promise<PlannedStage>>();
  const stageAt = (index: number): Promise<PlannedStage> => {
    const known = planned.get(index);
    if (known !== undefined) return known;
    const stage = dockerfile.stages[index];
    if (stage === undefined) throw new Error(`bug: no stage ${index}`);
    const plan = planStage(input, stage, global, stageAt, stage === targetStage ? request.labels : {});
    planned.set(index, plan);
    return plan;
  };
  const target = await stageAt(targetStage.index);
  const stages = await Promise.all([...planned].sort(([left], [right]) => left - right).map(([, plan]) => plan));
  const declared = new Set(
    [global, ...stages.map(({ scope }) => scope)].flatMap(({ declared: names }) => [...names.keys()]),
  );
  return {
    stages,
    target,
    unusedArgs: Object.keys(request.args).filter((name) => !declared.has(name) && !isAutomatic(name)),
  };
}

function isAutomatic(name: string): boolean {
  return /^(https?|ftp|no|all)_proxy$/i.test(name) || name.startsWith('BUILDKIT_') || name === 'SOURCE_DATE_EPOCH';
}

export function findTarget({ stages }: Dockerfile, wanted: string | undefined): Stage {
  const last = stages.at(-1);
  if (last === undefined) throw new Error('bug: a Dockerfile without stages');
  if (wanted === undefined || wanted === '') return last;
  const found =
    stages.findLast(({ name }) => name === wanted.toLowerCase()) ??
    (/^\d+$/.test(wanted) ? stages[Number(wanted)] : undefined);
  if (found !== undefined) return found;
  const names = stages.flatMap(({ name }) => (name === undefined ? [] : [name]));
  const suggestion = nearest(wanted.toLowerCase(), names);
  throw new TscomposeError({
    code: 'build/unknown-stage',
    message: `failed to reach build target ${wanted} in Dockerfile`,
    facts: { stage: wanted },
    hint: suggestion === undefined ? undefined : `did you mean "${suggestion}"?`,
  });
}

/** ARG before the first FROM. The automatic platform arguments are there without. */
export function globalScope({
  dockerfile,
  request,
  platform,
}: Pick<PlanInput, 'dockerfile' | 'request' | 'platform'>): ArgScope {
  const target = platform === undefined ? undefined : parsePlatform(platform);
  let scope: ArgScope = {
    given: request.args,
    declared: platformArgs(hostPlatform(), target ?? hostPlatform()),
  };
  for (const instruction of dockerfile.globalArgs) {
    for (const { name, value } of instruction.args) {
      const words = wordsOf(instruction, (key) => scope.declared.get(key), dockerfile.escape);
      scope = declareArg(scope, name, value === undefined ? undefined : words.one(value), scope.declared.get(name));
    }
  }
  return scope;
}

async function planStage(
  input: PlanInput,
  stage: Stage,
  global: ArgScope,
  stageAt: (index: number) => Promise<PlannedStage>,
  labels: Readonly<Record<string, string>>,
): Promise<PlannedStage> {
  const { dockerfile, request, dependencies } = input;
  const { first, scope: inherited, triggers, platform } = await planFrom(input, stage, global, stageAt);
  const sources: Sources = { from: (name, at) => findSource(input, { stage, platform }, stageAt, name, at) };
  const steps = [first];
  let scope = inherited;
  const queue: { instruction: Exclude<Instruction, InstructionOf<'FROM'>>; kind: PlannedStep['kind'] }[] = [
    ...triggers.map((trigger) => ({ instruction: parseTrigger(trigger, stage.from), kind: 'trigger' as const })),
    ...stage.instructions.map((instruction) => ({ instruction, kind: 'instruction' as const })),
    ...labelInstructions(labels, stage),
  ];
  for (const { instruction, kind } of queue) {
    const previous = steps.at(-1) ?? first;
    const { step, scope: next } = await planInstruction({
      instruction,
      kind,
      previous,
      stage: stageName(stage, input.shown),
      scope,
      global,
      escape: dockerfile.escape,
      request,
      sources,
      dependencies,
    });
    steps.push(step);
    scope = next;
  }
  return { stage, steps, last: steps.at(-1) ?? first, scope, platform };
}

async function planFrom(
  input: PlanInput,
  stage: Stage,
  global: ArgScope,
  stageAt: (index: number) => Promise<PlannedStage>,
): Promise<Pick<PlannedStage, 'scope' | 'platform'> & { first: PlannedStep; triggers: readonly string[] }> {
  const { dockerfile, request, bases, dependencies, signal } = input;
  const { from } = stage;
  const words = wordsOf(from, (name) => global.declared.get(name), dockerfile.escape);
  const name = words.one(from.image);
  if (name === '') {
    throw syntaxError(from.at, `base name (${from.image}) should not be blank`, 'FROM');
  }
  const common = { instruction: from, stage: stageName(stage, input.shown), kind: 'instruction' as const };
  const context = request.additionalContexts?.[name];
  const parent = dockerfile.stages.slice(0, stage.index).findLast((other) => other.name === name.toLowerCase());
  if (parent !== undefined && context === undefined) {
    const { last, scope, platform } = await stageAt(parent.index);
    const operation = passThrough(last.operation, from.text);
    const { OnBuild, ...config } = last.state.config;
    const triggers = OnBuild ?? [];
    const state = { ...last.state, config, cmdSet: false };
    return {
      first: { ...common, previous: last, operation, state, notes: triggerNotes(triggers) },
      scope,
      triggers,
      platform,
    };
  }

  const platform = wantedPlatform(from, words.one(from.platform ?? input.platform ?? ''));
  const scope = emptyScope(request.args);
  if (name === 'scratch') {
    const state = emptyState(platform ?? hostPlatform());
    const operation = baseOperation(undefined, from.text);
    return { first: { ...common, previous: undefined, operation, state, notes: [] }, scope, triggers: [], platform };
  }
  if (context !== undefined && context.kind !== 'image') {
    const tree = await contextTree(context, dependencies, signal);
    const operation = wholeTree(dependencies, tree, from.text);
    const state = emptyState(platform ?? hostPlatform());
    return { first: { ...common, previous: undefined, operation, state, notes: [] }, scope, triggers: [], platform };
  }
  const reference = context?.reference ?? name;
  const image = await bases.get(reference, platform, from.at, signal);
  const triggers = image.config.config?.OnBuild ?? [];
  return {
    first: {
      ...common,
      previous: undefined,
      operation: baseOperation(image.chainId, from.text),
      state: stateFromImage(image.config),
      notes: triggerNotes(triggers),
      baseImageId: image.id,
      baseReference: reference,
    },
    scope,
    triggers,
    platform,
  };
}

function triggerNotes({ length }: readonly string[]): string[] {
  return length === 0 ? [] : [`# Executing ${length} build trigger${length > 1 ? 's' : ''}`];
}

/** FROM a stage: a step of its own with the stage's outcome. */
function passThrough(base: Operation, description: string): Operation {
  return {
    inputs: [base],
    description,
    key: () => Promise.resolve(undefined),
    run: ([input]) => Promise.resolve({ chainId: input?.chainId }),
  };
}

async function findSource(
  { dockerfile, request, bases, dependencies, signal }: PlanInput,
  { stage, platform }: Pick<PlannedStage, 'stage' | 'platform'>,
  stageAt: (index: number) => Promise<PlannedStage>,
  name: string,
  at: SourceLocation,
): Promise<Operation | SourceTree> {
  // As BuildKit: a named context takes the place of a stage or an image of its name.
  const context = request.additionalContexts?.[name];
  if (context !== undefined && context.kind !== 'image') return await contextTree(context, dependencies, signal);
  if (context !== undefined) {
    const { chainId } = await bases.get(context.reference, platform, at, signal);
    return baseOperation(chainId, `image ${context.reference}`);
  }
  const earlier = dockerfile.stages.slice(0, stage.index);
  const named = earlier.findLast((other) => other.name === name.toLowerCase());
  if (named !== undefined) return (await stageAt(named.index)).last.operation;
  if (/^\d+$/.test(name)) {
    if (Number(name) < stage.index) return (await stageAt(Number(name))).last.operation;
    throw new TscomposeError({
      code: 'build/unknown-stage',
      message: `dockerfile parse error on line ${at.line}: invalid from flag value ${name}: invalid stage index ${name}`,
      facts: { stage: name },
      at,
    });
  }
  if (dockerfile.stages.some((other) => other.name === name.toLowerCase() && other.index >= stage.index)) {
    throw new TscomposeError({
      code: 'build/unknown-stage',
      message: `invalid from flag value ${name}: the stage does not come before the one that copies from it`,
      facts: { stage: name },
      at,
    });
  }
  const image = await bases.get(name, platform, at, signal);
  return baseOperation(image.chainId, `image ${name}`);
}

async function contextTree(
  context: Exclude<AdditionalContext, { kind: 'image' }>,
  { git, layers, defer }: StepDependencies,
  signal: AbortSignal,
): Promise<SourceTree> {
  if (context.kind === 'git') return await git.at(context.url).checkOut(signal);
  if (context.kind === 'url') return (await urlTree(context.url, () => layers.scratch(), defer, signal)).tree;
  const root = await realDirectory(context.path);
  const ignore = context.filtered === true ? ignoreNothing : readIgnore(root, undefined);
  return { root, kind: 'context', ignore, digests: plainFileDigests };
}

function wantedPlatform(from: InstructionOf<'FROM'>, text: string): Platform | undefined {
  if (text === '') return undefined;
  const platform = parsePlatform(text);
  if (platform === undefined) throw syntaxError(from.at, `"${text}" is an invalid platform specification`, 'FROM');
  return platform;
}

/** `--label` is a LABEL more each, as the classic builder does it. */
function labelInstructions(
  labels: Readonly<Record<string, string>>,
  stage: Stage,
): { instruction: InstructionOf<'LABEL'>; kind: 'instruction' }[] {
  return Object.keys(labels)
    .sort()
    .map((name) => {
      const value = labels[name] ?? '';
      // Single quotes: a label given on the command line is not expanded.
      const pairs = [{ name: quote(name), value: quote(value) }];
      const text = `LABEL ${name}=${value}`;
      return { instruction: { keyword: 'LABEL', text, at: stage.from.at, pairs }, kind: 'instruction' };
    });
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'"'"'`)}'`;
}

function stageName({ name, index }: Stage, shown: string | undefined): string {
  return `${shown === undefined ? '' : `${shown} `}${name ?? String(index)}`;
}
