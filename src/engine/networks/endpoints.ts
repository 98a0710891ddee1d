import { createHash, randomBytes } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { addressBytes, type LinkChange, type Links, type NetworkNamespace, openLinks, sysErrno } from '../sys/index.js';
import { AddressPool } from './address-pool.js';
import { readBridgeOptions } from './bridge-options.js';
import { hasCode } from '../../base/errors.js';
import { prefixLength, rangeHolding } from './endpoint-settings.js';
import { invalid } from './errors.js';
import { setInside } from './kernel-settings.js';
import { childLink, explainChildLink } from './parents.js';
import type { NetworkRange, NetworkRecord } from './record.js';
import type { EndpointRecord, EndpointRequest } from './sandbox.js';
import { parseSubnet } from './subnet.js';

/** The address pools of all networks, one for each range, made when first needed. */
export class AddressPools {
  readonly #pools = new Map<string, readonly AddressPool[]>();

  #of(network: NetworkRecord, family: 4 | 6): AddressPool[] {
    let pools = this.#pools.get(network.id);
    if (pools === undefined) {
      pools = network.ranges.map((range) => poolOf(network, range));
      this.#pools.set(network.id, pools);
    }
    return pools.filter((pool) => pool.family === family);
  }

  has(network: NetworkRecord, family: 4 | 6): boolean {
    return this.#of(network, family).length > 0;
  }

  /**
   * Of the first range that has one; undefined for a network without ranges of the family.
   * @param holder - the container's name: who takes its place takes its address
   * @throws `network/addresses-exhausted`
   */
  allocate(network: NetworkRecord, family: 4 | 6, holder: string): string | undefined {
    const pools = this.#of(network, family);
    const last = pools.pop();
    for (const pool of pools) {
      try {
        return pool.allocate(holder);
      } catch (error) {
        if (!hasCode(error, 'network/addresses-exhausted')) throw error; // there is another range
      }
    }
    return last?.allocate(holder);
  }

  /** @throws `network/invalid` when it lies outside of every range, `network/address-in-use` */
  claimAddress(network: NetworkRecord, address: string, family: 4 | 6): string | undefined {
    const pools = this.#of(network, family);
    return (pools.find((pool) => pool.holds(address)) ?? pools[0])?.claim(address);
  }

  releaseAddress(network: NetworkRecord, address: string, family: 4 | 6): void {
    this.#of(network, family)
      .find((pool) => pool.holds(address))
      ?.release(address);
  }

  forget(networkId: string): void {
    this.#pools.delete(networkId);
  }

  release(network: NetworkRecord, { ipv4, ipv6 }: EndpointRecord): void {
    if (ipv4 !== undefined) this.releaseAddress(network, ipv4, 4);
    if (ipv6 !== undefined) this.releaseAddress(network, ipv6, 6);
  }

  /** Takes the addresses of an endpoint that exists already. */
  claim(network: NetworkRecord, { ipv4, ipv6 }: EndpointRecord): void {
    if (ipv4 !== undefined) this.claimAddress(network, ipv4, 4);
    if (ipv6 !== undefined) this.claimAddress(network, ipv6, 6);
  }
}

function poolOf(network: NetworkRecord, range: NetworkRange): AddressPool {
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
  { network, aliases, links = [], ipv4, ipv6, mac, driverOpts = {}, linkLocal = [], priority = 0 }: EndpointRequest,
  interfaceName: string,
  holder: string,
): EndpointRecord {
  if (ipv4 !== undefined && !pools.has(network, 4)) throw invalid(`network ${network.name} has no IPv4 subnet`);
  if (ipv6 !== undefined && !pools.has(network, 6)) throw invalid(`network ${network.name} has no IPv6 subnet`);
  if (mac !== undefined && !/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i.test(mac)) throw invalid(`${mac} is not a MAC address`);
  const shared = network.driver === 'ipvlan'; // with the parent and every other link on it
  if (shared && mac !== undefined) throw invalid('ipvlan interfaces do not support custom mac address assignment');
  const own4 = ipv4 === undefined ? pools.allocate(network, 4, holder) : pools.claimAddress(network, ipv4, 4);
  let own6: string | undefined;
  try {
    own6 = ipv6 === undefined ? pools.allocate(network, 6, holder) : pools.claimAddress(network, ipv6, 6);
  } catch (error) {
    if (own4 !== undefined) pools.releaseAddress(network, own4, 4);
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
    mac: shared ? '' : (mac?.toLowerCase() ?? macOf(own4 ?? own6 ?? '')),
    ...(own4 === undefined ? {} : { ipv4: own4 }),
    ...(own6 === undefined ? {} : { ipv6: own6 }),
    ...(linkLocal.length === 0 ? {} : { linkLocal }),
    ...(priority === 0 ? {} : { priority }),
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
 * Makes the pairs of links and sets them up inside, about 1 ms for one endpoint; it waits for nothing but a MAC on a
 * parent link. When it fails part of the way, what was made ends with the namespace.
 */
export async function plugIn(
  host: Links,
  namespace: NetworkNamespace,
  endpoints: readonly PluggedEndpoint[],
): Promise<void> {
  host.apply(endpoints.flatMap((endpoint) => bridgePort(endpoint, namespace)));
  for (const { network, endpoint } of endpoints) {
    if (network.parent === undefined) continue;
    try {
      host.apply([childLink(network.parent, endpoint, namespace, network.mtu)]);
    } catch (error) {
      throw explainChildLink(network.parent, error);
    }
  }
  setUpIpv6(namespace, endpoints);
  for (const { endpoint } of endpoints) applySysctls(namespace, endpoint);
  const guest = openLinks(namespace);
  try {
    for (const { network, endpoint } of endpoints) if (network.parent !== undefined) await raise(guest, endpoint);
    guest.apply([{ kind: 'set-up', name: 'lo' }, ...endpoints.flatMap(insideChanges)]);
  } finally {
    guest.close();
  }
}

const oldLinkMs = 5_000;

/** A parent link carries a MAC once, and the link of a namespace that has just ended may still hold it. */
async function raise(guest: Links, { interfaceName: name }: EndpointRecord): Promise<void> {
  for (const deadline = Date.now() + oldLinkMs; ;) {
    try {
      guest.apply([{ kind: 'set-up', name }]);
      return;
    } catch (error) {
      if (!['EADDRINUSE', 'EBUSY'].includes(sysErrno(error) ?? '') || Date.now() > deadline) throw error;
    }
    await setTimeout(20);
  }
}

function bridgePort({ network, endpoint }: PluggedEndpoint, namespace: NetworkNamespace): LinkChange[] {
  if (network.parent !== undefined) return [];
  const isolated = !readBridgeOptions(network.options, network).communication;
  return [
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
    ...(isolated ? [{ kind: 'set-isolated' as const, name: endpoint.linkName }] : []),
  ];
}

function insideChanges({ network, endpoint }: PluggedEndpoint): LinkChange[] {
  const { interfaceName: link, ipv4, ipv6 } = endpoint;
  const address = (own: string | undefined, family: 4 | 6): LinkChange[] =>
    own === undefined
      ? []
      : [{ kind: 'add-address', link, address: `${own}/${prefixLength(rangeHolding(network, own, family))}` }];
  const linkLocal = (endpoint.linkLocal ?? []).map((own): LinkChange => ({
    kind: 'add-address',
    link,
    address: `${own}/${own.includes(':') ? 64 : 16}`,
  }));
  return [...address(ipv4, 4), ...address(ipv6, 6), ...linkLocal, { kind: 'set-up', name: link }];
}

type DefaultRoute = Extract<LinkChange, { kind: 'add-route' }>;

/** Of each family the one through the first endpoint, in order of priority, that leads outside. */
function defaultRoutes(endpoints: readonly PluggedEndpoint[]): DefaultRoute[] {
  return ([4, 6] as const).flatMap((family) => {
    for (const { network, endpoint } of endpoints) {
      const own = family === 4 ? endpoint.ipv4 : endpoint.ipv6;
      const gateway = rangeHolding(network, own, family)?.gateway;
      if (network.internal || own === undefined || gateway === undefined) continue;
      const place = { destination: family === 4 ? '0.0.0.0/0' : '::/0', link: endpoint.interfaceName };
      const { parent } = network;
      // In these modes the host routes for the link, which knows no neighbours.
      const direct = parent?.kind === 'ipvlan' && parent.mode !== 'l2';
      return [{ kind: 'add-route', ...place, ...(direct ? {} : { gateway }) }];
    }
    return [];
  });
}

/** Points the default routes of a container where its networks of now lead; those that are right stay. */
export function routeOut(namespace: NetworkNamespace, endpoints: readonly PluggedEndpoint[]): void {
  const guest = openLinks(namespace);
  try {
    const names = new Map(guest.list().map(({ index, name }) => [index, name]));
    const present = guest.routes().flatMap(({ destination, gateway, linkIndex }) => {
      const link = linkIndex === undefined ? undefined : names.get(linkIndex);
      return link === undefined ? [] : [{ destination, link, ...(gateway === undefined ? {} : { gateway }) }];
    });
    const engines = new Set(endpoints.map(({ endpoint }) => endpoint.interfaceName));
    for (const { kind, ...wanted } of defaultRoutes(endpoints)) {
      const before = present.filter(({ destination }) => destination === wanted.destination);
      if (before.some(({ link, gateway }) => link === wanted.link && gateway === wanted.gateway)) continue;
      if (before.some(({ link }) => !engines.has(link))) continue; // the container has a way of its own, a VPN's say
      guest.apply([...before.map((route) => ({ kind: 'delete-route' as const, ...route })), { kind, ...wanted }]);
    }
  } finally {
    guest.close();
  }
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
