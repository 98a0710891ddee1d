import { isIPv6 } from 'node:net';
import type { SourceLocation } from '../base/source-location.js';
import type { Port, Project } from '../compose/index.js';

/** A wish for one host port out of `first`…`last`. */
export interface PortClaim {
  readonly service: string;
  readonly number: number;
  readonly hostIp: string;
  readonly protocol: string;
  readonly first: number;
  readonly last: number;
  readonly at: SourceLocation | undefined;
}

/** Claims of every replica, services in order of name. Ephemeral ports and services on the host's network claim nothing. */
export function portClaims(
  project: Project,
  services: readonly string[],
  replicasOf: (service: string) => number,
): PortClaim[] {
  const claims: PortClaim[] = [];
  for (const service of [...services].sort()) {
    const { ports = [], network_mode: mode } = project.model.services[service] ?? {};
    if (mode !== undefined && /^(host|none)$|^(service|container):/.test(mode)) continue;
    for (const [index, port] of ports.entries()) {
      const range = publishedRange(port);
      if (range === undefined) continue;
      const at = project.locate(['services', service, 'ports', index]);
      const claim = { service, hostIp: port.host_ip ?? '', protocol: port.protocol ?? 'tcp', ...range, at };
      for (let number = 1; number <= replicasOf(service); number++) claims.push({ ...claim, number });
    }
  }
  return claims;
}

/** Whether one address covers the other: an empty address is every address, `0.0.0.0` and `::` every one of its kind. */
export function addressesOverlap(a: string, b: string): boolean {
  if (a === '' || b === '' || a === b) return true;
  if (isIPv6(a) !== isIPv6(b)) return false;
  return isUnspecified(a) || isUnspecified(b);
}

function isUnspecified(address: string): boolean {
  return address === '0.0.0.0' || /^[0:]+$/.test(address);
}

function publishedRange({ published }: Port): { readonly first: number; readonly last: number } | undefined {
  const [low = '', high = low] = (published ?? '').split('-');
  const first = Number(low);
  const last = Number(high);
  return low === '' || first === 0 || !(last >= first) ? undefined : { first, last };
}
