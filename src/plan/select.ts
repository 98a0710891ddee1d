import type { Project } from '../compose/index.js';
import { TscomposeError } from '../base/errors.js';
import { dependenciesOf, startOrder, type ServiceGraph } from '../graph/index.js';

declare module '../base/errors.js' {
  interface ErrorFacts {
    'plan/no-such-service': { readonly service: string };
  }
}

/** Services a command works on. */
export interface Selection {
  /** Named, or all when none was. */
  readonly targets: ReadonlySet<string>;
  /** Targets and, unless left out, what they need; in start order. */
  readonly services: readonly string[];
}

/** @throws `plan/no-such-service` */
export function selectForStart(
  project: Project,
  graph: ServiceGraph,
  { services, noDeps = false }: { readonly services?: readonly string[]; readonly noDeps?: boolean },
): Selection {
  const targets = new Set(services === undefined || services.length === 0 ? graph.services : services);
  for (const service of targets) {
    if (project.model.services[service] === undefined) {
      throw new TscomposeError({
        code: 'plan/no-such-service',
        message: `no such service: ${service}`,
        facts: { service },
        hint: `the project has ${graph.services.join(', ')}`,
      });
    }
  }
  const all = noDeps ? targets : [...targets, ...dependenciesOf(graph, targets)];
  return { targets, services: startOrder(graph, all).flat() };
}
