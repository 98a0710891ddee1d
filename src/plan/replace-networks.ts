import type { ObservedContainer } from './observed-state.js';
import { networkRequest, type NetworkDecision } from './networks.js';
import { endpoint, networkKeys, type EndpointContext } from './request/endpoints.js';
import { isUp, type UpState } from './up-state.js';

/**
 * Creates missing networks. One with another definition is replaced under its containers, which are kept: they are
 * stopped, taken off it, and put on the new one, also those of services that were not asked for. Containers of `run`
 * go on meanwhile: stopped, they would be over.
 */
export function replaceNetworks(state: UpState, decisions: readonly NetworkDecision[]): void {
  const { builder, project } = state.facts;
  for (const { key, definition, existing, outdated } of decisions) {
    if (existing !== undefined) continue;
    const before = outdated === undefined ? [] : clear(state, key, outdated);
    const cause = outdated === undefined ? 'is not there' : 'has another definition now';
    const request = networkRequest(project.name, key, definition);
    state.networkSteps.set(key, builder.add('network.create', cause, { network: definition.name, request }, before));
  }
}

/** Puts a kept container onto the networks that were replaced under it. @returns steps to come before its start */
export function reconnect(state: UpState, service: string, existing: ObservedContainer): number[] {
  const { context } = state.requestContext(service, existing.number);
  return connect(state, existing, context, networkKeys(context.definition));
}

/** Puts back what was taken off a network and nothing else was decided about, once it is known what is created. */
export function reconnectOthers(state: UpState): void {
  const { project, observed, decisions } = state.facts;
  const { services } = project.model;
  for (const container of observed.containers) {
    const keys = state.detached.get(container.id);
    if (keys === undefined || state.removeSteps.has(container.id)) continue;
    const { id, name, service, number, oneOff } = container;
    if (decisions.has(service) && !oneOff && state.facts.options.oneOff?.service !== service) continue;
    const definition = services[service] ?? project.disabledServices[service] ?? {};
    const replicasOf: EndpointContext['replicasOf'] = (other) =>
      services[other] === undefined ? [] : state.replicasOf(other);
    const context = { project, service, definition, number, finalName: name, oneOff: undefined, replicasOf };
    state.connectSteps.set(id, connect(state, container, context, keys));
  }
}

function connect(
  state: UpState,
  { id, name, service, oneOff }: ObservedContainer,
  context: EndpointContext,
  keys: readonly string[],
): number[] {
  const { builder, project } = state.facts;
  return keys.flatMap((key) => {
    const created = state.networkSteps.get(key);
    const network = project.model.networks?.[key]?.name;
    if (created === undefined || network === undefined) return [];
    const settings = endpoint(context, key);
    const facts = {
      container: { id, name, service },
      network,
      endpoint: oneOff ? { ...settings, Aliases: [name] } : settings,
    };
    return [builder.add('network.connect', `network ${key} is new`, facts, [created])];
  });
}

/** @returns the step that removes the network */
function clear(state: UpState, key: string, outdated: { readonly id: string; readonly name: string }): number[] {
  const { builder, observed } = state.facts;
  const cause = `network ${key} has another definition now`;
  const attached = observed.containers.filter(({ networks }) => networks[outdated.name] !== undefined);
  const stop = stopInOrder(
    state,
    attached.filter(({ oneOff }) => !oneOff),
    cause,
  );
  const gone = attached.map((container) => {
    const { id, name, service, oneOff } = container;
    const removed = state.removeSteps.get(id);
    if (removed !== undefined) return removed;
    state.detached.set(id, [...(state.detached.get(id) ?? []), key]);
    const after = isUp(container) && !oneOff ? stop(service) : [];
    return builder.add(
      'network.disconnect',
      cause,
      { container: { id, name, service }, network: outdated.name },
      after,
    );
  });
  return [builder.add('network.remove', cause, { network: outdated.name, id: outdated.id, whenUnused: false }, gone)];
}

/**
 * For containers that have to let go of something: stops those of a service, after those of its dependents.
 * @returns the steps, for a service
 */
export function stopInOrder(
  state: UpState,
  attached: readonly ObservedContainer[],
  cause: string,
): (service: string) => readonly number[] {
  const { graph } = state.facts;
  const stopped = new Map<string, readonly number[]>();
  const stop = (service: string): readonly number[] => {
    const known = stopped.get(service);
    if (known !== undefined) return known;
    const dependents = graph.services.includes(service) ? graph.neededBy(service).map(({ from }) => from) : [];
    const before = dependents.flatMap(stop);
    const own = attached.filter((container) => container.service === service);
    const steps = own.length === 0 ? before : own.flatMap((container) => state.stop(container, cause, before));
    stopped.set(service, steps);
    return steps;
  };
  return stop;
}
