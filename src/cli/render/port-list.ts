import type { ListedPort } from '../../api/container.js';

/** Ports as docker's tables show them: `0.0.0.0:8080->80/tcp`, runs joined to `0.0.0.0:8000-8002->80-82/tcp`. */
export function renderPorts(ports: readonly ListedPort[]): string {
  const sorted = ports.toSorted(
    (a, b) =>
      order(a.IP ?? '', b.IP ?? '') ||
      order(a.Type, b.Type) ||
      a.PrivatePort - b.PrivatePort ||
      (a.PublicPort ?? 0) - (b.PublicPort ?? 0),
  );
  const runs: Run[] = [];
  for (const port of sorted) {
    const run = runs.at(-1);
    if (run !== undefined && continues(run, port)) run.length += 1;
    else runs.push({ first: port, length: 1 });
  }
  const published = runs.filter(({ first }) => first.PublicPort !== undefined);
  const exposed = runs.filter(({ first }) => first.PublicPort === undefined);
  return [...published, ...exposed].map(renderRun).join(', ');
}

interface Run {
  readonly first: ListedPort;
  length: number;
}

function continues({ first, length }: Run, port: ListedPort): boolean {
  const sameKind = first.IP === port.IP && first.Type === port.Type && port.PrivatePort === first.PrivatePort + length;
  return (
    sameKind &&
    (first.PublicPort === undefined ? port.PublicPort === undefined : port.PublicPort === first.PublicPort + length)
  );
}

function renderRun({ first, length }: Run): string {
  const span = (port: number): string => (length === 1 ? `${port}` : `${port}-${port + length - 1}`);
  const inside = `${span(first.PrivatePort)}/${first.Type}`;
  return first.PublicPort === undefined ? inside : `${hostPart(first.IP ?? '')}${span(first.PublicPort)}->${inside}`;
}

function hostPart(ip: string): string {
  if (ip === '') return '';
  return ip.includes(':') ? `[${ip}]:` : `${ip}:`;
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
