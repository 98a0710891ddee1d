import {
  checkLinkName,
  type AddressInfo,
  type LinkChange,
  type LinkInfo,
  type Links,
  type RouteInfo,
} from './link-change.js';
import type { NetworkNamespace } from './network-namespace.js';
import { runToolSync } from './tool.js';

/** The same through ip(8): one process for a list of changes, about 8 ms. */
export function openLinksByTool(namespace: NetworkNamespace | undefined): Links {
  const ip = (args: readonly string[], input?: string): Buffer => {
    const inside = namespace === undefined ? [] : [`--net=${namespace.procPath}`, '--', 'ip'];
    const tool = namespace === undefined ? 'ip' : 'nsenter';
    return runToolSync(tool, [...inside, ...args], input === undefined ? {} : { input });
  };
  const ask = (...args: readonly string[]): unknown[] => {
    const parsed: unknown = JSON.parse(ip(['-json', ...args]).toString() || '[]');
    return Array.isArray(parsed) ? parsed : [];
  };
  const list = (): LinkInfo[] => {
    const links = ask('-details', 'link', 'show').map(record);
    return links.map((link) => ({
      name: word(link['ifname']) ?? '',
      index: number(link['ifindex']),
      type: word(record(link['linkinfo'])['info_kind']),
      up: Array.isArray(link['flags']) && link['flags'].includes('UP'),
      mtu: number(link['mtu']),
      mac: word(link['address']) ?? '',
      alias: word(link['ifalias']),
      masterIndex: number(links.find(({ ifname }) => ifname === link['master'] && ifname !== undefined)?.['ifindex']),
    }));
  };
  return {
    apply: (changes) => {
      if (changes.length > 0) ip(['-batch', '-'], `${changes.flatMap(lines).join('\n')}\n`);
    },
    list,
    addresses: () => ask('address', 'show').map(record).flatMap(addressesOf),
    routes: () => {
      const indexes = new Map(list().map(({ name, index }) => [name, index]));
      return [
        ...ask('-4', 'route', 'show', 'table', 'main', 'type', 'unicast').map((route) =>
          routeOf(record(route), 4, indexes),
        ),
        ...ask('-6', 'route', 'show', 'table', 'main', 'type', 'unicast').map((route) =>
          routeOf(record(route), 6, indexes),
        ),
      ];
    },
    close: () => undefined,
  };
}

/** Lines for `ip -batch`. */
function lines(change: LinkChange): string[] {
  switch (change.kind) {
    case 'add-bridge': {
      const mac = change.mac === undefined ? '' : ` address ${change.mac}`;
      return [`link add name ${checkLinkName(change.name)}${mac}${mtu(change.mtu)} type bridge`];
    }
    case 'set-alias':
      return [`link set dev ${change.name} alias ${JSON.stringify(change.alias)}`];
    case 'add-veth': {
      const { name, peer, peerNamespace, peerMac, master } = change;
      const mac = peerMac === undefined ? '' : ` address ${peerMac}`;
      const size = mtu(change.mtu);
      const made = `link add name ${checkLinkName(name)}${size} type veth peer name ${checkLinkName(peer)}${mac}${size}`;
      return [
        `${made} netns ${peerNamespace.procPath}`,
        ...(master === undefined ? [] : [`link set dev ${name} master ${master}`]),
        `link set dev ${name} up`,
      ];
    }
    case 'add-macvlan':
    case 'add-ipvlan': {
      const { name, parent, namespace, mode } = change;
      const own = change.kind === 'add-macvlan' ? ` address ${change.mac}` : '';
      const kind = change.kind === 'add-macvlan' ? `macvlan mode ${mode}` : `ipvlan mode ${mode} ${change.flag}`;
      const place = `link ${parent} name ${checkLinkName(name)}${own}${change.mtu === 0 ? '' : mtu(change.mtu)}`;
      return [`link add ${place} netns ${namespace.procPath} type ${kind}`];
    }
    case 'set-up':
      return [`link set dev ${checkLinkName(change.name)} up`];
    case 'set-down':
      return [`link set dev ${checkLinkName(change.name)} down`];
    case 'rename':
      return [`link set dev ${change.name} name ${checkLinkName(change.to)}`];
    case 'set-master':
      return [`link set dev ${change.name} master ${change.master}`];
    case 'set-hairpin':
      return [`link set dev ${change.name} type bridge_slave hairpin on`];
    case 'set-isolated':
      return [`link set dev ${change.name} type bridge_slave isolated on`];
    case 'delete-link':
      return [`link delete dev ${change.name}`];
    case 'add-address': {
      const extra = change.address.includes(':') ? ' nodad' : ' broadcast +';
      return [`address add ${change.address}${extra} dev ${change.link}`];
    }
    case 'add-route':
    case 'delete-route': {
      const verb = change.kind === 'add-route' ? 'add' : 'delete';
      const via = change.gateway === undefined ? '' : ` via ${change.gateway}`;
      return [`route ${verb} ${change.destination}${via} dev ${change.link}`];
    }
  }
}

function mtu(size: number | undefined): string {
  return size === undefined ? '' : ` mtu ${size}`;
}

function addressesOf(link: Fields): AddressInfo[] {
  const list = Array.isArray(link['addr_info']) ? link['addr_info'].map(record) : [];
  return list.flatMap((entry) => {
    const address = word(entry['local']);
    if (address === undefined) return [];
    return [{ linkIndex: number(link['ifindex']), address, prefixLength: number(entry['prefixlen']) }];
  });
}

function routeOf(route: Fields, family: 4 | 6, indexes: ReadonlyMap<string, number>): RouteInfo {
  const destination = word(route['dst']) ?? '';
  const whole = family === 4 ? '0.0.0.0/0' : '::/0';
  const bits = family === 4 ? 32 : 128;
  return {
    destination: destination === 'default' ? whole : destination.includes('/') ? destination : `${destination}/${bits}`,
    gateway: word(route['gateway']),
    linkIndex: indexes.get(word(route['dev']) ?? ''),
  };
}

type Fields = Readonly<Record<string, unknown>>;

function record(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {};
}

function word(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function number(value: unknown): number {
  return typeof value === 'number' ? value : 0;
}
