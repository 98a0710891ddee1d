import { composeLabels } from '../api/labels.js';
import type { NetworkCreateRequest } from '../api/network.js';
import { TscomposeError } from '../base/errors.js';
import type { NetworkDefinition, Project } from '../compose/index.js';
import { networkHash } from './config-hash.js';
import { networkLabels } from './labels.js';
import type { ObservedNetwork, ObservedState } from './observed-state.js';
import type { PlanBuilder } from './plan-builder.js';
import { networkKeys } from './request/endpoints.js';
import { compact } from './request/resources.js';

declare module '../base/errors.js' {
  interface ErrorFacts {
    'plan/external-network-missing': { readonly network: string; readonly name: string };
  }
}

export interface NetworkDecision {
  readonly key: string;
  readonly definition: NetworkDefinition;
  /** There already and good. */
  readonly existing?: ObservedNetwork;
  /** There, but with another definition: has to make place. */
  readonly outdated?: ObservedNetwork;
}

/** Keys of the networks that services join, sorted. */
export function networksOf(project: Project, services: readonly string[]): string[] {
  const keys = services.flatMap((service) => networkKeys(project.model.services[service] ?? {}));
  return [...new Set(keys)].sort();
}

/** Compares networks with what is there. @param problems - gets `plan/external-network-missing` */
export function decideNetworks(
  builder: PlanBuilder,
  project: Project,
  keys: readonly string[],
  observed: ObservedState,
  problems: TscomposeError[],
): NetworkDecision[] {
  return keys.map((key): NetworkDecision => {
    const definition = project.model.networks?.[key];
    if (definition === undefined) throw new Error(`bug: the project has no network ${key}`);
    const at = project.locate(['networks', key]);
    const found = findNetwork(project.name, key, definition, observed);
    if (found === undefined) {
      if (definition.external === true) {
        problems.push(
          new TscomposeError({
            code: 'plan/external-network-missing',
            message: `network "${definition.name}" is declared as external, but is not there`,
            facts: { network: key, name: definition.name },
            hint: `create it with: docker network create ${definition.name}`,
            at,
          }),
        );
      }
      return { key, definition };
    }
    if (definition.external === true) return { key, definition, existing: found };
    if (found.labels[composeLabels.project] !== project.name) {
      builder.warn(
        `Network ${definition.name}`,
        'is there already, but was not created for this project; it is used as it is',
        at,
      );
      return { key, definition, existing: found };
    }
    const hash = found.labels[composeLabels.configHash];
    if (hash === undefined || hash === networkHash(definition)) return { key, definition, existing: found };
    return { key, definition, outdated: found };
  });
}

export function networkRequest(project: string, key: string, definition: NetworkDefinition): NetworkCreateRequest {
  const { ipam } = definition;
  return compact<NetworkCreateRequest>({
    Name: definition.name,
    CheckDuplicate: true,
    Driver: definition.driver,
    Options: definition.driver_opts === undefined ? undefined : { ...definition.driver_opts },
    IPAM:
      ipam?.config === undefined && ipam?.driver === undefined
        ? undefined
        : compact({
            Driver: ipam.driver,
            Options: ipam.options === undefined ? undefined : { ...ipam.options },
            Config: ipam.config?.map((pool) =>
              compact({
                Subnet: pool.subnet,
                IPRange: pool.ip_range,
                Gateway: pool.gateway,
                AuxiliaryAddresses: pool.aux_addresses === undefined ? undefined : { ...pool.aux_addresses },
              }),
            ),
          }),
    Internal: definition.internal,
    Attachable: definition.attachable,
    EnableIPv4: definition.enable_ipv4,
    EnableIPv6: definition.enable_ipv6,
    Labels: networkLabels(project, key, definition.labels, networkHash(definition)),
  });
}

/** Its name decides; a labelled network of an older name is not it. */
function findNetwork(
  project: string,
  key: string,
  { name, external }: NetworkDefinition,
  { networks }: ObservedState,
): ObservedNetwork | undefined {
  const named = networks.filter((network) => network.name === name || (external === true && network.id === name));
  const ours = named.find(
    ({ labels }) => labels[composeLabels.project] === project && labels[composeLabels.network] === key,
  );
  return ours ?? named[0];
}
