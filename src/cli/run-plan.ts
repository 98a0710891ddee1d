import type { EngineClient } from '../client/index.js';
import type { Project } from '../compose/index.js';
import {
  converge,
  executePlan,
  progressOf,
  type ExecuteOptions,
  type StepRun,
  type Timeline,
} from '../execute/index.js';
import { renderPlan, stoppedBy, type Plan, type UpOptions } from '../plan/index.js';
import type { CliContext } from './context.js';
import { credentialsForBuild, credentialsForImage } from './remotes.js';
import type { Progress } from './render/progress.js';

/** What a command needs to carry out plans. */
export interface Work {
  readonly client: EngineClient;
  /** Undefined when the project is known by name alone. */
  readonly project: Project | undefined;
  readonly progress: Progress;
  readonly signal: AbortSignal;
  /** An earlier round has given the engine the project's graph, and told all warnings. */
  readonly graphKept?: boolean;
  /** Joins our terminal to a container before it starts. */
  readonly attach?: (containerId: string) => Promise<void>;
  /** Whose inner steps are not shown: only that they begin and end. `all`: nothing but warnings. */
  readonly quiet?: { readonly builds: boolean; readonly pulls: boolean; readonly all?: boolean };
  /** Asked for each volume whose definition has changed; yes loses its data. Absent: all are kept. */
  readonly mayReplace?: (volume: string) => Promise<boolean>;
  /** Fills with when each step ran. */
  readonly timeline?: Timeline;
  /** Told of every step that was begun, once it has ended. */
  readonly onStep?: (run: StepRun) => void;
}

/**
 * Carries out a plan and draws it; with `--dry-run` prints it to standard output instead.
 * Leaves the progress open, for the plans that may follow.
 */
export async function runPlan(context: CliContext, work: Work, plan: Plan): Promise<void> {
  if (present(context, work, plan) === 'go' && plan.steps.length > 0)
    await executePlan(plan, executeOptions(context, work));
}

/** Plans and carries out until the project stands. @returns what a second round of this command has to know */
export async function runUp(
  context: CliContext,
  work: Work & { readonly project: Project },
  options: UpOptions,
): Promise<Pick<UpOptions, 'fetched' | 'revive'>> {
  const { fetched, plan } = await converge(work.project, options, {
    ...executeOptions(context, work),
    ...(work.graphKept === true ? {} : { keep: context.warn }),
    ...(work.mayReplace === undefined ? {} : { mayReplace: work.mayReplace }),
    onPlan: (plan) => present(context, work, plan),
  });
  return { revive: stoppedBy(plan), ...(fetched === undefined ? {} : { fetched }) };
}

function executeOptions(
  context: CliContext,
  { client, project, progress, signal, attach, quiet, timeline, onStep }: Work,
): ExecuteOptions {
  const { parallel } = context;
  return {
    client,
    project,
    signal,
    credentials: (image) => credentialsForImage(context, image),
    buildCredentials: (images) => credentialsForBuild(context, images),
    onEvent: (event) => {
      if (quiet?.all === true && event.kind !== 'warning') return;
      if (event.kind === 'progress' && event.status === 'Building' && quiet?.builds === true) return;
      if (
        event.kind === 'progress' &&
        (event.status === 'Pulling' || event.status === 'Pushing') &&
        quiet?.pulls === true
      )
        return;
      progress.report(event);
    },
    onStep: (run) => {
      timeline?.add(run);
      onStep?.(run);
    },
    ...(attach === undefined ? {} : { attach }),
    ...(parallel === undefined ? {} : { parallel }),
  };
}

/**
 * Tells of a plan what its execution does not. A dry run writes the plan to standard output and, where programs read the
 * progress, the lines that the run would have.
 */
function present(context: CliContext, { progress, timeline, graphKept }: Work, plan: Plan): 'go' | 'stop' {
  const { dryRun, terminal, warn, progressMode } = context;
  timeline?.begin();
  if (dryRun) terminal.stdout.write(`${renderPlan(plan) || 'nothing to do'}\n`);
  else if (graphKept !== true) for (const { subject, message } of plan.warnings) warn(`warning: ${subject} ${message}`);
  const silent = dryRun && progressMode === 'tty';
  for (const { name, running } of silent ? [] : plan.unchanged) {
    if (running) progress.report({ kind: 'done', subject: `Container ${name}`, status: 'Running' });
  }
  if (dryRun && !silent) rehearse(plan, progress);
  return dryRun ? 'stop' : 'go';
}

function rehearse({ steps }: Plan, progress: Progress): void {
  for (const { operation } of steps) {
    const shown = progressOf(operation);
    if (shown === undefined) continue;
    const { subject, begin, end } = shown;
    progress.report({ kind: 'started', subject, status: begin });
    const mayFail = operation.kind === 'image.pull' && operation.optional;
    if (end !== undefined && !mayFail) progress.report({ kind: 'done', subject, status: end });
  }
}
