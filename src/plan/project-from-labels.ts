import { composeLabels } from '../api/labels.js';
import type { Dependency, DependencyCondition, Project, Service } from '../compose/index.js';
import type { ObservedContainer } from './observed-state.js';

/** As much of a project as its containers' labels tell, for commands that run without its files. */
export function projectFromLabels(name: string, containers: readonly ObservedContainer[]): Project {
  const services: Record<string, Service> = {};
  for (const { service, image, labels, oneOff } of containers) {
    if (service === '' || (oneOff && services[service] !== undefined)) continue;
    services[service] = { image, depends_on: parseDependencies(labels[composeLabels.dependencies] ?? '') };
  }
  const labels = containers[0]?.labels ?? {};
  return {
    name,
    workingDir: labels[composeLabels.workingDir] ?? '/',
    remotes: [],
    composeFiles: (labels[composeLabels.configFiles] ?? '').split(',').filter((file) => file !== ''),
    envFiles: [],
    model: { name, services },
    unusedResources: {},
    disabledServices: {},
    profiles: [],
    environment: {},
    locate: () => undefined,
  };
}

/** `db:service_healthy:true,cache`; what an old version left out is `service_started`, with restart. */
function parseDependencies(text: string): Record<string, Dependency> {
  const parts = text.split(',').filter((part) => part !== '');
  return Object.fromEntries(
    parts.map((part): [string, Dependency] => {
      const [service = '', condition = '', restart = 'true'] = part.split(':');
      const known = conditions.find((word) => word === condition) ?? 'service_started';
      return [service, { condition: known, required: true, restart: restart === 'true' }];
    }),
  );
}

const conditions: readonly DependencyCondition[] = [
  'service_started',
  'service_healthy',
  'service_completed_successfully',
];
