import type { Project, Service } from '../compose/index.js';
import type { ObservedContainer } from './observed-state.js';

export function containerName(project: string, service: string, number: number, definition: Service): string {
  return definition.container_name ?? `${project}-${service}-${number}`;
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
export function imageOf(project: string, service: string, definition: Service): string {
  return definition.image ?? `${project}-${service}`;
}

/** `web-1` for `demo-web-1`; a name of the user's own stays whole. */
export function displayName(project: string, name: string): string {
  return name.startsWith(`${project}-`) ? name.slice(project.length + 1) : name;
}

export function isOrphan(project: Project, container: ObservedContainer): boolean {
  const known = project.model.services[container.service] ?? project.disabledServices[container.service];
  if (known === undefined) return true;
  return container.oneOff && (container.status === 'exited' || container.status === 'dead');
}
