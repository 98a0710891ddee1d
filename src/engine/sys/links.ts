import type { Links } from './link-change.js';
import { openLinksByNetlink } from './links-by-netlink.js';
import { openLinksByTool } from './links-by-tool.js';
import { native } from './native.js';
import type { NetworkNamespace } from './network-namespace.js';

/** Those of `namespace`, or of the one that this process lives in. */
export function openLinks(namespace?: NetworkNamespace): Links {
  const libc = native()?.libc;
  return libc === undefined ? openLinksByTool(namespace) : openLinksByNetlink(libc, namespace);
}
