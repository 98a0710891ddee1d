import { relative } from 'node:path';
import type { Project, Service } from '../compose/index.js';
import { buildGraph, replicasOf } from '../graph/index.js';
import type { Diagram, DiagramMount, DiagramService } from './diagram.js';

/**
 * What there is to draw of the services the project has enabled.
 * @throws `graph/cycle`
 */
export function describeDiagram(project: Project): Diagram {
  const { model } = project;
  const { services: names, edges } = buildGraph(project);
  const services = names.flatMap((name) => {
    const service = model.services[name];
    return service === undefined ? [] : [describeService(project, name, service)];
  });
  const volumes = Object.entries(model.volumes ?? {}).sort(byKey);
  const networks = Object.entries(model.networks ?? {}).sort(byKey);
  return {
    name: project.name,
    services,
    dependencies: edges.map(({ from, to, condition, required, restart, via }) => ({
      from,
      to,
      condition,
      required,
      restart,
      via,
    })),
    networks: networks.map(([key, { name, external, internal, driver }]) => ({
      key,
      name,
      external: external === true,
      internal: internal === true,
      ...(driver === undefined ? {} : { driver }),
    })),
    volumes: volumes.map(([key, { name, external, driver }]) => ({
      key,
      name,
      external: external === true,
      ...(driver === undefined ? {} : { driver }),
    })),
    mounts: names.flatMap((name) => mountsOf(name, model.services[name] ?? {})),
  };
}

function describeService(project: Project, name: string, service: Service): DiagramService {
  const { image, build, profiles = [], ports = [], networks = {}, network_mode: mode } = service;
  return {
    name,
    ...(image === undefined ? {} : { image }),
    ...(build === undefined ? {} : { build: contextText(build.context, project.workingDir) }),
    replicas: replicasOf(project, name),
    profiles,
    ports,
    networks: Object.keys(networks).sort(),
    ...(mode === undefined ? {} : { network_mode: mode }),
  };
}

/** As it would be written in the file: `.`, `./web`, `../shared`, a URL. */
function contextText(context: string | undefined, directory: string): string {
  if (context === undefined) return '.';
  if (!context.startsWith('/')) return context;
  const path = relative(directory, context);
  return path === '' ? '.' : path.startsWith('.') ? path : `./${path}`;
}

function mountsOf(name: string, service: Service): DiagramMount[] {
  return (service.volumes ?? []).flatMap(({ type, source, target, read_only: readOnly }) =>
    type !== 'volume' || source === undefined
      ? []
      : [{ service: name, volume: source, target, read_only: readOnly === true }],
  );
}

function byKey([left]: readonly [string, unknown], [right]: readonly [string, unknown]): number {
  return left < right ? -1 : left > right ? 1 : 0;
}
