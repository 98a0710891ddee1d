import type { Project, Service } from '../compose/index.js';
import type { ObservedContainer } from './observed-state.js';

/** A project as names need it. */
type Named = Pick<Project, 'name' | 'separator'>;

/** `-`, or `_` for those who want the names of docker-compose v1. */
export function separatorOf({ separator = '-' }: Named): string {
  return separator;
}

export function containerName(project: Named, service: string, number: number, definition: Service): string {
  return definition.container_name ?? [project.name, service, number].join(separatorOf(project));
}

/** While the container to be replaced still has the final name. */
export function temporaryName(replacedId: string, finalName: string): string {
  return `${replacedId.slice(0, 12)}_${finalName}`;
}

/** Whether a container still has the name of a replacement: its replacing was cut short. */
export function isTemporaryName(name: string): boolean {
  return /^[0-9a-f]{12}_/.test(name);
}

/** Reference of a service's image: its own, or the name a build gives it. */
export function imageOf(project: Named, service: string, definition: Service): string {
  return definition.image ?? [project.name, service].join(separatorOf(project));
}

/** `web-1` for `demo-web-1`. A name of the user's own stays whole, also one that begins with the project's. */
export function logName(project: string, service: string, name: string): string {
  const own = displayName(project, name);
  const number = own.startsWith(service) ? own.slice(service.length) : '';
  return /^[-_]\d+$/.test(number) ? own : name;
}

/** `web-1` for `demo-web-1`, and likewise for whatever begins with the project's name. */
export function displayName(project: string, name: string): string {
  return name.startsWith(`${project}-`) || name.startsWith(`${project}_`) ? name.slice(project.length + 1) : name;
}

export function isOrphan(project: Project, container: ObservedContainer): boolean {
  const known = project.model.services[container.service] ?? project.disabledServices[container.service];
  if (known === undefined) return true;
  return container.oneOff && (container.status === 'exited' || container.status === 'dead');
}
