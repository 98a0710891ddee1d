import { TscomposeError } from '../base/errors.js';
import type { Build, Project, Service } from '../compose/index.js';
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
  /** Services whose images it needs as contexts; they come before it. */
  readonly after: readonly string[];
}

/**
 * What the builds of `services` need besides, each after those whose image it names as a context.
 * @throws `plan/build-cycle`
 */
export function inBuildOrder(project: Project, services: readonly string[]): OrderedBuild[] {
  const ordered = new Map<string, OrderedBuild>();
  const visit = (service: string, above: readonly string[]): void => {
    if (ordered.has(service)) return;
    if (above.includes(service)) throw cycle(project, [...above.slice(above.indexOf(service)), service]);
    const definition = project.model.services[service];
    if (definition?.build === undefined) return;
    const after = contextServices(definition.build);
    for (const needed of after) visit(needed, [...above, service]);
    ordered.set(service, { service, definition, build: definition.build, after });
  };
  for (const service of services) visit(service, []);
  return [...ordered.values()];
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
