import type { ListedPort } from '../../api/container.js';

/**
 * Ports as docker's tables show them. First those that are the same inside and outside, or only exposed, with runs of
 * one address joined: `127.0.0.1:8000-8002->8000-8002/tcp`; then every mapping to another port: `0.0.0.0:8080->80/tcp`.
 */
export function renderPorts(ports: readonly ListedPort[]): string {
  const sorted = ports.toSorted(
    (a, b) =>
      a.PrivatePort - b.PrivatePort ||
      order(a.IP ?? '', b.IP ?? '') ||
      (a.PublicPort ?? 0) - (b.PublicPort ?? 0) ||
      order(a.Type, b.Type),
  );
  const ended: Run[] = [];
  const open = new Map<string, Run>();
  const mappings: string[] = [];
  for (const { IP: ip = '', PrivatePort: port, PublicPort: outside, Type: type } of sorted) {
    if (ip !== '' && outside !== undefined && outside !== port) {
      mappings.push(`${hostPart(ip)}${outside}->${port}/${type}`);
      continue;
    }
    const key = `${ip}/${type}`;
    const run = open.get(key);
    if (run?.last === port - 1) run.last = port;
    else {
      if (run !== undefined) ended.push(run);
      // A new run keeps the place of the first one of its address.
      open.set(key, { ip, type, first: port, last: port });
    }
  }
  return [...[...ended, ...open.values()].map(renderRun), ...mappings].join(', ');
}

interface Run {
  readonly ip: string;
  readonly type: string;
  readonly first: number;
  last: number;
}

function renderRun({ ip, type, first, last }: Run): string {
  const span = first === last ? `${first}` : `${first}-${last}`;
  return ip === '' ? `${span}/${type}` : `${hostPart(ip)}${span}->${span}/${type}`;
}

function hostPart(ip: string): string {
  return ip.includes(':') ? `[${ip}]:` : `${ip}:`;
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/**
 * The same list for a narrow terminal: a port published on every address is told once and without them, so
 * `0.0.0.0:80->80/tcp, [::]:80->80/tcp` becomes `80->80/tcp`.
 */
export function briefPorts(list: string): string {
  const parts = list.split(', ').map((part) => part.replace(/^(?:0\.0\.0\.0|\[::\]):/, ''));
  return [...new Set(parts)].join(', ');
}
