import type { EndpointSettings } from '../../api/container.js';
import type { Service } from '../../compose/index.js';
import { parseLink, sharedService } from '../../graph/index.js';
import type { RequestContext } from './context.js';

/** Network keys of a service, the primary one first: highest `priority`, then by name. */
export function networkKeys(service: Service): string[] {
  if (service.network_mode !== undefined) return [];
  const priority = (key: string) => service.networks?.[key]?.priority ?? 0;
  return Object.keys(service.networks ?? {}).sort((a, b) => priority(b) - priority(a) || (a < b ? -1 : 1));
}

/** Engine's name of the network a container joins first. */
export function networkMode(context: RequestContext): string {
  const { project, definition } = context;
  const shared = sharedService(definition.network_mode);
  if (shared !== undefined) return `container:${context.containerOf(shared)}`;
  if (definition.network_mode !== undefined) return definition.network_mode;
  const [primary] = networkKeys(definition);
  return primary === undefined ? 'none' : networkName(project.model.networks, primary);
}

/** Endpoints of a new container, keyed by the engine's network names. */
export function endpointsOf(context: RequestContext): Record<string, EndpointSettings> {
  const { project, definition } = context;
  return Object.fromEntries(
    networkKeys(definition).map((key) => [networkName(project.model.networks, key), endpoint(context, key)]),
  );
}

/** As much of it as endpoints are made from. */
export type EndpointContext = Pick<
  RequestContext,
  'project' | 'service' | 'definition' | 'finalName' | 'oneOff' | 'replicasOf'
>;

/** One container on one network. */
export function endpoint(context: EndpointContext, key: string): EndpointSettings {
  const { definition, finalName, service, oneOff } = context;
  const own = definition.networks?.[key] ?? {};
  const primary = networkKeys(definition)[0] === key;
  const mac = own.mac_address ?? (primary ? definition.mac_address : undefined);
  const addresses = {
    ...(own.ipv4_address === undefined ? {} : { IPv4Address: own.ipv4_address }),
    ...(own.ipv6_address === undefined ? {} : { IPv6Address: own.ipv6_address }),
    ...(own.link_local_ips === undefined ? {} : { LinkLocalIPs: [...own.link_local_ips] }),
  };
  const driverOpts = {
    ...own.driver_opts,
    ...(own.interface_name === undefined ? {} : { 'com.docker.network.endpoint.ifname': own.interface_name }),
  };
  const links = linksOf(context);
  return {
    Aliases: oneOff?.useAliases === false ? [finalName] : [...new Set([finalName, service, ...(own.aliases ?? [])])],
    ...(links.length === 0 ? {} : { Links: links }),
    ...(Object.keys(addresses).length === 0 ? {} : { IPAMConfig: addresses }),
    ...(mac === undefined ? {} : { MacAddress: mac }),
    ...(Object.keys(driverOpts).length === 0 ? {} : { DriverOpts: driverOpts }),
    ...(own.gw_priority === undefined ? {} : { GwPriority: own.gw_priority }),
  };
}

/** `links` and `external_links` as the engine takes them, `container:alias`. */
export function linksOf(context: EndpointContext): string[] {
  const { project, definition } = context;
  const links = (definition.links ?? []).flatMap((text) => {
    const { service, alias } = parseLink(text);
    return context
      .replicasOf(service)
      .flatMap(({ name, number }) =>
        [alias, `${service}-${number}`, `${project.name}-${service}-${number}`].map((word) => `${name}:${word}`),
      );
  });
  const external = (definition.external_links ?? []).map((text) => {
    const { service: container, alias } = parseLink(text);
    return `${container}:${alias}`;
  });
  return [...new Set([...links, ...external])];
}

export function networkName(
  networks: Readonly<Record<string, { readonly name: string }>> | undefined,
  key: string,
): string {
  const network = networks?.[key];
  if (network === undefined) throw new Error(`bug: the project has no network ${key}`);
  return network.name;
}
