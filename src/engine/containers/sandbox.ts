import { TscomposeError } from '../../base/errors.js';
import type { EndpointRequest, SandboxRequest } from '../networks/index.js';
import type { EndpointSettings } from '../../api/container.js';
import type { Container } from './container.js';
import { notRunning } from './errors.js';
import { wantedPorts } from './port-requests.js';
import type { ContainerRecord } from './record.js';
import type { Room } from './room.js';
import { joinedBy } from './shared-network.js';

/** What kind of network namespace a container asks for. */
export type NetworkPlan =
  | { readonly kind: 'host' }
  | { readonly kind: 'join'; readonly other: Container; readonly path: string }
  | { readonly kind: 'own'; readonly request: SandboxRequest };

/** @throws `network/not-found`, `container/not-found`, `container/not-running` */
export function planNetwork(room: Room, record: ContainerRecord): NetworkPlan {
  const mode = record.hostConfig.NetworkMode ?? 'bridge';
  const joined = joinedBy(record);
  if (joined !== undefined) {
    const other = liveContainer(room, joined, 'network');
    return { kind: 'join', other: other.container, path: `/proc/${other.pid}/ns/net` };
  }
  if (mode === 'host') return { kind: 'host' };
  const { config, hostConfig } = record;
  return {
    kind: 'own',
    request: {
      containerId: record.id,
      containerName: record.name,
      hostname: config.Hostname ?? '',
      ...(config.Domainname === undefined || config.Domainname === '' ? {} : { domainname: config.Domainname }),
      endpoints: Object.entries(record.endpoints).map(([name, settings]) => endpointRequest(room, name, settings)),
      ports: wantedPorts(config, hostConfig),
      dns: hostConfig.Dns ?? [],
      dnsSearch: hostConfig.DnsSearch ?? [],
      dnsOptions: hostConfig.DnsOptions ?? [],
    },
  };
}

/** @throws `network/not-found`, `network/ambiguous` */
export function endpointRequest(
  room: Pick<Room, 'networks'>,
  network: string,
  settings: EndpointSettings,
): EndpointRequest {
  const { IPAMConfig, Links, Aliases, MacAddress = '', GwPriority, DriverOpts } = settings;
  const linkLocal = IPAMConfig?.LinkLocalIPs ?? [];
  const ipv4 = IPAMConfig?.IPv4Address ?? '';
  const ipv6 = IPAMConfig?.IPv6Address ?? '';
  return {
    network: room.networks.resolve(network),
    aliases: [...new Set(Aliases ?? [])],
    ...((Links ?? []).length === 0 ? {} : { links: Links ?? [] }),
    ...(ipv4 === '' ? {} : { ipv4 }),
    ...(ipv6 === '' ? {} : { ipv6 }),
    ...(MacAddress === '' ? {} : { mac: MacAddress.replaceAll('-', ':').toLowerCase() }),
    ...(GwPriority === undefined || GwPriority === 0 ? {} : { priority: GwPriority }),
    ...(DriverOpts == null ? {} : { driverOpts: DriverOpts }),
    ...(linkLocal.length === 0 ? {} : { linkLocal }),
  };
}

/** A container whose namespace another one joins. @throws `container/not-found`, `container/not-running` */
export function liveContainer(room: Room, reference: string, what: string): { container: Container; pid: number } {
  const container = room.registry.resolve(reference);
  const { process } = container.state;
  if (!container.isLive || process === undefined) {
    throw new TscomposeError({
      code: 'container/not-running',
      message: `cannot join ${what} of a non running container: ${container.id}`,
      facts: { containerId: container.id },
      cause: notRunning(container.id),
    });
  }
  return { container, pid: process.pid };
}
