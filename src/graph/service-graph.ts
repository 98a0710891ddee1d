import { alg, Graph } from '@dagrejs/graphlib';
import { TscomposeError } from '../base/errors.js';
import type { Project } from '../compose/index.js';
import { edgesOf, type DependencyEdge } from './edges.js';

declare module '../base/errors.js' {
  interface ErrorFacts {
    /** First and last service of `path` are the same. */
    'graph/cycle': { readonly path: readonly string[] };
  }
}

/** Which service needs which. Without cycles; immutable. */
export interface ServiceGraph {
  /** Sorted. */
  readonly services: readonly string[];
  readonly edges: readonly DependencyEdge[];
  /** What a service needs itself, sorted by needed service. */
  needs(service: string): readonly DependencyEdge[];
  /** What needs this service itself, sorted by needing service. */
  neededBy(service: string): readonly DependencyEdge[];
}

/**
 * The graph over `depends_on`, `links`, `volumes_from` and `network_mode`, `pid`, `ipc`, `uts` with `service:`.
 * @throws `graph/cycle` at the edge that closes the cycle
 */
export function buildGraph(project: Project): ServiceGraph {
  const services = Object.keys(project.model.services).sort();
  const edges = services.flatMap((name) => edgesOf(project, name, project.model.services[name] ?? {}));
  const graph = new Graph({ directed: true });
  for (const name of services) graph.setNode(name);
  for (const { from, to } of edges) graph.setEdge(from, to);
  const between = new Map(edges.map((edge) => [JSON.stringify([edge.from, edge.to]), edge]));
  const labelled = (keys: ReturnType<typeof graph.outEdges>) =>
    (keys ?? [])
      .flatMap(({ v, w }) => between.get(JSON.stringify([v, w])) ?? [])
      .sort((a, b) => compare(a.from, b.from) || compare(a.to, b.to));
  const found = {
    services,
    edges,
    needs: (service: string) => labelled(graph.outEdges(service)),
    neededBy: (service: string) => labelled(graph.inEdges(service)),
  };
  if (!alg.isAcyclic(graph)) throw cycleError(found);
  return found;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function cycleError(graph: ServiceGraph): Error {
  const cycle = findCycle(graph);
  const closing = cycle.at(-1);
  if (closing === undefined) return new Error('bug: a cyclic graph without a cycle');
  const path = [...cycle.map(({ from }) => from), closing.to];
  return new TscomposeError({
    code: 'graph/cycle',
    message: `services depend on each other in a circle: ${path.join(' → ')}`,
    facts: { path },
    hint: `drop one of them, for instance ${closing.via.join(' and ')} of service "${closing.from}"`,
    at: closing.at,
  });
}

/** Edges of the first cycle met by a depth-first walk in alphabetical order, so the report is the same every time. */
function findCycle(graph: ServiceGraph): DependencyEdge[] {
  const done = new Set<string>();
  const trail: DependencyEdge[] = [];
  const visit = (service: string): DependencyEdge[] | undefined => {
    for (const edge of graph.needs(service)) {
      const start = trail.findIndex(({ from }) => from === edge.to);
      if (edge.to === service) return [edge];
      if (start >= 0) return [...trail.slice(start), edge];
      if (done.has(edge.to)) continue;
      trail.push(edge);
      const found = visit(edge.to);
      if (found !== undefined) return found;
      trail.pop();
    }
    done.add(service);
    return undefined;
  };
  for (const service of graph.services) {
    const found = done.has(service) ? undefined : visit(service);
    if (found !== undefined) return found;
  }
  return [];
}
