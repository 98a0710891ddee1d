import type { ServiceGraph } from './service-graph.js';

/**
 * Services in start order, level by level: a service stands one level after the last of those it needs. Levels are
 * sorted by name; reverse both for stop order.
 * @param names - only these; needs that go through left-out services still count
 */
export function startOrder(graph: ServiceGraph, names?: Iterable<string>): string[][] {
  const level = new Map<string, number>();
  const levelOf = (service: string): number => {
    const known = level.get(service);
    if (known !== undefined) return known;
    const own = Math.max(-1, ...graph.needs(service).map(({ to }) => levelOf(to))) + 1;
    level.set(service, own);
    return own;
  };
  const wanted = names === undefined ? undefined : new Set(names);
  const levels: string[][] = [];
  for (const service of graph.services) {
    if (wanted?.has(service) === false) continue;
    (levels[levelOf(service)] ??= []).push(service);
  }
  return levels.filter((services) => services.length > 0);
}

/** Everything `names` need, directly or not, without `names` themselves unless one needs another. Sorted. */
export function dependenciesOf(graph: ServiceGraph, names: Iterable<string>): string[] {
  return reach(names, (service) => graph.needs(service).map(({ to }) => to));
}

/** Everything that needs one of `names`, directly or not. Sorted. */
export function dependentsOf(graph: ServiceGraph, names: Iterable<string>): string[] {
  return reach(names, (service) => graph.neededBy(service).map(({ from }) => from));
}

function reach(names: Iterable<string>, next: (service: string) => readonly string[]): string[] {
  const found = new Set<string>();
  const queue = [...names];
  for (let service = queue.pop(); service !== undefined; service = queue.pop()) {
    for (const other of next(service)) {
      if (found.has(other)) continue;
      found.add(other);
      queue.push(other);
    }
  }
  return [...found].sort();
}
