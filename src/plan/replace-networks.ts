import type { EndpointSettings } from '../api/container.js';
import type { ObservedContainer } from './observed-state.js';
import { networkRequest, type NetworkDecision } from './networks.js';
import { endpoint, networkKeys } from './request/endpoints.js';
import { isUp, type UpState } from './up-state.js';

/**
 * Creates missing networks. One with another definition is replaced under its containers, which are kept: they are
 * stopped, taken off it, and put on the new one.
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
export function reconnect(
  state: UpState,
  service: string,
  number: number,
  containerId: string,
  name: string,
): number[] {
  const { builder, project } = state.facts;
  const { context } = state.requestContext(service, number);
  return networkKeys(context.definition).flatMap((key) => {
    const created = state.networkSteps.get(key);
    const network = project.model.networks?.[key]?.name;
    if (created === undefined || network === undefined) return [];
    const container = { id: containerId, name, service };
    const settings: EndpointSettings = endpoint(context, key);
    const facts = { container, network, endpoint: settings };
    return [builder.add('network.connect', `network ${key} is new`, facts, [created])];
  });
}

/** @returns the step that removes the network */
function clear(state: UpState, key: string, outdated: { readonly id: string; readonly name: string }): number[] {
  const { builder, observed } = state.facts;
  const cause = `network ${key} has another definition now`;
  const attached = observed.containers.filter(({ networks }) => networks[outdated.name] !== undefined);
  const stop = stopInOrder(state, attached, cause);
  const gone = attached.map((container) => {
    const after = isUp(container) ? stop(container.service) : [];
    const { id, name, service } = container;
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
