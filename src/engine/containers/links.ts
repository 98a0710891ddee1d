import type { HostConfig } from '../../api/container.js';
import { hasCode, TscomposeError } from '../../base/errors.js';
import { parseLink } from '../networks/index.js';
import type { Container } from './container.js';
import { environmentOf } from './environment.js';
import { invalidConfig } from './errors.js';
import type { Room } from './room.js';

/** @throws `container/invalid-config` for a link to a container that is not there */
export function checkLinks(room: Room, { Links, NetworkMode }: HostConfig): void {
  if (NetworkMode !== 'bridge') return; // elsewhere a link is a name, which need not be there yet
  for (const link of Links ?? []) {
    const { target } = parseLink(link);
    try {
      room.registry.resolve(target);
    } catch (error) {
      if (!hasCode(error, 'container/not-found')) throw error;
      throw invalidConfig('Links', `could not get container for ${target}: No such container: ${target}`);
    }
  }
}

/**
 * The variables that tell a container on the common bridge about those it links to, as Docker has them: name, ports and
 * environment of each. On other networks there are names instead.
 * @throws `container/invalid-config` when one of them does not run
 */
export function linkVariables(room: Room, { record }: Container): string[] {
  const { Links } = record.endpoints['bridge'] ?? {};
  return (Links ?? []).flatMap((link) => {
    const { target, alias } = parseLink(link);
    const other = room.registry.resolve(target);
    const place = `/${record.name}/${alias}`;
    if (!other.isLive) {
      throw new TscomposeError({
        code: 'container/invalid-config',
        message: `Cannot link to a non running container: /${other.record.name} AS ${place}`,
        facts: { option: 'Links' },
      });
    }
    const address = room.networks.endpointsOf(other.id)['bridge']?.IPAddress ?? '';
    const { config, hostConfig } = other.record;
    const ports = Object.keys({ ...config.ExposedPorts, ...hostConfig.PortBindings });
    const own = environmentOf(config).filter((word) => !/^(HOME|PATH|HOSTNAME|TERM)=/.test(word));
    return describeLink({ alias, place, address, ports, env: own });
  });
}

/** As dockerd lists them: `/target:/own/alias`, and only those on the common bridge, where links are more than names. */
export function shownLinks(room: Room, { record }: Container): string[] | null {
  const links = record.endpoints['bridge']?.Links ?? [];
  if (links.length === 0) return null;
  return links.map((link) => {
    const { target, alias } = parseLink(link);
    return `/${room.registry.find(target)?.record.name ?? target}:/${record.name}/${alias}`;
  });
}

interface Linked {
  readonly alias: string;
  readonly place: string;
  readonly address: string;
  readonly ports: readonly string[];
  readonly env: readonly string[];
}

/** The words for one link; ports that follow each other also as a range. */
export function describeLink({ alias, place, address, ports, env }: Linked): string[] {
  const prefix = alias.toUpperCase().replaceAll('-', '_');
  const sorted = ports
    .map(parsePort)
    .toSorted((left, right) => left.number - right.number || (left.protocol === 'tcp' ? -1 : 1));
  const url = ({ number, protocol }: Port) => `${protocol}://${address}:${number}`;
  const [first] = sorted;
  return [
    ...(first === undefined ? [] : [`${prefix}_PORT=${url(first)}`]),
    ...sorted.flatMap((port, index) => {
      const name = `${prefix}_PORT_${port.number}_${port.protocol.toUpperCase()}`;
      const last = endOfRange(sorted, index);
      const begins = last !== port && endOfRange(sorted, index - 1) !== last;
      return [
        ...(begins
          ? [
              `${name}_START=${url(port)}`,
              `${name}_PORT_START=${port.number}`,
              `${name}_END=${url(last)}`,
              `${name}_PORT_END=${last.number}`,
            ]
          : []),
        `${name}=${url(port)}`,
        `${name}_ADDR=${address}`,
        `${name}_PORT=${port.number}`,
        `${name}_PROTO=${port.protocol}`,
      ];
    }),
    `${prefix}_NAME=${place}`,
    ...env.map((word) => `${prefix}_ENV_${word}`),
  ];
}

interface Port {
  readonly number: number;
  readonly protocol: string;
}

function parsePort(spec: string): Port {
  const [number = '', protocol = 'tcp'] = spec.split('/');
  return { number: Number(number), protocol };
}

/** The last of the ports that follow each other without a gap, in one protocol. */
function endOfRange(ports: readonly Port[], from: number): Port {
  let last = ports[from] ?? { number: -2, protocol: '' };
  for (const next of ports.slice(from + 1)) {
    if (next.protocol !== last.protocol || next.number !== last.number + 1) break;
    last = next;
  }
  return last;
}
