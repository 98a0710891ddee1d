import { TscomposeError } from '../base/errors.js';
import { renderLocation, type SourceLocation } from '../base/source-location.js';
import type { Project } from '../compose/index.js';
import { addressesOverlap, portClaims, type PortClaim } from './port-claims.js';
import { replicasOf } from './replicas.js';

declare module '../base/errors.js' {
  interface ErrorFacts {
    'graph/port-claimed-twice': {
      /** Decimal or a range `8000-8010`. */
      readonly port: string;
      readonly protocol: string;
      readonly first: { readonly service: string; readonly at: SourceLocation | undefined };
      readonly second: { readonly service: string; readonly at: SourceLocation | undefined };
    };
  }
}

/**
 * Finds host ports that two containers of the project want, before anything starts. Of a range such as `8000-8010:80`
 * a container takes one port, so ranges collide only when they run out.
 * @param scale - replicas asked for on the command line
 * @param services - the ones that will run
 * @throws `graph/port-claimed-twice` at the later claim; `problems/several` when there are more
 */
export function checkHostPorts(
  project: Project,
  scale: Readonly<Record<string, number>> = {},
  services: readonly string[] = Object.keys(project.model.services),
): void {
  const claims = portClaims(project, services, (service) => replicasOf(project, service, scale));
  const granted = new Map<number, PortClaim[]>();
  const problems = new Map<string, TscomposeError>();
  // Earliest end first: with that order giving each claim its lowest free port finds an assignment if there is one.
  for (const claim of [...claims].sort((a, b) => a.last - b.last || b.first - a.first)) {
    const holder = grant(claim, granted);
    if (holder === undefined) continue;
    const key = [claim.service, claim.first, claim.protocol, holder.service].join(' ');
    if (!problems.has(key)) problems.set(key, collision(holder, claim));
  }
  const [first, ...more] = problems.values();
  if (first === undefined) return;
  if (more.length === 0) throw first;
  throw new TscomposeError({
    code: 'problems/several',
    message: 'services claim the same host ports',
    facts: { problems: [first, ...more] },
  });
}

/** Gives the claim its lowest free port; the holder of its first port when there is none. */
function grant(claim: PortClaim, granted: Map<number, PortClaim[]>): PortClaim | undefined {
  let holder: PortClaim | undefined;
  for (let port = claim.first; port <= claim.last; port++) {
    const there = granted.get(port) ?? [];
    const rival = there.find(
      (other) => other.protocol === claim.protocol && addressesOverlap(other.hostIp, claim.hostIp),
    );
    if (rival === undefined) {
      granted.set(port, [...there, claim]);
      return undefined;
    }
    holder ??= rival;
  }
  return holder;
}

function collision(a: PortClaim, b: PortClaim): TscomposeError {
  const [first, second] = inFileOrder(a, b);
  const port = b.first === b.last ? String(b.first) : `${b.first}-${b.last}`;
  const where = second.hostIp === '' ? '' : ` on ${second.hostIp}`;
  const facts = {
    port,
    protocol: b.protocol,
    first: { service: first.service, at: first.at },
    second: { service: second.service, at: second.at },
  };
  if (first.service === second.service && first.number !== second.number) {
    return new TscomposeError({
      code: 'graph/port-claimed-twice',
      message: `every replica of service "${second.service}" wants host port ${port}/${second.protocol}${where}`,
      facts,
      hint: 'publish a range with a port for each replica, or leave the host port out',
      at: second.at,
    });
  }
  const earlier = first.at === undefined ? '' : ` (${renderLocation(first.at)})`;
  const rival = first.service === second.service ? 'another of its ports' : `service "${first.service}"`;
  return new TscomposeError({
    code: 'graph/port-claimed-twice',
    message: `service "${second.service}" wants host port ${port}/${second.protocol}${where}, which ${rival} has${earlier}`,
    facts,
    hint: 'give one of them another host port',
    at: second.at,
  });
}

function inFileOrder(a: PortClaim, b: PortClaim): [PortClaim, PortClaim] {
  const [left, right] = [a.at, b.at];
  if (left === undefined || left.file !== right?.file) return [a, b];
  const difference = left.line - right.line || left.column - right.column || a.number - b.number;
  return difference > 0 ? [b, a] : [a, b];
}
