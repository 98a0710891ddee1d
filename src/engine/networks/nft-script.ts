/** A bridge as the packet filter sees it. */
export interface FilteredNetwork {
  readonly bridge: string;
  readonly subnets: readonly { readonly family: 4 | 6; readonly text: string }[];
  readonly internal: boolean;
  /** Containers on it may not talk to each other. */
  readonly isolated: boolean;
  readonly masquerade: boolean;
}

export interface PublishedPort {
  readonly family: 4 | 6;
  /** Undefined: every address of the host. */
  readonly hostIp: string | undefined;
  readonly hostPort: number;
  readonly protocol: string;
  readonly address: string;
  readonly port: number;
}

type Family = 4 | 6;
type Verb = 'add' | 'delete';

/** One table a family. It is worded with sets, so that a change is a handful of elements. */
export function tableOf(name: string, family: Family): string {
  return `${family === 4 ? 'ip' : 'ip6'} ${name}`;
}

/** Makes the table anew, empty, whatever was there before, within the transaction that this is part of. */
export function emptyTable(name: string, family: Family): string {
  const table = tableOf(name, family);
  const [ip, type] = family === 4 ? ['ip', 'ipv4_addr'] : ['ip6', 'ipv6_addr'];
  const loopback = family === 4 ? '127.0.0.0/8' : '::1';
  return `table ${table}
delete table ${table}
table ${table} {
  set links { type ifname; }
  set internal { type ifname; }
  set pairs { type ifname . ifname; }
  set own { type ifname . ${type}; flags interval; }
  set leaving { type ${type}; flags interval; }
  map at { type ${type} . inet_proto . inet_service : ${type} . inet_service; }
  map any { type inet_proto . inet_service : ${type} . inet_service; }

  chain published {
${family === 4 ? '' : '    ip6 daddr ::1 return # no redirection leaves ::1: a listener serves it\n'}    meta l4proto { tcp, udp, sctp } dnat ${ip} to ${ip} daddr . meta l4proto . th dport map @at
    meta l4proto { tcp, udp, sctp } dnat ${ip} to meta l4proto . th dport map @any
  }
  chain guard {
    type filter hook prerouting priority raw; policy accept;
    iifname @links ${ip} daddr ${loopback} drop
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
  chain forward {
    type filter hook forward priority filter; policy accept;
    iifname . oifname @pairs accept
    iifname @internal drop
    oifname @internal drop
    oifname @links ct state established,related accept
    oifname @links ct status dnat accept
    oifname @links drop
  }
}
`;
}

/** The elements of one network. */
export function networkElements(verb: Verb, name: string, family: Family, network: FilteredNetwork): string[] {
  const element = (set: string, value: string) => `${verb} element ${tableOf(name, family)} ${set} { ${value} }`;
  const subnets = network.subnets.filter((subnet) => subnet.family === family).map(({ text }) => text);
  const { bridge } = network;
  return [
    element('links', bridge),
    ...(network.isolated ? [] : [element('pairs', `${bridge} . ${bridge}`)]),
    ...(network.internal ? [element('internal', bridge)] : []),
    ...subnets.map((subnet) => element('own', `${bridge} . ${subnet}`)),
    ...(network.masquerade && !network.internal ? subnets.map((subnet) => element('leaving', subnet)) : []),
  ];
}

/** The element of one port. */
export function portElement(verb: Verb, name: string, published: PublishedPort): string {
  const { family, hostIp, hostPort, protocol, address, port } = published;
  const key = `${hostIp === undefined ? '' : `${hostIp} . `}${protocol} . ${hostPort}`;
  const map = hostIp === undefined ? 'any' : 'at';
  return `${verb} element ${tableOf(name, family)} ${map} { ${key} : ${address} . ${port} }`;
}
