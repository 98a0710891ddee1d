import { startOrder, type DependencyEdge } from '../graph/index.js';
import { runHooks, runPreStart } from './hooks.js';
import type { ObservedContainer } from './observed-state.js';
import type { ContainerRef, WaitFor } from './operation.js';
import { isUp, type FinalContainer, type UpState } from './up-state.js';

/**
 * Starts what does not run, in dependency order, each service after what it waits for. Containers that the plan only
 * stopped come back too, also those of services that were not asked for.
 */
export function startContainers(state: UpState): void {
  const { graph, selection, builder, options, observed } = state.facts;
  const revived = observed.containers.filter((container) => isRevived(state, container));
  const services = new Set([...selection.services, ...revived.map(({ service }) => service)]);
  const known = startOrder(graph, services).flat();
  const pending = new Map(known.map((service) => [service, toStart(state, service)]));
  const started = new Map<string, number[]>();
  const gates = new Map<string, number[]>();
  for (const service of known) {
    const containers = pending.get(service) ?? [];
    const gate = containers.length === 0 ? [] : dependencyGate(state, service, { pending, started, gates });
    const prepared = containers.length === 0 ? gate : preStart(state, service, containers, gate);
    started.set(
      service,
      containers.flatMap((final) => [...start(state, service, final, prepared)]),
    );
    for (const { existing, ref } of state.finalsOf(service)) {
      if (existing === undefined || containers.some((final) => final.ref === ref)) continue;
      if (state.stopSteps.has(existing.id)) continue;
      builder.keep({ name: existing.name, service, running: existing.status === 'running' });
    }
  }
  for (const container of revived) {
    const { id, service } = container;
    if (state.finalsOf(service).some(({ existing }) => existing?.id === id) && known.includes(service)) continue;
    const gate = known.includes(service) ? dependencyGate(state, service, { pending, started, gates }) : [];
    const stopped = state.stopSteps.get(id) ?? [];
    const after = [stopped, state.connectSteps.get(id) ?? [], gate].flat();
    builder.add('container.start', 'was stopped for the change', { container: refOf(container) }, after);
  }
  if (options.wait !== undefined && options.wait !== false) finalWaits(state, started, gates);
}

interface Progress {
  readonly pending: ReadonlyMap<string, readonly FinalContainer[]>;
  /** Start steps by service. */
  readonly started: ReadonlyMap<string, readonly number[]>;
  /** Steps to wait for by needed service and condition. */
  readonly gates: Map<string, number[]>;
}

function toStart(state: UpState, service: string): FinalContainer[] {
  const { selection } = state.facts;
  return state.finalsOf(service).filter(({ existing }) => {
    if (existing === undefined || isRevived(state, existing)) return true;
    return selection.services.includes(service) && existing.status !== 'running' && existing.status !== 'restarting';
  });
}

/** Stopped for the change, by this plan or an earlier one of this run, and kept. */
function isRevived(state: UpState, container: ObservedContainer): boolean {
  const { id } = container;
  if (state.removeSteps.has(id)) return false;
  return state.stopSteps.has(id) || (state.facts.options.revive?.includes(id) === true && !isUp(container));
}

/** Hooks of the service before its first replica runs; containers of `run` have none. */
function preStart(
  state: UpState,
  service: string,
  containers: readonly FinalContainer[],
  gate: readonly number[],
): readonly number[] {
  const { builder, project, images } = state.facts;
  const definition = state.definition(service);
  const [replica] = state.finalsOf(service);
  const running = state.finalsOf(service).length > containers.length;
  if (replica === undefined || running || state.oneOffOf(service) !== undefined) return gate;
  const hooks = { project, service, definition, replica: replica.ref, imageSteps: images.hookSteps };
  return runPreStart(builder, hooks, [...gate, ...containers.flatMap(({ ready }) => ready)]);
}

/** @returns the step after which it is started, hooks included */
function start(state: UpState, service: string, final: FinalContainer, gate: readonly number[]): readonly number[] {
  const { ref } = final;
  const hooked = state.oneOffOf(service) === undefined && final.existing?.status !== 'paused';
  const step = startStep(state, service, final, gate);
  return hooked ? runHooks(state.facts.builder, state.definition(service), 'post_start', ref, [step]) : [step];
}

function startStep(state: UpState, service: string, final: FinalContainer, gate: readonly number[]): number {
  const { builder } = state.facts;
  const { existing, ref, ready } = final;
  const after = [...ready, ...gate, ...portsFreed(state, service, existing), ...state.orphanSteps];
  if (existing === undefined) {
    const attached = state.oneOffOf(service)?.attached === true ? { attached: true } : {};
    return builder.add('container.start', 'is new', { container: ref, ...attached }, after);
  }
  const stopped = state.stopSteps.get(existing.id);
  if (stopped !== undefined) {
    return builder.add('container.start', 'was stopped for the change', { container: ref }, [...after, stopped]);
  }
  if (existing.status === 'paused') return builder.add('container.unpause', 'is paused', { container: ref }, after);
  return builder.add('container.start', `is ${existing.status}`, { container: ref }, after);
}

/** Stops of containers that hold a host port which this service wants. */
function portsFreed(state: UpState, service: string, self: ObservedContainer | undefined): number[] {
  const wanted = (state.definition(service).ports ?? []).flatMap(({ published = '', protocol = 'tcp' }) => {
    const [first = '', last = first] = published.split('-');
    return first === '' ? [] : [{ first: Number(first), last: Number(last), protocol }];
  });
  if (wanted.length === 0) return [];
  return state.facts.observed.containers.flatMap(({ id, hostPorts }) => {
    if (id === self?.id) return [];
    const holds = hostPorts.some((held) =>
      wanted.some(({ first, last, protocol }) => held.protocol === protocol && first <= held.port && held.port <= last),
    );
    const freed = state.stopSteps.get(id) ?? state.removeSteps.get(id);
    return holds && freed !== undefined ? [freed] : [];
  });
}

function dependencyGate(state: UpState, service: string, progress: Progress): number[] {
  const { graph, options, decisions } = state.facts;
  if (options.noDeps === true) {
    return graph.needs(service).flatMap(({ to }) => (decisions.has(to) ? [...(progress.started.get(to) ?? [])] : []));
  }
  return graph.needs(service).flatMap((edge) => conditionSteps(state, edge, progress));
}

/** Steps after which a dependency's condition holds; none when it holds already. */
function conditionSteps(state: UpState, edge: DependencyEdge, progress: Progress): number[] {
  const { to, condition } = edge;
  const starts = progress.started.get(to) ?? [];
  const containers = state.finalsOf(to);
  if (condition === 'service_started' || containers.length === 0) return [...starts];
  const waitFor: WaitFor = condition === 'service_healthy' ? 'healthy' : 'completed';
  if (
    starts.length === 0 &&
    containers[waitFor === 'completed' ? 'some' : 'every'](({ existing }) => holds(existing, waitFor))
  ) {
    return [];
  }
  const key = `${to} ${waitFor} ${String(edge.required)}`;
  const known = progress.gates.get(key);
  if (known !== undefined) return known;
  const cause = `${edge.from} needs it ${waitFor}`;
  const facts = {
    service: to,
    containers: containers.map(({ ref }) => refOf(ref)),
    condition: waitFor,
    required: edge.required,
    dependent: edge.from,
    at: edge.at,
  };
  const steps = [state.facts.builder.add('container.wait', cause, facts, starts)];
  progress.gates.set(key, steps);
  return steps;
}

function holds(container: ObservedContainer | undefined, condition: WaitFor): boolean {
  switch (condition) {
    case 'healthy':
      return container?.status === 'running' && container.health === 'healthy';
    case 'completed':
      return container?.status === 'exited' && container.exitCode === 0;
    case 'settled':
      return holds(container, 'ready') || holds(container, 'completed');
    case 'ready':
      return container?.status === 'running' && (container.health === undefined || container.health === 'healthy');
  }
}

/** `--wait`: every selected service ready; one that others need completed, completed. */
function finalWaits(
  state: UpState,
  started: ReadonlyMap<string, readonly number[]>,
  gates: ReadonlyMap<string, readonly number[]>,
): void {
  const { builder, selection, graph, options } = state.facts;
  for (const service of selection.services) {
    const starts = started.get(service) ?? [];
    const containers = state.finalsOf(service);
    const completes = graph.neededBy(service).some(({ condition }) => condition === 'service_completed_successfully');
    const condition: WaitFor = completes ? 'completed' : options.wait === 'or-done' ? 'settled' : 'ready';
    const waitedFor = completes ? 'completed' : 'healthy';
    if (containers.length === 0 || gates.has(`${service} ${waitedFor} true`)) continue;
    if (starts.length === 0 && containers.every(({ existing }) => holds(existing, condition))) continue;
    const facts = {
      service,
      containers: containers.map(({ ref }) => refOf(ref)),
      condition,
      required: true,
      dependent: undefined,
      at: undefined,
    };
    builder.add('container.wait', 'asked to wait', facts, starts);
  }
}

function refOf(container: ContainerRef | ObservedContainer): ContainerRef {
  const { name, service } = container;
  return 'id' in container ? { name, service, id: container.id } : { name, service, step: container.step };
}
