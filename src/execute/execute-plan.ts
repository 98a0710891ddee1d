import { availableParallelism } from 'node:os';
import type { RegistryAuth } from '../api/image.js';
import { messageOf } from '../base/errors.js';
import type { SourceLocation } from '../base/source-location.js';
import type { EngineClient } from '../client/index.js';
import type { Operation, OperationOf, OperationKind, Plan, PlanStep } from '../plan/index.js';
import { ContainerWatch } from './container-watch.js';
import type { Answers, ExecutionContext } from './execution-context.js';
import { executors } from './executors.js';
import type { FailureProject } from './failure-places.js';
import { operationFailure, serviceOf } from './operation-failure.js';
import { progressOf } from './operation-progress.js';
import { OutputTail } from './output-tail.js';
import type { OnEvent } from './progress.js';
import { Semaphore } from './semaphore.js';
import { walk } from './walk.js';

export interface ExecuteOptions {
  readonly client: EngineClient;
  /** For places in the user's files; a name is enough to work. */
  readonly project: FailureProject;
  /** Engine operations at a time; absent, zero or negative: no limit but the ones below. */
  readonly parallel?: number | undefined;
  readonly onEvent: OnEvent;
  /** Joins a container before its start, where an operation says so. */
  readonly attach?: (containerId: string) => Promise<void>;
  /** What the user is logged in with at the registry of an image; without it pulls and pushes are nobody's. */
  readonly credentials?: (image: string) => Promise<RegistryAuth | undefined>;
  readonly buildCredentials?: (images: readonly string[]) => Promise<Readonly<Record<string, RegistryAuth>>>;
  /** Told of every step that was begun, once it has ended. */
  readonly onStep?: (run: StepRun) => void;
  readonly signal: AbortSignal;
}

/** When a step ran, in milliseconds of `performance.now()`. */
export interface StepRun {
  readonly step: PlanStep;
  readonly beginMs: number;
  readonly endMs: number;
  readonly failed: boolean;
}

/** More requests at a time only wait in the engine. */
const mostOperations = 64;
/** A start keeps a processor busy for most of its time; more at a time are not sooner done. */
const mostStarts = Math.max(3, availableParallelism() + 1);
const mostBuilds = Math.max(2, availableParallelism());
const outputLines = 20;

/**
 * What may be given up half-way: it takes long, or changes nothing. Everything else is soon done, and an engine that
 * nobody listens to any more does it all the same: then the next plan would be made before it is.
 */
const cutShort: ReadonlySet<OperationKind> = new Set([
  ...(['image.pull', 'image.push', 'image.build', 'container.wait', 'container.exec'] as const),
  ...(['container.stop', 'container.restart', 'provider.run', 'model.provide'] as const),
]);
/** An engine that has not answered by then does not. */
const graceMs = 5_000;

/**
 * Carries out a plan: every step as soon as those it comes after have succeeded. The first failure cancels the rest and
 * is what is thrown, once nothing is under way any more; what is done stays done, and the next plan goes on from there.
 * @returns what providers and models said
 * @throws `execute/dependency-failed`, `execute/operation-failed`, `engine/unreachable`; the reason of `signal`
 */
export async function executePlan(plan: Plan, options: ExecuteOptions): Promise<Answers> {
  const brought: Brought = { ids: new Map(), answers: {} };
  const ending = new AbortController();
  const lifetime = AbortSignal.any([options.signal, ending.signal]);
  const watch = new ContainerWatch(options.client, plan.project, lifetime);
  const limits = {
    all: new Semaphore(options.parallel === undefined || options.parallel <= 0 ? mostOperations : options.parallel),
    starts: new Semaphore(mostStarts),
    builds: new Semaphore(mostBuilds),
  };
  let patient: AbortSignal | undefined;
  try {
    await walk(
      plan.steps,
      async (step, runs, signal) => {
        await Promise.all(step.after.map((id) => runs.get(id) ?? Promise.resolve()));
        const { kind } = step.operation;
        if (isSpared(step, brought)) return;
        await limited(limits, kind, signal, async () => {
          patient ??= withGrace(signal, graceMs);
          const tellEnd = timing(step, options.onStep);
          try {
            await perform(plan, step, { ...options, signal: cutShort.has(kind) ? signal : patient }, watch, brought);
            tellEnd(false);
          } catch (error) {
            tellEnd(true);
            throw error;
          }
        });
      },
      options.signal,
    );
  } finally {
    ending.abort();
  }
  return brought.answers;
}

/** Fills as the steps end. */
interface Brought {
  readonly ids: Map<number, string>;
  answers: Answers;
}

/** A build whose image was pulled in its place, which is what it brings then. */
function isSpared({ id, operation }: PlanStep, { ids }: Brought): boolean {
  if (operation.kind !== 'image.build' || operation.insteadOf === undefined) return false;
  const pulled = ids.get(operation.insteadOf);
  if (pulled !== undefined) ids.set(id, pulled);
  return pulled !== undefined;
}

function timing(step: PlanStep, onStep: ExecuteOptions['onStep']): (failed: boolean) => void {
  const beginMs = performance.now();
  return (failed) => onStep?.({ step, beginMs, endMs: performance.now(), failed });
}

/** Aborts some time after `signal` does. */
function withGrace(signal: AbortSignal, ms: number): AbortSignal {
  const late = new AbortController();
  const abortLater = (): void => {
    setTimeout(() => {
      late.abort(signal.reason);
    }, ms).unref();
  };
  signal.addEventListener('abort', abortLater, { once: true });
  return late.signal;
}

type Limits = Readonly<Record<'all' | 'starts' | 'builds', Semaphore>>;

async function limited(
  limits: Limits,
  kind: OperationKind,
  signal: AbortSignal,
  work: () => Promise<void>,
): Promise<void> {
  switch (kind) {
    case 'container.wait': // asks the engine for nothing while it waits
    case 'provider.run':
    case 'model.provide':
      await work();
      return;
    case 'container.start':
    case 'container.restart':
      await limits.starts.run(() => limits.all.run(work, signal), signal);
      return;
    case 'image.build':
      await limits.builds.run(() => limits.all.run(work, signal), signal);
      return;
    default:
      await limits.all.run(work, signal);
  }
}

async function perform(
  plan: Plan,
  { id, operation }: PlanStep,
  { client, project, onEvent, attach, credentials, buildCredentials, signal }: ExecuteOptions,
  watch: ContainerWatch,
  brought: Brought,
): Promise<void> {
  const progress = progressOf(operation);
  const output = new OutputTail(outputLines);
  const end = { told: false };
  const context: ExecutionContext = {
    client,
    project,
    watch,
    onEvent,
    signal,
    attach: async (containerId) => {
      await attach?.(containerId);
    },
    credentials: async (image) => await credentials?.(image),
    buildCredentials: async (images) => (await buildCredentials?.(images)) ?? {},
    output,
    idOf: (step) => {
      const known = brought.ids.get(step);
      if (known === undefined) throw new Error(`bug: step ${step} brought no id`);
      return known;
    },
    keepId: (own) => {
      brought.ids.set(id, own);
    },
    keep: ({ provided, endpoints }) => {
      const { answers } = brought;
      brought.answers = {
        provided: { ...answers.provided, ...provided },
        endpoints: { ...answers.endpoints, ...endpoints },
      };
    },
    leave: () => {
      end.told = true;
    },
  };
  if (progress !== undefined) onEvent({ kind: 'started', subject: progress.subject, status: progress.begin });
  try {
    await run(operation, context);
  } catch (error) {
    signal.throwIfAborted(); // what failed because of the abort is not what went wrong
    if (progress !== undefined) {
      onEvent({ kind: 'failed', subject: progress.subject, status: 'Error', detail: messageOf(error) });
    }
    const at = placeOf(project, operation);
    throw operationFailure(plan.project, operation, error, { lastLines: output.lines, at, project });
  }
  if (progress?.end !== undefined && !end.told)
    onEvent({ kind: 'done', subject: progress.subject, status: progress.end });
}

async function run<K extends OperationKind>(operation: OperationOf<K>, context: ExecutionContext): Promise<void> {
  await executors[operation.kind](operation, context);
}

/** The line of the user's file to look at when an operation fails. */
function placeOf(project: ExecuteOptions['project'], operation: Operation): SourceLocation | undefined {
  const service = serviceOf(operation);
  if (operation.kind === 'model.provide') return project?.locate(['models', operation.key]);
  if (project === undefined || service === undefined) return undefined;
  switch (operation.kind) {
    case 'image.build':
      return project.locate(['services', service, 'build']);
    case 'image.pull':
      return project.locate(['services', service, 'image']);
    case 'provider.run':
      return project.locate(['services', service, 'provider']);
    case 'container.create':
    case 'container.start':
      return project.locate(['services', service]);
    default:
      return undefined;
  }
}
