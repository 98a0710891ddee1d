import { createHash, randomBytes } from 'node:crypto';
import { addressBytes, openLinks, type LinkChange, type Links } from '../sys/index.js';
import type { NetworkNamespace } from '../sys/index.js';
import { AddressPool } from './address-pool.js';
import { isIsolated } from './bridges.js';
import { prefixLength, rangeOf } from './endpoint-settings.js';
import { invalid } from './errors.js';
import { setInside } from './kernel-settings.js';
import type { NetworkRecord } from './record.js';
import type { EndpointRecord, EndpointRequest } from './sandbox.js';
import { parseSubnet } from './subnet.js';

/** The address pools of all networks, made when first needed. */
export class AddressPools {
  readonly #pools = new Map<string, readonly (AddressPool | undefined)[]>();

  of(network: NetworkRecord, family: 4 | 6): AddressPool | undefined {
    let pools = this.#pools.get(network.id);
    if (pools === undefined) {
      pools = ([4, 6] as const).map((each) => poolOf(network, each));
      this.#pools.set(network.id, pools);
    }
    return pools[family === 4 ? 0 : 1];
  }

  forget(networkId: string): void {
    this.#pools.delete(networkId);
  }

  release(network: NetworkRecord, { ipv4, ipv6 }: EndpointRecord): void {
    if (ipv4 !== undefined) this.of(network, 4)?.release(ipv4);
    if (ipv6 !== undefined) this.of(network, 6)?.release(ipv6);
  }

  /** Takes the addresses of an endpoint that exists already. */
  claim(network: NetworkRecord, { ipv4, ipv6 }: EndpointRecord): void {
    if (ipv4 !== undefined) this.of(network, 4)?.claim(ipv4);
    if (ipv6 !== undefined) this.of(network, 6)?.claim(ipv6);
  }
}

function poolOf(network: NetworkRecord, family: 4 | 6): AddressPool | undefined {
  const range = rangeOf(network, family);
  if (range === undefined) return undefined;
  const subnet = parseSubnet(range.subnet);
  const reserved = [...(range.gateway === undefined ? [] : [range.gateway]), ...Object.values(range.auxiliary)];
  const handedOut = range.ipRange === undefined ? subnet : parseSubnet(range.ipRange);
  return new AddressPool(network.name, subnet, handedOut, reserved);
}

/**
 * Allocates what an endpoint needs; {@link AddressPools.release} is the undo.
 * @throws `network/address-in-use`, `network/addresses-exhausted`, `network/invalid`
 */
export function allocateEndpoint(
  pools: AddressPools,
  { network, aliases, links = [], ipv4, ipv6, mac, driverOpts = {}, linkLocal = [] }: EndpointRequest,
  interfaceName: string,
): EndpointRecord {
  const [four, six] = [pools.of(network, 4), pools.of(network, 6)];
  if (ipv6 !== undefined && six === undefined) throw invalid(`network ${network.name} has no IPv6 subnet`);
  if (mac !== undefined && !/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i.test(mac)) throw invalid(`${mac} is not a MAC address`);
  const own4 = ipv4 === undefined ? four?.allocate() : four?.claim(ipv4);
  let own6: string | undefined;
  try {
    own6 = ipv6 === undefined ? six?.allocate() : six?.claim(ipv6);
  } catch (error) {
    if (own4 !== undefined) four?.release(own4);
    throw error;
  }
  const requested = {
    ...(ipv4 === undefined ? {} : { ipv4 }),
    ...(ipv6 === undefined ? {} : { ipv6 }),
    ...(mac === undefined ? {} : { mac }),
  };
  return {
    endpointId: randomBytes(32).toString('hex'),
    networkId: network.id,
    linkName: `tscv${randomBytes(6).toString('hex').slice(0, 11)}`, // fresh: the old pair may still be going
    interfaceName,
    mac: mac?.toLowerCase() ?? macOf(own4 ?? own6 ?? ''),
    ...(own4 === undefined ? {} : { ipv4: own4 }),
    ...(own6 === undefined ? {} : { ipv6: own6 }),
    ...(linkLocal.length === 0 ? {} : { linkLocal }),
    ...{ aliases, links, requested, driverOpts },
  };
}

/** `02:42` and the IPv4 address, as Docker's: who takes over an address takes over the neighbours' caches. */
function macOf(address: string): string {
  const bytes = address.includes('.') ? addressBytes(address) : createHash('sha256').update(address).digest();
  return `02:42:${(bytes.subarray(0, 4).toString('hex').match(/../g) ?? []).join(':')}`;
}

export interface PluggedEndpoint {
  readonly network: NetworkRecord;
  readonly endpoint: EndpointRecord;
}

/**
 * Makes the pairs of links and sets them up inside. Synchronous, about 1 ms for one endpoint. When it fails part of the
 * way, what was made ends with the namespace.
 * @param way - the endpoint that the default routes go through
 */
export function plugIn(
  host: Links,
  namespace: NetworkNamespace,
  endpoints: readonly PluggedEndpoint[],
  way: PluggedEndpoint | undefined,
): void {
  host.apply(
    endpoints.flatMap(({ network, endpoint }): LinkChange[] => [
      {
        kind: 'add-veth',
        name: endpoint.linkName,
        peer: endpoint.interfaceName,
        peerNamespace: namespace,
        peerMac: endpoint.mac,
        mtu: network.mtu,
        master: network.bridgeName,
      },
      { kind: 'set-hairpin', name: endpoint.linkName }, // a container may reach its own published port
      ...(isIsolated(network) ? [{ kind: 'set-isolated' as const, name: endpoint.linkName }] : []),
    ]),
  );
  setUpIpv6(namespace, endpoints);
  for (const { endpoint } of endpoints) applySysctls(namespace, endpoint);
  const guest = openLinks(namespace);
  try {
    guest.apply([{ kind: 'set-up', name: 'lo' }, ...endpoints.flatMap(insideChanges), ...routesThrough(way)]);
  } finally {
    guest.close();
  }
}

function insideChanges({ network, endpoint }: PluggedEndpoint): LinkChange[] {
  const { interfaceName: link, ipv4, ipv6 } = endpoint;
  const address = (own: string | undefined, family: 4 | 6): LinkChange[] =>
    own === undefined
      ? []
      : [{ kind: 'add-address', link, address: `${own}/${prefixLength(rangeOf(network, family))}` }];
  const linkLocal = (endpoint.linkLocal ?? []).map((own): LinkChange => ({
    kind: 'add-address',
    link,
    address: `${own}/${own.includes(':') ? 64 : 16}`,
  }));
  return [...address(ipv4, 4), ...address(ipv6, 6), ...linkLocal, { kind: 'set-up', name: link }];
}

export function routesThrough(way: PluggedEndpoint | undefined): LinkChange[] {
  if (way === undefined) return [];
  return ([4, 6] as const).flatMap((family): LinkChange[] => {
    const own = family === 4 ? way.endpoint.ipv4 : way.endpoint.ipv6;
    const gateway = rangeOf(way.network, family)?.gateway;
    if (own === undefined || gateway === undefined) return [];
    const destination = family === 4 ? '0.0.0.0/0' : '::/0';
    return [{ kind: 'add-route', destination, gateway, link: way.endpoint.interfaceName }];
  });
}

/** Without this a link on a network without IPv6 would still give itself a link-local address. */
function setUpIpv6(namespace: NetworkNamespace, endpoints: readonly PluggedEndpoint[]): void {
  const without = endpoints.filter(({ endpoint }) => endpoint.ipv6 === undefined);
  if (without.length === 0) return;
  for (const { endpoint } of without) {
    setInside(namespace, `net/ipv6/conf/${endpoint.interfaceName}/disable_ipv6`, '1');
  }
}

/** `net.ipv4.conf.IFNAME.log_martians=1,…`: settings of one link. @throws `network/invalid` */
function applySysctls(namespace: NetworkNamespace, { driverOpts, interfaceName }: EndpointRecord): void {
  const settings = driverOpts['com.docker.network.endpoint.sysctls'] ?? '';
  for (const setting of settings.split(',').filter((one) => one !== '')) {
    const match = /^net\.(ipv4|ipv6|mpls)\.(conf|neigh)\.IFNAME\.([a-z0-9_]+)=(.*)$/.exec(setting);
    const [, family = '', kind = '', key = '', value = ''] = match ?? [];
    if (match === null) throw invalid(`unrecognised network interface sysctl '${setting}'`);
    setInside(namespace, `net/${family}/${kind}/${interfaceName}/${key}`, value);
  }
}

/** The endpoint that leads outside: the first, in order of priority, whose network is not internal. */
export function wayOut(endpoints: readonly PluggedEndpoint[]): PluggedEndpoint | undefined {
  return endpoints.find(
    ({ network }) => !network.internal && network.ranges.some(({ gateway }) => gateway !== undefined),
  );
}
