import { TscomposeError } from '../base/errors.js';
import type { Project, ServiceHook } from '../compose/index.js';
import { buildGraph, dependentsOf, replicasOf, startOrder } from '../graph/index.js';
import { hookCommand, runHooks } from './hooks.js';
import type { ObservedContainer, ObservedState } from './observed-state.js';
import type { Plan } from './operation.js';
import { PlanBuilder } from './plan-builder.js';
import { projectFromLabels } from './project-from-labels.js';
import { stopProviders } from './providers.js';
import { selectForStart } from './select.js';
import { startContainers } from './start-containers.js';
import { stopContainer } from './stop-container.js';
import { inStopOrder } from './stop-order.js';
import { asItIs, isUp, restartsAlong, UpState } from './up-state.js';

declare module '../base/errors.js' {
  interface ErrorFacts {
    'plan/no-container': { readonly service: string };
    'plan/no-containers': { readonly project: string };
  }
}

/** The project by name, and by its files where there are any. */
export interface Target {
  readonly projectName: string;
  /** Absent or empty: all services. */
  readonly services?: readonly string[];
}

/**
 * Starts existing containers in dependency order, with what the named services need.
 * @throws `plan/no-container` for a wanted service without containers; `plan/no-containers` for a project that is known
 * by name only, and of which nothing is there
 */
export function planStart(
  observed: ObservedState,
  project: Project | undefined,
  options: Target & { readonly wait?: boolean },
): Plan {
  if (project === undefined && observed.containers.every(({ oneOff }) => oneOff)) {
    throw new TscomposeError({
      code: 'plan/no-containers',
      message: `no container found for project "${options.projectName}": not found`,
      facts: { project: options.projectName },
      hint: 'tscompose ls -a lists the projects that have some',
    });
  }
  const model = project ?? projectFromLabels(options.projectName, observed.containers);
  const graph = buildGraph(model);
  const selection = selectForStart(model, graph, options);
  const builder = new PlanBuilder(model.name);
  for (const service of selection.services) {
    const wanted = replicasOf(model, service);
    if (wanted === 0 || observed.containers.some((container) => container.service === service && !container.oneOff))
      continue;
    throw new TscomposeError({
      code: 'plan/no-container',
      message: `service "${service}" has no container to start`,
      facts: { service },
      hint: 'create it with: up --no-start',
    });
  }
  const state = new UpState({
    builder,
    project: model,
    graph,
    observed,
    options: options.wait === true ? { wait: true } : {},
    selection,
    ...asItIs,
  });
  startContainers(state);
  return builder.build();
}

/** Stops running containers, dependents first, and what providers know how to stop. One-offs stay. */
export function planStop(
  observed: ObservedState,
  project: Project | undefined,
  options: Target & { readonly timeoutS?: number },
): Plan {
  const model = project ?? projectFromLabels(options.projectName, observed.containers);
  const builder = new PlanBuilder(model.name);
  const containers = chosen(observed, project, options).filter(isUp);
  const { services = [] } = options;
  inStopOrder(
    buildGraph(model),
    containers,
    (container, after) =>
      stopContainer(builder, model, container, { cause: 'stop', timeoutS: options.timeoutS }, after),
    stopProviders(builder, model, observed, 'stop', services.length === 0 ? undefined : new Set(services)),
  );
  return builder.build();
}

/** Restarts containers in dependency order, and dependents that ask for it. */
export function planRestart(
  observed: ObservedState,
  project: Project | undefined,
  options: Target & { readonly timeoutS?: number; readonly noDeps?: boolean },
): Plan {
  const model = project ?? projectFromLabels(options.projectName, observed.containers);
  const graph = buildGraph(model);
  const builder = new PlanBuilder(model.name);
  const containers = chosen(observed, project, options);
  const named = new Set(containers.map(({ service }) => service));
  const along = new Set<ObservedContainer>();
  if (options.noDeps !== true) {
    const moved = new Set(named);
    for (const service of dependentsOf(graph, named)) {
      if (named.has(service)) continue;
      const edges = graph.needs(service).filter(({ to }) => moved.has(to));
      const own = observed.containers.filter((other) => other.service === service && !other.oneOff && isUp(other));
      const asking = own.filter((container) => edges.some((edge) => restartsAlong(edge, container)));
      for (const container of asking) along.add(container);
      if (asking.length > 0 || (own.length === 0 && edges.some(({ restart }) => restart))) moved.add(service);
    }
  }
  const all = [...containers, ...observed.containers.filter((other) => along.has(other))];
  const steps = new Map<string, number[]>();
  const services = startOrder(graph, new Set(all.map(({ service }) => service))).flat();
  const unknown = all.map(({ service }) => service).filter((service) => !graph.services.includes(service));
  for (const service of [...services, ...new Set(unknown)]) {
    const before = services.includes(service) ? graph.needs(service).flatMap(({ to }) => steps.get(to) ?? []) : [];
    const cause = named.has(service) ? 'restart' : 'what it needs is restarted';
    const own = all.filter((container) => container.service === service);
    const facts = ({ id, name }: ObservedContainer) => ({
      container: { id, name, service },
      timeoutS: options.timeoutS,
    });
    steps.set(
      service,
      own.flatMap((container) => {
        const definition = model.model.services[service];
        const ref = { id: container.id, name: container.name, service };
        const stopping = container.status === 'running' ? definition : undefined;
        const ready = runHooks(builder, stopping, 'pre_stop', ref, before);
        const restarted = builder.add('container.restart', cause, facts(container), ready);
        return [...runHooks(builder, definition, 'post_start', ref, [restarted])];
      }),
    );
  }
  return builder.build();
}

/** Runs the commands of watch rules in the running containers of services, in their order. */
export function planHooks(
  observed: ObservedState,
  project: Project | undefined,
  options: Target,
  hooks: readonly ServiceHook[],
): Plan {
  const builder = new PlanBuilder(options.projectName);
  for (const { id, name, service, status } of chosen(observed, project, options)) {
    if (status !== 'running') continue;
    let before: readonly number[] = [];
    for (const hook of hooks) {
      const facts = { container: { id, name, service }, hook: hookCommand(hook), name: 'sync+exec' };
      before = [builder.add('container.exec', 'files have changed', facts, before)];
    }
  }
  return builder.build();
}

/** Signals running containers, those that `run` made as well, all at once. */
export function planKill(
  observed: ObservedState,
  project: Project | undefined,
  options: Target & { readonly signal?: string; readonly removeOrphans?: boolean },
): Plan {
  const builder = new PlanBuilder(options.projectName);
  const meant = options.removeOrphans === true ? () => true : isMeant(project, options);
  for (const container of named(observed, options).filter(meant).filter(isUp)) {
    const { id, name, service } = container;
    builder.add('container.kill', 'kill', { container: { id, name, service }, signal: options.signal ?? 'SIGKILL' });
  }
  return builder.build();
}

/** Removes stopped containers; with `stop`, running ones as well. One-offs stay. */
export function planRemove(
  observed: ObservedState,
  project: Project | undefined,
  options: Target & { readonly stop?: boolean; readonly volumes?: boolean; readonly timeoutS?: number },
): Plan {
  const model = project ?? projectFromLabels(options.projectName, observed.containers);
  const builder = new PlanBuilder(model.name);
  const containers = chosen(observed, project, options).filter(
    (container) => options.stop === true || !isUp(container),
  );
  inStopOrder(buildGraph(model), containers, (container, after) => {
    const ref = { id: container.id, name: container.name, service: container.service };
    const stopped = isUp(container)
      ? [stopContainer(builder, model, container, { cause: 'remove', timeoutS: options.timeoutS }, after)]
      : [...after];
    const facts = { container: ref, force: true, volumes: options.volumes === true };
    builder.add('container.remove', 'remove', facts, stopped);
    return stopped[0];
  });
  return builder.build();
}

export function planPause(observed: ObservedState, project: Project | undefined, options: Target): Plan {
  const builder = new PlanBuilder(options.projectName);
  for (const { id, name, service, status } of chosen(observed, project, options)) {
    if (status === 'running') builder.add('container.pause', 'pause', { container: { id, name, service } });
  }
  return builder.build();
}

export function planUnpause(observed: ObservedState, project: Project | undefined, options: Target): Plan {
  const builder = new PlanBuilder(options.projectName);
  for (const { id, name, service, status } of chosen(observed, project, options)) {
    if (status === 'paused') builder.add('container.unpause', 'unpause', { container: { id, name, service } });
  }
  return builder.build();
}

/** Of the named services or, where none is, of all that the profiles leave in; without what `run` made. */
function chosen(observed: ObservedState, project: Project | undefined, target: Target): ObservedContainer[] {
  return named(observed, target)
    .filter(({ oneOff }) => !oneOff)
    .filter(isMeant(project, target));
}

/** Whether its service is named or, where none is, left in by the profiles. */
function isMeant(
  project: Project | undefined,
  { services = [] }: Target,
): (container: Pick<ObservedContainer, 'service'>) => boolean {
  return ({ service }) => services.length > 0 || project === undefined || project.model.services[service] !== undefined;
}

/** Of the named services or of all, with what `run` made. */
function named(observed: ObservedState, { services = [] }: Target): ObservedContainer[] {
  return observed.containers.filter(
    ({ service, status }) => status !== 'removing' && (services.length === 0 || services.includes(service)),
  );
}
