import type { EndpointSettings } from '../../api/container.js';
import type { NetworkInspect } from '../../api/network.js';
import type { NetworkRange, NetworkRecord } from './record.js';
import { contains, parseSubnet } from './subnet.js';
import type { EndpointRecord, SandboxRecord } from './sandbox.js';

/** An endpoint as `inspect` of its container shows it. */
export function endpointSettings(
  network: NetworkRecord,
  endpoint: EndpointRecord,
  container: SandboxRecord,
): EndpointSettings {
  const { requested } = endpoint;
  const linkLocal = endpoint.linkLocal ?? [];
  const static_ = requested.ipv4 !== undefined || requested.ipv6 !== undefined || linkLocal.length > 0;
  const [four, six] = [rangeHolding(network, endpoint.ipv4, 4), rangeHolding(network, endpoint.ipv6, 6)];
  return {
    IPAMConfig: static_
      ? {
          ...(requested.ipv4 === undefined ? {} : { IPv4Address: requested.ipv4 }),
          ...(requested.ipv6 === undefined ? {} : { IPv6Address: requested.ipv6 }),
          ...(linkLocal.length === 0 ? {} : { LinkLocalIPs: [...linkLocal] }),
        }
      : null,
    Links: endpoint.links.length === 0 ? null : [...endpoint.links],
    Aliases: endpoint.aliases.length === 0 ? null : [...endpoint.aliases],
    MacAddress: endpoint.mac,
    DriverOpts: Object.keys(endpoint.driverOpts).length === 0 ? null : { ...endpoint.driverOpts },
    NetworkID: network.id,
    EndpointID: endpoint.endpointId,
    Gateway: (network.internal ? undefined : four?.gateway) ?? '',
    IPAddress: endpoint.ipv4 ?? '',
    IPPrefixLen: endpoint.ipv4 === undefined ? 0 : prefixLength(four),
    IPv6Gateway: (network.internal ? undefined : six?.gateway) ?? '',
    GlobalIPv6Address: endpoint.ipv6 ?? '',
    GlobalIPv6PrefixLen: endpoint.ipv6 === undefined ? 0 : prefixLength(six),
    DNSNames: network.predefined ? null : namesOf(container, endpoint),
  };
}

/** An endpoint on `none` (or `host`): there is nothing to it but the network. */
export function emptyEndpointSettings(network: NetworkRecord): EndpointSettings {
  return {
    ...{ IPAMConfig: null, Links: null, Aliases: null, MacAddress: '', DriverOpts: null, NetworkID: network.id },
    ...{ EndpointID: '', Gateway: '', IPAddress: '', IPPrefixLen: 0, IPv6Gateway: '' },
    ...{ GlobalIPv6Address: '', GlobalIPv6PrefixLen: 0, DNSNames: null },
  };
}

/** Every name that others on the network know the container by. */
export function namesOf(
  { containerName, containerId, hostname }: SandboxRecord,
  { aliases }: EndpointRecord,
): string[] {
  return [...new Set([containerName, ...aliases, containerId.slice(0, 12), hostname])].filter((name) => name !== '');
}

export function rangeOf(network: NetworkRecord, family: 4 | 6): NetworkRange | undefined {
  return network.ranges.find(({ subnet }) => subnet.includes(':') === (family === 6));
}

/** Of the network's ranges of one family that which an address lies in, the first for no address. */
export function rangeHolding(
  network: NetworkRecord,
  address: string | undefined,
  family: 4 | 6,
): NetworkRange | undefined {
  if (address === undefined) return rangeOf(network, family);
  return network.ranges.find(({ subnet }) => contains(parseSubnet(subnet), address));
}

export function prefixLength(range: NetworkRange | undefined): number {
  return Number(range?.subnet.split('/')[1] ?? 0);
}

/** A network as the Engine API shows it. */
export function networkInspect(
  network: NetworkRecord,
  containers: readonly { readonly container: SandboxRecord; readonly endpoint: EndpointRecord }[] | undefined,
): NetworkInspect {
  const withLength = (address: string | undefined, family: 4 | 6): string =>
    address === undefined ? '' : `${address}/${prefixLength(rangeHolding(network, address, family))}`;
  return {
    Name: network.name,
    Id: network.id,
    Created: network.created,
    Scope: 'local',
    Driver: network.driver,
    EnableIPv4: network.enableIPv4 !== false,
    EnableIPv6: network.enableIPv6,
    IPAM: {
      Driver: network.ipamDriver,
      Options: network.ipamOptions,
      Config:
        network.ranges.length === 0
          ? (network.configuration?.IPAM?.Config ?? null)
          : network.ranges.map(({ subnet, ipRange, gateway, auxiliary }) => ({
              Subnet: subnet,
              ...(ipRange === undefined ? {} : { IPRange: ipRange }),
              ...(gateway === undefined ? {} : { Gateway: gateway }),
              ...(Object.keys(auxiliary).length === 0 ? {} : { AuxiliaryAddresses: { ...auxiliary } }),
            })),
    },
    Internal: network.internal,
    Attachable: network.attachable,
    Ingress: false,
    ConfigFrom: { Network: network.configFrom ?? '' },
    ConfigOnly: network.configuration !== undefined,
    ...(containers === undefined
      ? {}
      : {
          Containers: Object.fromEntries(
            containers.map(({ container, endpoint }) => [
              container.containerId,
              {
                Name: container.containerName,
                EndpointID: endpoint.endpointId,
                MacAddress: endpoint.mac,
                IPv4Address: withLength(endpoint.ipv4, 4),
                IPv6Address: withLength(endpoint.ipv6, 6),
              },
            ]),
          ),
        }),
    Options: { ...network.options },
    Labels: { ...network.labels },
  };
}
