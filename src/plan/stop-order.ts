import type { ServiceGraph } from '../graph/index.js';
import type { ObservedContainer } from './observed-state.js';

/**
 * Walks containers so that those of dependents come before those of what they need.
 * @param visit - plans one container after the given steps; returns the step that its needs wait for
 */
export function inStopOrder(
  graph: ServiceGraph,
  containers: readonly ObservedContainer[],
  visit: (container: ObservedContainer, after: readonly number[]) => number | undefined,
): void {
  const done = new Map<string, readonly number[]>();
  const stop = (service: string): readonly number[] => {
    const known = done.get(service);
    if (known !== undefined) return known;
    const dependents = graph.services.includes(service) ? graph.neededBy(service).map(({ from }) => from) : [];
    const before = [...new Set(dependents.flatMap(stop))];
    const own = containers.filter((container) => container.service === service);
    const steps = own.flatMap((container) => visit(container, before) ?? []);
    // A service without steps hands on what its needs must wait for.
    const handed = steps.length === 0 ? before : steps;
    done.set(service, handed);
    return handed;
  };
  for (const service of [...new Set(containers.map((container) => container.service))].sort()) stop(service);
}
