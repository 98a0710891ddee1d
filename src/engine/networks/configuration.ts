import type { NetworkCreateRequest } from '../../api/network.js';
import { TscomposeError } from '../../base/errors.js';
import type { NetworkConfiguration, NetworkRecord } from './record.js';

declare module '../../base/errors.js' {
  interface ErrorFacts {
    /** What a network that only holds settings, or one that takes its settings from such a network, cannot have. */
    'network/configuration': { readonly reason: string };
    'network/no-configuration': { readonly name: string };
  }
}

/**
 * The request with the settings of the network it takes them from, as it is without one.
 * @throws `network/configuration`, `network/no-configuration`
 */
export function withConfiguration(
  request: NetworkCreateRequest,
  networks: readonly NetworkRecord[],
): NetworkCreateRequest {
  const from = request.ConfigFrom?.Network ?? '';
  if (request.ConfigOnly === true) checkConfigurationOnly(request, from);
  if (from === '') return request;
  const own = [request.IPAM?.Config, Object.keys(request.IPAM?.Options ?? {}), Object.keys(request.Options ?? {})];
  const hasOwn = [...own, Object.keys(request.Labels ?? {})].some((list) => (list ?? []).length > 0);
  if (hasOwn || request.EnableIPv6 === true) {
    throw refused('user specified configurations are not supported if the network depends on a configuration network');
  }
  const source = networks.find(({ name, id }) => name === from || id === from)?.configuration;
  if (source !== undefined) return { ...request, ...source };
  throw new TscomposeError({
    code: 'network/no-configuration',
    message: `configuration network ${JSON.stringify(from)} does not exist`,
    facts: { name: from },
  });
}

function checkConfigurationOnly({ Internal, Attachable, Ingress, Scope }: NetworkCreateRequest, from: string): void {
  if (Internal === true || Attachable === true || Ingress === true || (Scope ?? '') !== '') {
    throw refused(
      'configuration network can only contain network specific fields. Network operator fields like ' +
        '[ ingress | internal | attachable | scope ] are not supported.',
    );
  }
  if (from !== '') throw refused('a configuration network cannot depend on another configuration network');
}

export function configurationOf({ IPAM, EnableIPv6, Options, Labels }: NetworkCreateRequest): NetworkConfiguration {
  return { IPAM: IPAM ?? null, EnableIPv6: EnableIPv6 ?? null, Options: Options ?? null, Labels: Labels ?? null };
}

/** @throws `network/configuration` for one that others still take their settings from */
export function checkUnused(network: NetworkRecord, networks: readonly NetworkRecord[]): void {
  if (!isConfigurationOfOthers(network, networks)) return;
  throw refused(`error while removing network: configuration network ${JSON.stringify(network.name)} is in use`);
}

export function isConfigurationOfOthers(
  network: NetworkRecord | undefined,
  networks: readonly NetworkRecord[],
): boolean {
  return network?.configuration !== undefined && networks.some(({ configFrom }) => configFrom === network.name);
}

/** @throws `network/configuration`: such a network has nothing to join */
export function checkJoinable({ configuration }: NetworkRecord): void {
  if (configuration !== undefined) throw refused('cannot create endpoint on configuration-only network');
}

function refused(reason: string): TscomposeError<'network/configuration'> {
  return new TscomposeError({ code: 'network/configuration', message: reason, facts: { reason } });
}
