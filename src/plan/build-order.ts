import { TscomposeError } from '../base/errors.js';
import type { Build, Project, Service } from '../compose/index.js';
import { dependenciesOf, type ServiceGraph } from '../graph/index.js';
import { contextServices } from './build-request.js';

declare module '../base/errors.js' {
  interface ErrorFacts {
    /** Builds that wait for each other's images. */
    'plan/build-cycle': { readonly services: readonly string[] };
  }
}

export interface OrderedBuild {
  readonly service: string;
  readonly definition: Service;
  readonly build: Build;
}

/**
 * The builds of `services` and what they need besides, each after those whose image it names as a context.
 * @throws `plan/build-cycle`
 */
export function inBuildOrder(project: Project, services: readonly string[]): OrderedBuild[] {
  const ordered = new Map<string, OrderedBuild>();
  const visit = (service: string, above: readonly string[]): void => {
    if (ordered.has(service)) return;
    if (above.includes(service)) throw cycle(project, [...above.slice(above.indexOf(service)), service]);
    const definition = project.model.services[service];
    if (definition?.build === undefined) return;
    for (const needed of contextServices(definition.build)) visit(needed, [...above, service]);
    ordered.set(service, { service, definition, build: definition.build });
  };
  for (const service of services) visit(service, []);
  return [...ordered.values()];
}

/**
 * Steps that a build waits for: those of images it names as contexts, and of services it depends on. Its Dockerfile may
 * start from the image of one of them, which nothing else tells.
 * @param builds - steps planned so far, by service
 */
export function buildsBefore(
  graph: ServiceGraph,
  service: string,
  build: Build,
  builds: ReadonlyMap<string, number>,
): number[] {
  const needed = [...contextServices(build), ...dependenciesOf(graph, [service])];
  return [...new Set(needed.flatMap((name) => (name === service ? [] : (builds.get(name) ?? []))))];
}

function cycle(project: Project, services: readonly string[]): TscomposeError<'plan/build-cycle'> {
  const [first = ''] = services;
  return new TscomposeError({
    code: 'plan/build-cycle',
    message: `builds wait for each other's images: ${services.join(' -> ')}`,
    facts: { services },
    at: project.locate(['services', first, 'build', 'additional_contexts']),
  });
}
