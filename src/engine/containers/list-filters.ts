import type { Filters } from '../../api/common.js';
import { parseGoDuration } from '../../base/go-duration.js';
import { hasLabel } from '../../base/label-filter.js';
import { passesNameFilter } from '../../base/name-filter.js';
import type { Container } from './container.js';
import { invalidFilter } from './errors.js';
import { parsePortSpec } from './port-requests.js';
import type { Room } from './room.js';
import { nowNs, parseTime } from './time.js';
import { findNetwork, healthOf, networksOf, portMapOf, wireStatus } from './wire.js';

type Matcher = (container: Container) => boolean;

const statuses = ['created', 'restarting', 'running', 'removing', 'paused', 'exited', 'dead'];

/**
 * One test for all filters: values of a key are alternatives, except `label` where all must hold; keys must all hold.
 * @throws `container/invalid-filter`, `container/not-found`
 */
export function containerMatcher(room: Room, filters: Filters): Matcher {
  const matchers = Object.entries(filters)
    .filter(([, values]) => values.length > 0)
    .map(([key, values]) => matcherOf(room, key, values));
  return (container) => matchers.every((matches) => matches(container));
}

function matcherOf(room: Room, key: string, values: readonly string[]): Matcher {
  switch (key) {
    case 'id':
      return ({ id }) => values.some((value) => passesNameFilter(value, id));
    case 'name':
      return ({ record: { name } }) =>
        values.some((value) => passesNameFilter(value, name) || passesNameFilter(value, `/${name}`));
    case 'label':
      return (container) => values.every((value) => hasLabel(container.record.config.Labels ?? {}, value));
    case 'status': {
      const unknown = values.find((value) => !statuses.includes(value));
      if (unknown !== undefined) throw invalidFilter(key, unknown);
      return (container) => values.includes(wireStatus(container));
    }
    case 'exited': {
      const codes = values.map((value) => {
        if (!/^-?\d+$/.test(value)) {
          const why = `strconv.Atoi: parsing ${JSON.stringify(value)}: invalid syntax`; // clients show Go's words
          throw invalidFilter(key, value, `invalid filter 'exited=${value}': ${why}`);
        }
        return Number(value);
      });
      return ({ state }) => state.status === 'exited' && codes.includes(state.exitCode);
    }
    case 'health': {
      const unknown = values.find((value) => !['starting', 'healthy', 'unhealthy', 'none'].includes(value));
      if (unknown !== undefined) {
        throw invalidFilter(key, unknown, `unrecognized filter value for health: ${unknown}`);
      }
      return (container) => values.includes(healthOf(container)?.Status ?? 'none');
    }
    case 'ancestor': {
      const chains = values.map((value) => room.images.find(value));
      return ({ record }) => chains.some((image) => image !== undefined && descendsFrom(room, record, image.id));
    }
    case 'before':
      return beside(room, values, (created, other) => created < other);
    case 'since':
      return beside(room, values, (created, other) => created > other);
    case 'volume':
      return ({ record }) =>
        values.some((value) =>
          record.mounts.some(({ name, destination, source }) => [name, destination, source].includes(value)),
        );
    case 'network': {
      const ids = values.map(
        (value) => findNetwork(room, value)?.id ?? room.networks.list().find(({ id }) => id.startsWith(value))?.id,
      );
      return (container) => Object.values(networksOf(room, container)).some(({ NetworkID }) => ids.includes(NetworkID));
    }
    case 'publish': {
      const wanted = portsOf(key, values);
      return (container) => {
        const bound = Object.entries(portMapOf(room, container)).filter(
          ([, hosts]) => hosts !== null && hosts.length > 0,
        );
        return bound.some(([spec, hosts]) =>
          (hosts ?? []).some(({ HostPort }) => wanted.includes(`${HostPort ?? ''}/${spec.split('/')[1] ?? ''}`)),
        );
      };
    }
    case 'expose': {
      const wanted = portsOf(key, values);
      return ({ record }) => {
        const specs = Object.keys({ ...record.config.ExposedPorts, ...record.hostConfig.PortBindings });
        return specs.some((spec) => wanted.includes(spec.includes('/') ? spec : `${spec}/tcp`));
      };
    }
    case 'is-task':
      return () => values.includes('false') || values.includes('0');
    case 'isolation':
      return () => values.includes('default');
    default:
      throw invalidFilter(key);
  }
}

function descendsFrom(room: Room, { imageId, chainId }: Container['record'], ancestor: string): boolean {
  if (imageId === ancestor) return true;
  if (chainId === undefined) return false;
  const chain = room.images.find(ancestor)?.chainId;
  return chain !== undefined && room.layers.chain(chainId).some((layer) => layer.chainId === chain);
}

function beside(room: Room, values: readonly string[], holds: (created: string, other: string) => boolean): Matcher {
  const others = values.map((value) => room.registry.resolve(value).record.created);
  return ({ record }) => others.every((other) => holds(record.created, other));
}

/** `80`, `80/tcp`, `8000-8010/udp`. */
function portsOf(key: string, values: readonly string[]): string[] {
  return values.flatMap((value) => {
    const [, first = '', last = first, protocol = 'tcp'] = /^(\d+)(?:-(\d+))?(?:\/(\w+))?$/.exec(value) ?? [];
    if (first === '' || Number(last) - Number(first) > 65_535) throw invalidFilter(key, value);
    const all: string[] = [];
    for (let port = Number(first); port <= Number(last); port += 1) {
      const spec = parsePortSpec(`${port}/${protocol}`);
      all.push(`${spec.port}/${spec.protocol}`);
    }
    return all;
  });
}

/** `label`, `label!` and `until` of a prune. @throws `container/invalid-filter` */
export function matchesPrune(container: Container, filters: Filters): boolean {
  return Object.entries(filters).every(([key, values]) => {
    switch (key) {
      case 'label':
        return values.every((value) => hasLabel(container.record.config.Labels ?? {}, value));
      case 'label!':
        return values.every((value) => !hasLabel(container.record.config.Labels ?? {}, value));
      case 'until':
        return values.every((value) => (parseTime(container.record.created) ?? 0n) < parseMoment(value));
      default:
        throw invalidFilter(key);
    }
  });
}

/** A time, unix seconds, or a duration before now such as `1h30m`. @throws `container/invalid-filter` */
function parseMoment(text: string): bigint {
  if (/^\d+(\.\d+)?$/.test(text)) return BigInt(Math.round(Number(text) * 1e9));
  const spanNs = parseGoDuration(text);
  if (spanNs !== undefined) return nowNs() - BigInt(spanNs);
  const time = parseTime(text) ?? parseTime(`${text}Z`) ?? parseTime(`${text}T00:00:00Z`);
  if (time === undefined) {
    throw invalidFilter('until', text, `failed to parse value as time or duration: ${JSON.stringify(text)}`);
  }
  return time;
}
