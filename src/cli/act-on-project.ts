import { forgetProject, keepProject, observe } from '../execute/index.js';
import type { ObservedState, Plan } from '../plan/index.js';
import type { CliContext } from './context.js';
import { exitCodes } from './interrupts.js';
import { enableNamed, projectIfPresent, withFiles, type ProjectTarget } from './project.js';
import { runPlan } from './run-plan.js';
import { withFindings } from './timed-out.js';

export interface ActOptions {
  /** Word for the header of the progress. */
  readonly operation: string;
  /** Named on the command line; checked where the files are at hand. */
  readonly services: readonly string[];
  /** What the named services need is meant too. */
  readonly withDependencies?: boolean;
  /** Told when the plan is empty. */
  readonly whenNothing?: string;
  /** False leaves everything as it is. Not asked for an empty plan or a dry run. */
  readonly confirm?: (plan: Plan) => Promise<boolean>;
  /** What the engine is to know of the project: its order, where the files are at hand, or nothing afterwards. */
  readonly graph?: 'keep' | 'forget';
  /** It ends services that providers stand for, too. */
  readonly providers?: boolean;
  readonly signal?: AbortSignal;
}

/** For commands on what exists already: look, plan, carry out. Works without compose files too, by the name. */
export async function actOnProject(
  context: CliContext,
  options: ActOptions,
  plan: (observed: ObservedState, target: ProjectTarget) => Plan,
): Promise<number> {
  const { signal = context.signal } = options;
  const target = named(await projectIfPresent(context), options);
  const client = await context.engine();
  const observed = await observe(client, target.project ?? target.name, signal, {
    providers: options.providers === true,
  });
  const decided = plan(observed, target);
  const nothing = decided.steps.length === 0;
  if (nothing && options.whenNothing !== undefined) context.warn(options.whenNothing);
  if (!nothing && !context.dryRun && options.confirm !== undefined && !(await options.confirm(decided))) {
    return exitCodes.success;
  }
  const known = context.dryRun ? undefined : options.graph;
  if (known === 'keep' && target.project !== undefined)
    await keepProject(target.project, { client, signal, warn: context.warn });
  const progress = await context.progress(options.operation);
  try {
    await runPlan(context, { client, project: target.project, progress, signal }, decided);
  } catch (error) {
    throw await withFindings(error, context, client, target.project, options.services);
  }
  await progress.end();
  if (known === 'forget') await forgetProject(target.name, { client, signal });
  return exitCodes.success;
}

/** @throws `cli/no-such-service`, `compose/undefined-dependency` */
function named(target: ProjectTarget, { services, withDependencies = false }: ActOptions): ProjectTarget {
  target.checkServices(services);
  return target.project === undefined ? target : withFiles(enableNamed(target.project, services, { withDependencies }));
}
