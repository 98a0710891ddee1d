import { composeLabels } from '../api/labels.js';
import type { Project } from '../compose/index.js';
import { buildGraph, dependentsOf } from '../graph/index.js';
import { imageOf, isOrphan } from './names.js';
import { networksOf } from './networks.js';
import type { ObservedContainer, ObservedState } from './observed-state.js';
import type { Plan } from './operation.js';
import { PlanBuilder } from './plan-builder.js';
import { projectFromLabels } from './project-from-labels.js';
import { stopProviders } from './providers.js';
import { stopContainer } from './stop-container.js';
import { inStopOrder } from './stop-order.js';
import { isUp } from './up-state.js';
import { volumesOf } from './volumes.js';

export interface DownOptions {
  /** Only these and what nothing else uses of theirs, without files also what needs them; absent: all. */
  readonly services?: readonly string[];
  /** Named volumes of the project, and anonymous ones, too. */
  readonly volumes?: boolean;
  /** `local`: images that only a build named. */
  readonly rmi?: 'none' | 'local' | 'all';
  readonly removeOrphans?: boolean;
  readonly timeoutS?: number;
}

/**
 * Stops and removes containers of services that the profiles leave in, dependents first, then networks, and volumes and
 * images when asked. What `run` made goes with the orphans. Never touches what is external. What is still in use is a
 * warning of the run.
 * @param project - undefined: the project is known by name only
 */
export function planDown(
  observed: ObservedState,
  project: Project | undefined,
  options: DownOptions & { readonly projectName: string },
): Plan {
  const model = project ?? projectFromLabels(options.projectName, observed.containers);
  const graph = buildGraph(model);
  const builder = new PlanBuilder(model.name);
  const named = options.services === undefined ? undefined : new Set(options.services);
  const alone = named === undefined || project !== undefined;
  const chosen = alone ? named : new Set([...named, ...dependentsOf(graph, named)]);
  const containers = observed.containers.filter((container) => isChosen(model, container, chosen, options));
  const removed: number[] = [];
  const providers = stopProviders(builder, model, observed, 'down', chosen);
  inStopOrder(
    graph,
    containers,
    (container, after) => {
      const ref = { id: container.id, name: container.name, service: container.service };
      const up = isUp(container);
      const stopped = up
        ? [stopContainer(builder, model, container, { cause: 'down', timeoutS: options.timeoutS }, after)]
        : [...after];
      const facts = { container: ref, force: true, volumes: options.volumes === true };
      removed.push(builder.add('container.remove', 'down', facts, stopped));
      return up ? stopped[0] : undefined;
    },
    providers,
  );
  removed.push(...providers.steps);
  for (const { id, name, service } of observed.hooks ?? []) {
    if (chosen?.has(service) === false) continue;
    const facts = { container: { id, name, service }, force: true, volumes: true };
    removed.push(builder.add('container.remove', 'a hook that failed', facts));
  }
  warnOrphans(builder, model, observed, options, containers);
  const services = project === undefined || chosen === undefined ? undefined : [...chosen];
  removeNetworks(builder, project, services, model.name, observed, removed);
  if (options.volumes === true) removeVolumes(builder, project, services, model.name, observed, removed);
  removeImages(builder, model, { services, exact: project !== undefined }, observed, options.rmi ?? 'none', removed);
  return builder.build();
}

function isChosen(
  project: Project,
  container: ObservedContainer,
  chosen: ReadonlySet<string> | undefined,
  { removeOrphans = false }: DownOptions,
): boolean {
  const { service, status, oneOff } = container;
  if (status === 'removing' || (oneOff && !removeOrphans)) return false;
  if (chosen !== undefined) return chosen.has(service);
  if (project.model.services[service] !== undefined) return true;
  return removeOrphans && project.disabledServices[service] === undefined;
}

function warnOrphans(
  builder: PlanBuilder,
  project: Project,
  observed: ObservedState,
  { services, removeOrphans = false }: DownOptions,
  taken: readonly ObservedContainer[],
): void {
  if (removeOrphans || services !== undefined) return;
  const left = observed.containers.filter((container) => !taken.includes(container));
  const isOfRun = ({ service, oneOff }: ObservedContainer): boolean =>
    oneOff && project.disabledServices[service] === undefined;
  const kinds = [
    {
      what: 'of services that its files do not have',
      is: (container: ObservedContainer) => isOrphan(project, container) && !container.oneOff,
    },
    { what: 'that run made', is: isOfRun },
  ];
  for (const { what, is } of kinds) {
    const names = left.filter(is).map(({ name }) => name);
    if (names.length === 0) continue;
    builder.warn(
      `Project ${project.name}`,
      `keeps containers ${what}: ${names.sort().join(', ')}; --remove-orphans removes them`,
    );
  }
}

function removeNetworks(
  builder: PlanBuilder,
  project: Project | undefined,
  services: readonly string[] | undefined,
  name: string,
  observed: ObservedState,
  after: readonly number[],
): void {
  const networks = project?.model.networks ?? {};
  const keys = project === undefined || services === undefined ? Object.keys(networks) : networksOf(project, services);
  const declared = keys.flatMap((key) => networks[key] ?? []);
  for (const { id, name: network, labels } of observed.networks) {
    if (labels[composeLabels.project] !== name || labels[composeLabels.network] === undefined) continue;
    const definition = declared.find((candidate) => candidate.name === network);
    if (definition?.external === true || (project !== undefined && definition === undefined)) continue;
    builder.add('network.remove', 'down', { network, id, whenUnused: true }, after);
  }
}

function removeVolumes(
  builder: PlanBuilder,
  project: Project | undefined,
  services: readonly string[] | undefined,
  name: string,
  observed: ObservedState,
  after: readonly number[],
): void {
  const volumes = project?.model.volumes ?? {};
  const keys = project === undefined || services === undefined ? Object.keys(volumes) : volumesOf(project, services);
  const declared = keys.flatMap((key) => volumes[key] ?? []);
  for (const { name: volume, labels } of observed.volumes) {
    const definition = declared.find((candidate) => candidate.name === volume);
    if (definition?.external === true || (project !== undefined && definition === undefined)) continue;
    if (
      project === undefined &&
      (labels[composeLabels.project] !== name || labels[composeLabels.volume] === undefined)
    ) {
      continue;
    }
    builder.add('volume.remove', 'asked to remove volumes', { volume, whenUnused: true }, after);
  }
}

function removeImages(
  builder: PlanBuilder,
  project: Project,
  { services, exact }: { readonly services: readonly string[] | undefined; readonly exact: boolean },
  observed: ObservedState,
  which: 'none' | 'local' | 'all',
  after: readonly number[],
): void {
  if (which === 'none') return;
  const images = Object.entries(project.model.services).flatMap(([service, definition]) => {
    if (services?.includes(service) === false) return [];
    const image = imageOf(project, service, definition);
    const local = exact
      ? definition.image === undefined
      : [`${project.name}-${service}`, `${project.name}_${service}`].includes(image);
    return which === 'all' || local ? [image] : [];
  });
  for (const image of [...new Set(images)].sort()) {
    if (observed.images[image] === undefined) continue;
    builder.add('image.remove', `asked to remove ${which} images`, { image, whenUnused: true }, after);
  }
}
