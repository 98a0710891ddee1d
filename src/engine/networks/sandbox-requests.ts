import type { EndpointRecord, EndpointRequest, PortRequest } from './sandbox.js';

/** By priority, equal ones as given; `none` leaves nothing to make. */
export function inOrder(endpoints: readonly EndpointRequest[]): EndpointRequest[] {
  return endpoints.filter(({ network }) => network.driver !== 'null').toSorted(byPriority);
}

export function byPriority(left: { readonly priority?: number }, right: { readonly priority?: number }): number {
  return (right.priority ?? 0) - (left.priority ?? 0);
}

/** Whether an endpoint that is there is what is asked for. */
export function isAsBefore(
  { network, ipv4, ipv6, mac }: EndpointRequest,
  { networkId, requested }: EndpointRecord,
): boolean {
  return networkId === network.id && requested.ipv4 === ipv4 && requested.ipv6 === ipv6 && requested.mac === mac;
}

export function samePort(left: PortRequest, right: PortRequest | undefined): boolean {
  const key = ({ hostIp, hostPort, containerPort, protocol }: PortRequest) =>
    JSON.stringify([hostIp, hostPort, containerPort, protocol]);
  return right !== undefined && key(left) === key(right);
}

/** A port given twice in the same words is one port. */
export function distinct(ports: readonly PortRequest[]): PortRequest[] {
  const seen = new Map<string, PortRequest>();
  for (const port of ports) {
    const { hostIp, hostPort, containerPort, protocol } = port;
    const key = JSON.stringify([hostIp, hostPort ?? seen.size, containerPort, protocol]);
    if (!seen.has(key)) seen.set(key, port);
  }
  return [...seen.values()];
}

/** `container:alias`, or a name that is both. */
export function parseLink(link: string): { readonly target: string; readonly alias: string } {
  const [target = '', alias = target] = link.replace(/^\//, '').split(':');
  return { target: /^[0-9a-f]{64}$/.test(target) ? target.slice(0, 12) : target, alias };
}
