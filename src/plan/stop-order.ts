import type { ServiceGraph } from '../graph/index.js';
import type { ObservedContainer } from './observed-state.js';

/** Services that are no containers, and how to plan the end of one after the given steps. */
export interface ServiceStops {
  readonly services: readonly string[];
  /** @returns the step that its needs wait for, if it takes one */
  readonly visit: (service: string, after: readonly number[]) => number | undefined;
}

/**
 * Walks containers so that those of dependents come before those of what they need.
 * @param visit - plans one container after the given steps; returns the step that its needs wait for
 * @param others - services that are no containers, in the same order
 */
export function inStopOrder(
  graph: ServiceGraph,
  containers: readonly ObservedContainer[],
  visit: (container: ObservedContainer, after: readonly number[]) => number | undefined,
  others: ServiceStops = { services: [], visit: () => undefined },
): void {
  const done = new Map<string, readonly number[]>();
  const stop = (service: string): readonly number[] => {
    const known = done.get(service);
    if (known !== undefined) return known;
    const dependents = graph.services.includes(service) ? graph.neededBy(service).map(({ from }) => from) : [];
    const before = [...new Set(dependents.flatMap(stop))];
    const own = containers.filter((container) => container.service === service);
    const steps = own.flatMap((container) => visit(container, before) ?? []);
    if (others.services.includes(service))
      steps.push(...[others.visit(service, before)].filter((step) => step !== undefined));
    // A service without steps hands on what its needs must wait for.
    const handed = steps.length === 0 ? before : steps;
    done.set(service, handed);
    return handed;
  };
  const services = [...containers.map((container) => container.service), ...others.services];
  for (const service of [...new Set(services)].sort()) stop(service);
}
