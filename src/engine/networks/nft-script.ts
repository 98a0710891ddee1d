import type { GatewayMode } from './bridge-options.js';

/** A bridge as the packet filter sees it. */
export interface FilteredNetwork {
  readonly bridge: string;
  readonly subnets: readonly FilteredSubnet[];
  readonly internal: boolean;
  /** Containers on it may not talk to each other. */
  readonly isolated: boolean;
}

export interface FilteredSubnet {
  readonly family: 4 | 6;
  readonly text: string;
  readonly mode: GatewayMode;
  /** What leaves carries an address of the host. */
  readonly masquerade: boolean;
}

export interface PublishedPort {
  readonly family: 4 | 6;
  /** `routed`: reached at the container's own address, and nothing of the host's leads there. */
  readonly via: 'host' | 'routed';
  /** Undefined: every address of the host. */
  readonly hostIp: string | undefined;
  readonly hostPort: number;
  readonly protocol: string;
  readonly address: string;
  readonly port: number;
}

type Family = 4 | 6;
type Verb = 'add' | 'delete';

/**
 * On the mark of a forwarded packet that the tables here have accepted: what an exception in another's firewall goes by.
 * Set after every routing decision, and gone when the packet leaves the host or enters a container.
 */
export const acceptedMark = '0x8000000';

/** One table a family. It is worded with sets, so that a change is a handful of elements. */
export function tableOf(name: string, family: Family): string {
  return `${family === 4 ? 'ip' : 'ip6'} ${name}`;
}

/**
 * Makes the table anew, empty, whatever was there before, within the transaction that this is part of.
 *
 * `forward` comes before other filters, which it leaves their say: a drop anywhere wins. What it accepts it marks
 * ({@link acceptedMark}), but for traffic with a bridge that is neither ours nor the host's own way out (`near`): those
 * containers are another engine's, whose firewall decides.
 */
export function emptyTable(name: string, family: Family): string {
  const table = tableOf(name, family);
  const [ip, type] = family === 4 ? ['ip', 'ipv4_addr'] : ['ip6', 'ipv6_addr'];
  const loopback = family === 4 ? '127.0.0.0/8' : '::1';
  return `table ${table}
delete table ${table}
table ${table} {
  set links { type ifname; }
  set near { type ifname; }
  set internal { type ifname; }
  set pairs { type ifname . ifname; }
  set own { type ifname . ${type}; flags interval; }
  set leaving { type ${type}; flags interval; }
  set unprotected { type ifname; }
  set routed { type ifname; }
  set open { type ${type} . inet_proto . inet_service; }
  map at { type ${type} . inet_proto . inet_service : ${type} . inet_service; }
  map any { type inet_proto . inet_service : ${type} . inet_service; }

  chain published {
${family === 4 ? '' : '    ip6 daddr ::1 return # no redirection leaves ::1: a listener serves it\n'}    meta l4proto { tcp, udp, sctp } dnat ${ip} to ${ip} daddr . meta l4proto . th dport map @at
    meta l4proto { tcp, udp, sctp } dnat ${ip} to meta l4proto . th dport map @any
  }
  chain guard {
    type filter hook prerouting priority raw; policy accept;
    iifname != { "lo", "loopback0" } ${ip} daddr ${loopback} drop # or a neighbour reached what is published to 127.0.0.1
  }
  chain prerouting {
    type nat hook prerouting priority dstnat; policy accept;
    fib daddr type local jump published
  }
  chain output {
    type nat hook output priority -100; policy accept;
    fib daddr type local jump published
  }
  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    oifname @links ct status dnat ${ip} saddr ${loopback} masquerade
    oifname . ${ip} saddr @own ct status dnat masquerade
    ${ip} saddr @leaving oifname . ${ip} saddr != @own masquerade
  }
  chain admit {
    meta mark set meta mark | ${acceptedMark} accept
  }
  chain judge {
    iifname "tsc*" oifname "tsc*" goto admit
    iifname != "tsc*" iifname != @near meta iifkind "bridge" return
    oifname != "tsc*" oifname != @near meta oifkind "bridge" return
    goto admit
  }
  chain forward {
    type filter hook forward priority -120; policy accept;
    iifname . oifname @pairs goto admit
    iifname @internal drop
    oifname @internal drop
    oifname @links ct state established,related goto admit
    oifname @links ct status dnat goto judge
    oifname @unprotected goto judge
    oifname @routed meta l4proto { icmp, icmpv6 } goto judge
    oifname @links ${ip} daddr . meta l4proto . th dport @open goto judge
    oifname @links drop
    iifname @links goto judge
  }
}
`;
}

/** The elements of one network. */
export function networkElements(verb: Verb, name: string, family: Family, network: FilteredNetwork): string[] {
  const element = (set: string, value: string) => `${verb} element ${tableOf(name, family)} ${set} { ${value} }`;
  const subnets = network.subnets.filter((subnet) => subnet.family === family);
  const { bridge } = network;
  const leaving = network.internal ? [] : subnets.filter(({ masquerade }) => masquerade);
  const has = (mode: GatewayMode) => !network.internal && subnets.some((subnet) => subnet.mode === mode);
  return [
    element('links', bridge),
    element('near', bridge),
    ...(network.isolated ? [] : [element('pairs', `${bridge} . ${bridge}`)]),
    ...(network.internal ? [element('internal', bridge)] : []),
    ...(has('nat-unprotected') ? [element('unprotected', bridge)] : []),
    ...(has('routed') ? [element('routed', bridge)] : []),
    ...subnets.map(({ text }) => element('own', `${bridge} . ${text}`)),
    ...leaving.map(({ text }) => element('leaving', text)),
  ];
}

/** The element of a bridge of the host that leads outside. */
export function nearElement(verb: Verb, name: string, family: Family, bridge: string): string {
  return `${verb} element ${tableOf(name, family)} near { ${bridge} }`;
}

/** The element of one port. */
export function portElement(verb: Verb, name: string, published: PublishedPort): string {
  const { family, via, hostIp, hostPort, protocol, address, port } = published;
  const table = tableOf(name, family);
  if (via === 'routed') return `${verb} element ${table} open { ${address} . ${protocol} . ${port} }`;
  const key = `${hostIp === undefined ? '' : `${hostIp} . `}${protocol} . ${hostPort}`;
  const map = hostIp === undefined ? 'any' : 'at';
  return `${verb} element ${table} ${map} { ${key} : ${address} . ${port} }`;
}
