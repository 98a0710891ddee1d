import type { SourceLocation } from '../../src/base/source-location.js';
import type { NodePath, Project, ProjectModel, Service } from '../../src/compose/index.js';

export interface ProjectParts extends Partial<Omit<ProjectModel, 'services'>> {
  readonly services: Readonly<Record<string, Service>>;
  /** Lines of `compose.yaml` by path, joined with dots: `services.web.ports.0`. */
  readonly lines?: Readonly<Record<string, number>>;
  readonly disabledServices?: Readonly<Record<string, Service>>;
  readonly environment?: Readonly<Record<string, string>>;
}

/** A loaded project named `demo`, made by hand; services without networks join `default`. */
export function project(parts: ProjectParts): Project {
  const { services, lines = {}, disabledServices = {}, environment = {}, name = 'demo', ...rest } = parts;
  const onDefault = Object.values(services).some(usesDefault);
  const networks = { ...(onDefault ? { default: { name: `${name}_default` } } : {}), ...rest.networks };
  return {
    name,
    workingDir: '/srv/demo',
    remotes: [],
    composeFiles: ['/srv/demo/compose.yaml'],
    envFiles: [],
    model: {
      ...rest,
      name,
      services: Object.fromEntries(
        Object.entries(services).map(([key, service]) => [
          key,
          usesDefault(service) ? { ...service, networks: { default: null } } : service,
        ]),
      ),
      networks,
    },
    unusedResources: {},
    disabledServices,
    profiles: [],
    environment,
    locate: (path) => locationOf(path, lines),
  };
}

function usesDefault(service: Service): boolean {
  return service.networks === undefined && service.network_mode === undefined;
}

function locationOf(path: NodePath, lines: Readonly<Record<string, number>>): SourceLocation | undefined {
  for (let length = path.length; length > 0; length--) {
    const line = lines[path.slice(0, length).join('.')];
    if (line !== undefined) return { file: '/srv/demo/compose.yaml', line, column: 5 };
  }
  return undefined;
}
