import type { Project } from '../compose/index.js';

/** Containers wanted of a service: the command line's `--scale`, else `scale`, else `deploy.replicas`, else one; none where a provider is the service. */
export function replicasOf(project: Project, service: string, scale: Readonly<Record<string, number>> = {}): number {
  const definition = project.model.services[service];
  if (definition?.provider !== undefined) return 0;
  return scale[service] ?? definition?.scale ?? definition?.deploy?.replicas ?? 1;
}
