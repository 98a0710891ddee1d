import type { EngineClient } from '../client/index.js';
import type { Project } from '../compose/index.js';
import { planUp, type Fetched, type ObservedState, type Plan, type UpOptions } from '../plan/index.js';
import { executePlan, type ExecuteOptions } from './execute-plan.js';
import type { Answers } from './execution-context.js';
import { keepProject } from './keep-project.js';
import { observeProviders } from './observe-providers.js';
import { observe } from './observe.js';

export interface ConvergeOptions extends ExecuteOptions {
  /** Called with every plan before it is carried out; `stop` leaves it at that, as for a dry run. */
  readonly onPlan?: (plan: Plan) => 'go' | 'stop';
  /** Asked for each volume whose definition has changed; yes loses its data. Absent: all are kept. */
  readonly mayReplace?: (volume: string) => Promise<boolean>;
  /** Given: the engine gets the project's graph before the first plan is carried out, and its warnings go here. */
  readonly keep?: (warning: string) => void;
}

/** How it ended. */
export interface Converged {
  /** The last one. */
  readonly plan: Plan;
  /** What is known now and need not be asked again, by a second convergence of the same command. */
  readonly fetched: Fetched | undefined;
}

/** More rounds than images can need; beyond that something else changes the images all the time. */
const mostRounds = 5;
/** A container that takes longer to go is not going. */
const longestRemovalMs = 10_000;

/**
 * Observes, plans and carries out until a plan has no sequel. One round, unless images had to be fetched for containers
 * that exist, or providers had to be asked. @returns the last plan
 */
export async function converge(project: Project, up: UpOptions, options: ConvergeOptions): Promise<Converged> {
  let round: UpOptions = { nowS: Date.now() / 1_000, ...up };
  const providers = await observeProviders(project, options.signal);
  for (let count = 1; ; count++) {
    const observed = await observeSettled(options.client, project, options.signal);
    const state = providers === undefined ? observed : { ...observed, providers };
    const careful = planUp(project, state, round);
    const { outdatedVolumes } = careful;
    if (options.mayReplace !== undefined && outdatedVolumes.length > 0)
      round = { ...round, replaceVolumes: await chosen(outdatedVolumes, options.mayReplace) };
    const plan = outdatedVolumes.length === 0 ? careful : planUp(project, state, round);
    if (options.onPlan?.(plan) === 'stop') return { plan, fetched: round.fetched };
    if (options.keep !== undefined && count === 1) await keepProject(project, { ...options, warn: options.keep });
    const answers = plan.steps.length > 0 ? await executePlan(plan, options) : {};
    if (plan.again === undefined) return { plan, fetched: round.fetched };
    if (count === mostRounds) throw new Error('bug: planning images does not come to an end');
    round = { ...round, fetched: withAnswers(plan.again, answers) };
  }
}

/** One question at a time. */
async function chosen(volumes: readonly string[], ask: (volume: string) => Promise<boolean>): Promise<string[]> {
  const yes: string[] = [];
  for (const volume of volumes) if (await ask(volume)) yes.push(volume);
  return yes;
}

function withAnswers(fetched: Fetched, { provided, endpoints }: Answers): Fetched {
  return {
    ...fetched,
    provided: { ...fetched.provided, ...provided },
    endpoints: { ...fetched.endpoints, ...endpoints },
  };
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
