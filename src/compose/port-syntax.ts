import { isIP } from 'node:net';

/** One port mapping out of the short form. */
export interface ShortPort {
  readonly target: number;
  /** A port, or `N-M` from which the engine takes a free one; absent: any free port. */
  readonly published?: string;
  readonly hostIp?: string;
  readonly protocol: string;
}

export type ParsedPorts = { readonly ports: readonly ShortPort[] } | { readonly problem: string };

interface Range {
  readonly from: number;
  readonly to: number;
}

/** Reads `[[ip:][host[-host]]:]container[-container][/protocol]`; ranges become one mapping a port. */
export function parsePorts(spec: string): ParsedPorts {
  const parts = spec.split(':');
  const containerPart = parts.at(-1) ?? '';
  const hostPart = parts.at(-2) ?? '';
  const ipPart = parts.slice(0, -2).join(':');
  const { port: containerText, protocol: protocolText } = splitProtocol(containerPart);

  const hostIp = /^\[.*\]$/.test(ipPart) ? ipPart.slice(1, -1) : ipPart;
  if (hostIp !== '' && isIP(hostIp) === 0) return { problem: `"${ipPart}" is not an IP address` };
  if (hostIp === ipPart && isIP(hostIp) === 6) return { problem: `an IPv6 address stands in brackets: [${hostIp}]` };
  if (containerText === '') return { problem: 'there is no container port' };
  const container = parseRange(containerText);
  if (container === undefined) return { problem: `"${containerText}" is not a port or a range of ports` };
  const host = hostPart === '' ? undefined : parseRange(hostPart);
  if (hostPart !== '' && host === undefined) return { problem: `"${hostPart}" is not a port or a range of ports` };
  const single = container.from === container.to;
  if (host !== undefined && host.to - host.from !== container.to - container.from && !single) {
    return { problem: `the ranges ${hostPart} and ${containerText} differ in length` };
  }
  const protocol = protocolText.toLowerCase();
  if (!['tcp', 'udp', 'sctp'].includes(protocol)) return { problem: `"${protocolText}" is not tcp, udp or sctp` };

  const ports: ShortPort[] = [];
  for (let offset = 0; offset <= container.to - container.from; offset++) {
    const published =
      host === undefined
        ? undefined
        : single && host.from !== host.to
          ? `${host.from}-${host.to}`
          : String(host.from + offset);
    ports.push({
      target: container.from + offset,
      protocol,
      ...(published !== undefined && { published }),
      ...(hostIp !== '' && { hostIp }),
    });
  }
  // docker compose orders them by their text: 100 before 99.
  ports.sort((left, right) => compareTexts(String(left.target), String(right.target)));
  return { ports };
}

function splitProtocol(text: string): { readonly port: string; readonly protocol: string } {
  const [port = '', protocol] = text.split('/');
  if (port === '') return { port: '', protocol: 'tcp' };
  return { port, protocol: protocol === undefined || protocol === '' ? 'tcp' : protocol };
}

function parseRange(text: string): Range | undefined {
  const [first = '', last = first] = text.split('-');
  if (!/^\d+$/.test(first) || !/^\d+$/.test(last)) return undefined;
  const range = { from: Number(first), to: Number(last) };
  return range.from > 65535 || range.to > 65535 || range.to < range.from ? undefined : range;
}

function compareTexts(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}
