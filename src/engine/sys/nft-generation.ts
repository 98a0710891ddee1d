import { native } from './native.js';
import { NETLINK_NETFILTER, NetlinkSocket, readAttributes } from './netlink.js';

const NFNL_SUBSYS_NFTABLES = 10 << 8;
const NFT_MSG_GETGEN = 16;
const NFTA_GEN_ID = 1;

/**
 * The number of the rule set of nftables in this process's network namespace, another one after every change that
 * anybody makes (NFT_MSG_GETGEN, 0.05 ms). Undefined without FFI, or where the kernel has no nf_tables.
 */
export function nftGeneration(): number | undefined {
  const libc = native()?.libc;
  if (libc === undefined) return undefined;
  const socket = new NetlinkSocket(libc, NETLINK_NETFILTER);
  try {
    const body = Buffer.alloc(4); // struct nfgenmsg: every family
    const answer = socket.query({ type: NFNL_SUBSYS_NFTABLES | NFT_MSG_GETGEN, flags: 0, body }, ['nft generation']);
    const id = readAttributes(answer, 4).get(NFTA_GEN_ID);
    return id?.readUInt32BE();
  } catch {
    return undefined; // a kernel without nf_tables
  } finally {
    socket.close();
  }
}
