import type { Project } from '../compose/index.js';
import { buildGraph, dependentsOf } from '../graph/index.js';
import type { ObservedState } from './observed-state.js';
import type { Plan } from './operation.js';
import { PlanBuilder } from './plan-builder.js';
import type { Target } from './plan-lifecycle.js';
import { projectFromLabels } from './project-from-labels.js';
import { startContainers } from './start-containers.js';
import { inStopOrder } from './stop-order.js';
import { asItIs, isUp, UpState } from './up-state.js';

/**
 * Restarts services with everything that depends on them, whether it asks for that or not: dependents stop first, and
 * start again once what they need is as their conditions say. A dependent that does not run stays as it is.
 */
export function planCascade(
  observed: ObservedState,
  project: Project | undefined,
  options: Target & { readonly timeoutS?: number },
): Plan {
  const model = project ?? projectFromLabels(options.projectName, observed.containers);
  const graph = buildGraph(model);
  const builder = new PlanBuilder(model.name);
  const composed = observed.containers.filter(({ oneOff, status }) => !oneOff && status !== 'removing');
  const present = graph.services.filter((service) => composed.some((container) => container.service === service));
  const { services = [] } = options;
  const named = services.length === 0 ? present : present.filter((service) => services.includes(service));
  const along = new Set(dependentsOf(graph, named).filter((service) => !named.includes(service)));
  const state = new UpState({
    builder,
    project: model,
    graph,
    observed,
    options: options.timeoutS === undefined ? {} : { timeoutS: options.timeoutS },
    selection: { services: named, targets: new Set(named) },
    ...asItIs,
  });
  const stopped = composed.filter(
    (container) =>
      isUp(container) && (services.length === 0 || named.includes(container.service) || along.has(container.service)),
  );
  inStopOrder(graph, stopped, (container, after) => {
    const cause = along.has(container.service) ? 'what it needs is restarted' : 'restart';
    return state.stop(container, cause, after)[0];
  });
  startContainers(state);
  return builder.build();
}
