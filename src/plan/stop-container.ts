import type { Project } from '../compose/index.js';
import { runHooks } from './hooks.js';
import type { ObservedContainer } from './observed-state.js';
import type { PlanBuilder } from './plan-builder.js';

/** Stops a container that is up, after its `pre_stop` hooks where it runs. @returns the step */
export function stopContainer(
  builder: PlanBuilder,
  project: Project,
  { id, name, service, status, oneOff }: ObservedContainer,
  { cause, timeoutS }: { readonly cause: string; readonly timeoutS: number | undefined },
  after: readonly number[],
): number {
  const container = { id, name, service };
  const definition = status === 'running' && !oneOff ? project.model.services[service] : undefined;
  const before = runHooks(builder, definition, 'pre_stop', container, after);
  return builder.add('container.stop', cause, { container, timeoutS }, before);
}
