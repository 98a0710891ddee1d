import type { Links } from '../sys/index.js';
import type { HostRanges } from './catalogue.js';
import { parseSubnet } from './subnet.js';

/** Wider routes than this (default routes, the two halves that VPNs use instead) say nothing about what is taken. */
const widestRoute = 8;
const largestMtu = 1500;

/**
 * What the host uses now.
 * @param isGoing - whether a link is being removed, so that its addresses are free
 */
export function readHostRanges(links: Links, isGoing: (link: string) => boolean): HostRanges {
  const byIndex = new Map(links.list().map((link) => [link.index, link]));
  const routes = links.routes();
  const onward = routes.find(({ destination }) => destination === '0.0.0.0/0')?.linkIndex;
  const mtu = onward === undefined ? largestMtu : (byIndex.get(onward)?.mtu ?? largestMtu);
  const nameOf = (index: number | undefined): string =>
    index === undefined ? '' : (byIndex.get(index)?.name ?? String(index));
  const stays = ({ link }: { readonly link: string }): boolean => !isGoing(link);
  return {
    links: links
      .addresses()
      .map(({ address, prefixLength, linkIndex }) => ({
        subnet: parseSubnet(`${address}/${prefixLength}`),
        link: nameOf(linkIndex),
      }))
      .filter(stays),
    routes: routes
      .map(({ destination, linkIndex }) => ({ subnet: parseSubnet(destination), link: nameOf(linkIndex) }))
      .filter(({ subnet }) => subnet.prefixLength >= widestRoute)
      .filter(stays),
    mtu: Math.min(Math.max(mtu, 576), largestMtu),
  };
}
