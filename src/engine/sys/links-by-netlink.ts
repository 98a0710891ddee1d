import { addressBytes, addressText } from './ip-address.js';
import {
  type AddressInfo,
  checkLinkName,
  type LinkChange,
  type LinkInfo,
  type Links,
  type RouteInfo,
} from './link-change.js';
import type { Libc } from './native.js';
import { attribute, nested, NetlinkSocket, numberAttribute, readAttributes, textAttribute } from './netlink.js';
import { inNetworkNamespace, type NetworkNamespace } from './network-namespace.js';

const NETLINK_ROUTE = 0;
const [RTM_NEWLINK, RTM_DELLINK, RTM_GETLINK, RTM_SETLINK] = [16, 17, 18, 19];
const [RTM_NEWADDR, RTM_GETADDR] = [20, 22];
const [RTM_NEWROUTE, RTM_DELROUTE, RTM_GETROUTE] = [24, 25, 26];
const NLM_F_CREATE_EXCL = 0x600;
const [AF_INET, AF_BRIDGE, AF_INET6] = [2, 7, 10];
const IFF_UP = 1;
const [IFLA_ADDRESS, IFLA_IFNAME, IFLA_MTU, IFLA_MASTER, IFLA_PROTINFO, IFLA_LINKINFO] = [1, 3, 4, 10, 12, 18];
const IFLA_IFALIAS = 20;
const IFLA_NET_NS_FD = 28;
const [IFLA_INFO_KIND, IFLA_INFO_DATA] = [1, 2];
const VETH_INFO_PEER = 1;
const IFLA_LINK = 5;
const IFLA_MACVLAN_MODE = 1;
const [IFLA_IPVLAN_MODE, IFLA_IPVLAN_FLAGS] = [1, 2];
/** if_link.h; the flags of ipvlan.h, where neither means bridge. */
const macvlanModes: Readonly<Record<string, number>> = { private: 1, vepa: 2, bridge: 4, passthru: 8 };
const ipvlanModes: Readonly<Record<string, number>> = { l2: 0, l3: 1, l3s: 2 };
const ipvlanFlags: Readonly<Record<string, number>> = { bridge: 0, private: 1, vepa: 2 };
const [IFLA_BRPORT_MODE, IFLA_BRPORT_ISOLATED] = [4, 33];
const [IFA_ADDRESS, IFA_LOCAL, IFA_BROADCAST, IFA_FLAGS] = [1, 2, 4, 8];
const IFA_F_NODAD = 2;
const [RTA_DST, RTA_OIF, RTA_GATEWAY] = [1, 4, 5];
const RT_TABLE_MAIN = 254;
const RTPROT_BOOT = 3;
const [RT_SCOPE_UNIVERSE, RT_SCOPE_LINK] = [0, 253];
const RTN_UNICAST = 1;

/** The kernel's own interface: a few ten microseconds a change. */
export function openLinksByNetlink(libc: Libc, namespace: NetworkNamespace | undefined): Links {
  const open = () => new NetlinkSocket(libc, NETLINK_ROUTE);
  const socket = namespace === undefined ? open() : inNetworkNamespace(namespace, open); // it stays where it was opened
  return {
    apply: (changes) => {
      for (const change of changes) applyChange(socket, change);
    },
    list: () => dump(socket, RTM_GETLINK, linkMessage({})).map(parseLink),
    addresses: () => dump(socket, RTM_GETADDR, Buffer.alloc(8)).flatMap(parseAddress),
    routes: () => dump(socket, RTM_GETROUTE, Buffer.alloc(12)).flatMap(parseRoute),
    close: () => {
      socket.close();
    },
  };
}

function dump(socket: NetlinkSocket, type: number, body: Buffer): Buffer[] {
  return socket.dump({ type, flags: 0, body }, [`dump ${type}`]);
}

function applyChange(socket: NetlinkSocket, change: LinkChange): void {
  const what = Object.values(change).map((value: unknown) => (typeof value === 'object' ? '(namespace)' : value));
  const send = (type: number, flags: number, ...parts: readonly Buffer[]): void => {
    socket.request({ type, flags, body: Buffer.concat(parts) }, what);
  };
  switch (change.kind) {
    case 'add-bridge':
      send(
        RTM_NEWLINK,
        NLM_F_CREATE_EXCL,
        linkMessage({}),
        textAttribute(IFLA_IFNAME, checkLinkName(change.name)),
        macAttribute(change.mac),
        mtuAttribute(change.mtu),
        nested(IFLA_LINKINFO, textAttribute(IFLA_INFO_KIND, 'bridge')),
      );
      return;
    case 'set-alias':
      send(
        RTM_NEWLINK,
        0,
        linkMessage({ index: indexOf(socket, change.name) }),
        attribute(IFLA_IFALIAS, Buffer.from(change.alias)),
      );
      return;
    case 'add-veth':
      send(
        RTM_NEWLINK,
        NLM_F_CREATE_EXCL,
        linkMessage({ flags: IFF_UP }),
        textAttribute(IFLA_IFNAME, checkLinkName(change.name)),
        mtuAttribute(change.mtu),
        change.master === undefined ? none : numberAttribute(IFLA_MASTER, indexOf(socket, change.master)),
        nested(
          IFLA_LINKINFO,
          textAttribute(IFLA_INFO_KIND, 'veth'),
          nested(
            IFLA_INFO_DATA,
            nested(
              VETH_INFO_PEER,
              linkMessage({}),
              textAttribute(IFLA_IFNAME, checkLinkName(change.peer)),
              macAttribute(change.peerMac),
              mtuAttribute(change.mtu),
              numberAttribute(IFLA_NET_NS_FD, change.peerNamespace.fd),
            ),
          ),
        ),
      );
      return;
    case 'add-macvlan':
    case 'add-ipvlan':
      send(
        RTM_NEWLINK,
        NLM_F_CREATE_EXCL,
        linkMessage({}),
        textAttribute(IFLA_IFNAME, checkLinkName(change.name)),
        numberAttribute(IFLA_LINK, indexOf(socket, change.parent)),
        change.mtu === 0 ? none : mtuAttribute(change.mtu),
        change.kind === 'add-macvlan' ? macAttribute(change.mac) : none,
        numberAttribute(IFLA_NET_NS_FD, change.namespace.fd),
        nested(IFLA_LINKINFO, ...childInformation(change)),
      );
      return;
    case 'set-up':
    case 'set-down':
      send(
        RTM_NEWLINK,
        0,
        linkMessage({
          index: indexOf(socket, change.name),
          flags: change.kind === 'set-up' ? IFF_UP : 0,
          mask: IFF_UP,
        }),
      );
      return;
    case 'rename':
      send(
        RTM_NEWLINK,
        0,
        linkMessage({ index: indexOf(socket, change.name) }),
        textAttribute(IFLA_IFNAME, checkLinkName(change.to)),
      );
      return;
    case 'set-master':
      send(
        RTM_NEWLINK,
        0,
        linkMessage({ index: indexOf(socket, change.name) }),
        numberAttribute(IFLA_MASTER, indexOf(socket, change.master)),
      );
      return;
    case 'set-hairpin':
    case 'set-isolated':
      send(
        RTM_SETLINK,
        0,
        linkMessage({ family: AF_BRIDGE, index: indexOf(socket, change.name) }),
        nested(
          IFLA_PROTINFO,
          attribute(change.kind === 'set-hairpin' ? IFLA_BRPORT_MODE : IFLA_BRPORT_ISOLATED, Buffer.from([1])),
        ),
      );
      return;
    case 'delete-link':
      send(RTM_DELLINK, 0, linkMessage({ index: indexOf(socket, change.name) }));
      return;
    case 'add-address':
      send(RTM_NEWADDR, NLM_F_CREATE_EXCL, addressMessage(indexOf(socket, change.link), change.address));
      return;
    case 'add-route':
      send(RTM_NEWROUTE, NLM_F_CREATE_EXCL, routeMessage(indexOf(socket, change.link), change));
      return;
    case 'delete-route':
      send(RTM_DELROUTE, 0, routeMessage(indexOf(socket, change.link), change));
      return;
  }
}

function childInformation(change: Extract<LinkChange, { kind: 'add-macvlan' | 'add-ipvlan' }>): Buffer[] {
  if (change.kind === 'add-macvlan') {
    const mode = numberAttribute(IFLA_MACVLAN_MODE, macvlanModes[change.mode] ?? 0);
    return [textAttribute(IFLA_INFO_KIND, 'macvlan'), nested(IFLA_INFO_DATA, mode)];
  }
  const mode = shortAttribute(IFLA_IPVLAN_MODE, ipvlanModes[change.mode] ?? 0);
  const flags = shortAttribute(IFLA_IPVLAN_FLAGS, ipvlanFlags[change.flag] ?? 0);
  return [textAttribute(IFLA_INFO_KIND, 'ipvlan'), nested(IFLA_INFO_DATA, mode, flags)];
}

function shortAttribute(type: number, value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return attribute(type, bytes);
}

const none = Buffer.alloc(0);

interface LinkFields {
  readonly family?: number;
  readonly index?: number;
  readonly flags?: number;
  readonly mask?: number;
}

/** struct ifinfomsg */
function linkMessage({ family = 0, index = 0, flags = 0, mask = flags }: LinkFields): Buffer {
  const bytes = Buffer.alloc(16);
  bytes.writeUInt8(family, 0);
  bytes.writeInt32LE(index, 4);
  bytes.writeUInt32LE(flags, 8);
  bytes.writeUInt32LE(mask, 12);
  return bytes;
}

/** struct ifaddrmsg */
function addressMessage(index: number, cidr: string): Buffer {
  const { bytes, prefixLength } = parseCidr(cidr);
  const header = Buffer.alloc(8);
  header.writeUInt8(bytes.length === 4 ? AF_INET : AF_INET6, 0);
  header.writeUInt8(prefixLength, 1);
  header.writeUInt32LE(index, 4);
  const parts = [header, attribute(IFA_LOCAL, bytes), attribute(IFA_ADDRESS, bytes)];
  if (bytes.length === 16) parts.push(numberAttribute(IFA_FLAGS, IFA_F_NODAD));
  else if (prefixLength < 31) parts.push(attribute(IFA_BROADCAST, broadcastOf(bytes, prefixLength)));
  return Buffer.concat(parts);
}

function broadcastOf(bytes: Buffer, prefixLength: number): Buffer {
  const broadcast = Buffer.alloc(4);
  broadcast.writeUInt32BE((bytes.readUInt32BE(0) | (0xffffffff >>> prefixLength)) >>> 0);
  return broadcast;
}

/** struct rtmsg */
function routeMessage(index: number, route: { destination: string; gateway?: string }): Buffer {
  const { bytes, prefixLength } = parseCidr(route.destination);
  const header = Buffer.alloc(12);
  header.writeUInt8(bytes.length === 4 ? AF_INET : AF_INET6, 0);
  header.writeUInt8(prefixLength, 1);
  header.writeUInt8(RT_TABLE_MAIN, 4);
  header.writeUInt8(RTPROT_BOOT, 5);
  header.writeUInt8(route.gateway === undefined ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE, 6);
  header.writeUInt8(RTN_UNICAST, 7);
  const parts = [header, numberAttribute(RTA_OIF, index)];
  if (prefixLength > 0) parts.push(attribute(RTA_DST, bytes));
  if (route.gateway !== undefined) parts.push(attribute(RTA_GATEWAY, addressBytes(route.gateway)));
  return Buffer.concat(parts);
}

function parseCidr(cidr: string): { bytes: Buffer; prefixLength: number } {
  const [address = '', length] = cidr.split('/');
  const bytes = addressBytes(address);
  return { bytes, prefixLength: length === undefined ? bytes.length * 8 : Number(length) };
}

function macAttribute(mac: string | undefined): Buffer {
  return mac === undefined ? none : attribute(IFLA_ADDRESS, Buffer.from(mac.replaceAll(':', ''), 'hex'));
}

function mtuAttribute(mtu: number | undefined): Buffer {
  return mtu === undefined ? none : numberAttribute(IFLA_MTU, mtu);
}

function indexOf(socket: NetlinkSocket, name: string): number {
  const body = Buffer.concat([linkMessage({}), textAttribute(IFLA_IFNAME, checkLinkName(name))]);
  return socket.query({ type: RTM_GETLINK, flags: 0, body }, ['find link', name]).readInt32LE(4);
}

function parseLink(body: Buffer): LinkInfo {
  const attributes = readAttributes(body, 16);
  const information = attributes.get(IFLA_LINKINFO);
  const type = information && readAttributes(information, 0).get(IFLA_INFO_KIND);
  return {
    name: text(attributes.get(IFLA_IFNAME)) ?? '',
    index: body.readInt32LE(4),
    type: text(type),
    up: (body.readUInt32LE(8) & IFF_UP) !== 0,
    mtu: attributes.get(IFLA_MTU)?.readUInt32LE() ?? 0,
    mac:
      attributes
        .get(IFLA_ADDRESS)
        ?.toString('hex')
        .replace(/..(?=.)/g, '$&:') ?? '',
    alias: text(attributes.get(IFLA_IFALIAS)),
    masterIndex: attributes.get(IFLA_MASTER)?.readUInt32LE() ?? 0,
  };
}

function parseAddress(body: Buffer): AddressInfo[] {
  const attributes = readAttributes(body, 8);
  const bytes = attributes.get(IFA_LOCAL) ?? attributes.get(IFA_ADDRESS);
  if (bytes === undefined) return [];
  return [{ linkIndex: body.readUInt32LE(4), address: addressText(bytes), prefixLength: body.readUInt8(1) }];
}

function parseRoute(body: Buffer): RouteInfo[] {
  const family = body.readUInt8(0);
  if (body.readUInt8(4) !== RT_TABLE_MAIN || body.readUInt8(7) !== RTN_UNICAST) return [];
  if (family !== AF_INET && family !== AF_INET6) return [];
  const attributes = readAttributes(body, 12);
  const gateway = attributes.get(RTA_GATEWAY);
  const destination = attributes.get(RTA_DST) ?? Buffer.alloc(family === AF_INET ? 4 : 16);
  return [
    {
      destination: `${addressText(destination)}/${body.readUInt8(1)}`,
      gateway: gateway === undefined ? undefined : addressText(gateway),
      linkIndex: attributes.get(RTA_OIF)?.readUInt32LE(),
    },
  ];
}

function text(bytes: Buffer | undefined): string | undefined {
  return bytes === undefined ? undefined : bytes.toString('utf8', 0, bytes.length - 1);
}
