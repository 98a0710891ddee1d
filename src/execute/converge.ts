import type { EngineClient } from '../client/index.js';
import type { Project } from '../compose/index.js';
import { planUp, type ObservedState, type Plan, type UpOptions } from '../plan/index.js';
import { executePlan, type ExecuteOptions } from './execute-plan.js';
import { keepProject } from './keep-project.js';
import { observe } from './observe.js';

export interface ConvergeOptions extends ExecuteOptions {
  /** Called with every plan before it is carried out; `stop` leaves it at that, as for a dry run. */
  readonly onPlan?: (plan: Plan) => 'go' | 'stop';
  /** Given: the engine gets the project's graph before the first plan is carried out, and its warnings go here. */
  readonly keep?: (warning: string) => void;
}

/** More rounds than images can need; beyond that something else changes the images all the time. */
const mostRounds = 5;
/** A container that takes longer to go is not going. */
const longestRemovalMs = 10_000;

/**
 * Observes, plans and carries out until a plan has no sequel. One round, unless images had to be fetched for containers
 * that exist. @returns the last plan
 */
export async function converge(project: Project, up: UpOptions, options: ConvergeOptions): Promise<Plan> {
  let round: UpOptions = { nowS: Date.now() / 1_000, ...up };
  for (let count = 1; ; count++) {
    const plan = planUp(project, await observeSettled(options.client, project, options.signal), round);
    if (options.onPlan?.(plan) === 'stop') return plan;
    if (options.keep !== undefined && count === 1) await keepProject(project, { ...options, warn: options.keep });
    if (plan.steps.length > 0) await executePlan(plan, options);
    if (plan.again === undefined) return plan;
    if (count === mostRounds) throw new Error('bug: planning images does not come to an end');
    round = { ...round, fetched: plan.again };
  }
}

/** As `observe`, once what somebody is removing at this moment is gone: it still has its name. */
async function observeSettled(client: EngineClient, project: Project, signal: AbortSignal): Promise<ObservedState> {
  const observed = await observe(client, project, signal);
  const going = observed.containers.filter(({ status }) => status === 'removing');
  if (going.length === 0) return observed;
  const waiting = AbortSignal.any([signal, AbortSignal.timeout(longestRemovalMs)]);
  await Promise.allSettled(
    going.map(async ({ id }) => await client.containers.wait(id, { condition: 'removed' }, waiting)),
  );
  signal.throwIfAborted();
  return await observe(client, project, signal);
}
