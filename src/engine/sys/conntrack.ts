import { readFileSync } from 'node:fs';
import { native } from './native.js';
import { attribute, NETLINK_NETFILTER, NetlinkSocket, NLA_F_NESTED, readAttributes } from './netlink.js';
import { sysErrno } from './call-failed.js';

const NFNL_SUBSYS_CTNETLINK = 1 << 8;
const [IPCTNL_MSG_CT_GET, IPCTNL_MSG_CT_DELETE] = [1, 2];
const CTA_TUPLE_ORIG = 1;
const CTA_TUPLE_PROTO = 2;
const [CTA_PROTO_NUM, CTA_PROTO_DST_PORT] = [1, 3];
const numbers = { tcp: 6, udp: 17, sctp: 132 } as const;
const families = { 4: 2, 6: 10 } as const;

/** Reading more than this takes longer than the main thread may be held up. */
const maxFlows = 20_000;

/**
 * Makes the kernel forget the tracked flows to a port of the host, so that the next packet meets the rules of now: a
 * UDP flow that goes on would otherwise keep the redirection it began with. Does its best: without FFI, without
 * connection tracking or with a very long table nothing happens, and flows time out as they always do.
 */
export function forgetFlows(protocol: keyof typeof numbers, port: number): void {
  const libc = native()?.libc;
  if (libc === undefined || trackedFlows() > maxFlows) return;
  const socket = new NetlinkSocket(libc, NETLINK_NETFILTER);
  try {
    for (const family of [4, 6] as const) forgetFamily(socket, family, numbers[protocol], port);
  } finally {
    socket.close();
  }
}

function forgetFamily(socket: NetlinkSocket, family: 4 | 6, protocol: number, port: number): void {
  const header = Buffer.from([families[family], 0, 0, 0]); // struct nfgenmsg
  const what = ['conntrack', protocol, port];
  for (const flow of socket.dump({ type: NFNL_SUBSYS_CTNETLINK | IPCTNL_MSG_CT_GET, flags: 0, body: header }, what)) {
    const original = readAttributes(flow, 4).get(CTA_TUPLE_ORIG);
    const tuple = original && readAttributes(original, 0).get(CTA_TUPLE_PROTO);
    if (original === undefined || tuple === undefined) continue;
    const fields = readAttributes(tuple, 0);
    if (fields.get(CTA_PROTO_NUM)?.[0] !== protocol || fields.get(CTA_PROTO_DST_PORT)?.readUInt16BE() !== port)
      continue;
    const body = Buffer.concat([header, attribute(CTA_TUPLE_ORIG | NLA_F_NESTED, original)]);
    try {
      socket.request({ type: NFNL_SUBSYS_CTNETLINK | IPCTNL_MSG_CT_DELETE, flags: 0, body }, what);
    } catch (error) {
      if (sysErrno(error) !== 'ENOENT') throw error; // it ended by itself meanwhile
    }
  }
}

function trackedFlows(): number {
  try {
    return Number(readFileSync('/proc/sys/net/netfilter/nf_conntrack_count', 'utf8'));
  } catch {
    return Infinity; // no connection tracking, nothing to forget
  }
}
