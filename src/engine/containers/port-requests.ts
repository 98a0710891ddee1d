import type { PortMap } from '../../api/common.js';
import type { ContainerConfig, HostConfig } from '../../api/container.js';
import { invalidConfig } from './errors.js';

export interface PortSpec {
  readonly port: number;
  readonly protocol: 'tcp' | 'udp' | 'sctp';
}

export interface WantedPort {
  readonly hostIp: string;
  readonly hostPort?: number | readonly [number, number];
  readonly containerPort: number;
  readonly protocol: PortSpec['protocol'];
}

/** `80/tcp`, `80`. @throws `container/invalid-config` */
export function parsePortSpec(spec: string): PortSpec {
  const [, port = '', protocol = 'tcp'] = /^(\d{1,5})(?:\/(tcp|udp|sctp))?$/i.exec(spec) ?? [];
  const number = Number(port);
  if (port === '' || number < 1 || number > 65_535)
    throw invalidConfig('PortBindings', `invalid port specification: "${spec}"`);
  const lower = protocol.toLowerCase();
  return { port: number, protocol: lower === 'udp' || lower === 'sctp' ? lower : 'tcp' };
}

/**
 * The ports to publish: the bindings, and with `PublishAllPorts` every exposed port that has none.
 * @throws `container/invalid-config`
 */
export function wantedPorts(config: ContainerConfig, hostConfig: HostConfig): WantedPort[] {
  const bindings: PortMap = hostConfig.PortBindings ?? {};
  const wanted = Object.entries(bindings).flatMap(([spec, hosts]) => {
    const { port, protocol } = parsePortSpec(spec);
    const list = hosts === null || hosts.length === 0 ? [{}] : hosts;
    return list.map(({ HostIp = '', HostPort = '' }): WantedPort => {
      const hostPort = parseHostPort(HostPort);
      return { hostIp: HostIp, containerPort: port, protocol, ...(hostPort === undefined ? {} : { hostPort }) };
    });
  });
  if (hostConfig.PublishAllPorts !== true) return wanted;
  const bound = new Set(wanted.map(({ containerPort, protocol }) => `${containerPort}/${protocol}`));
  const exposed = Object.keys(config.ExposedPorts ?? {}).map(parsePortSpec);
  const rest = exposed.filter(({ port, protocol }) => !bound.has(`${port}/${protocol}`));
  return [...wanted, ...rest.map(({ port, protocol }) => ({ hostIp: '', containerPort: port, protocol }))];
}

function parseHostPort(text: string): WantedPort['hostPort'] {
  if (text === '' || text === '0') return undefined;
  const [, first = '', last] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text) ?? [];
  const [low, high] = [Number(first), Number(last ?? first)];
  if (first === '' || low < 1 || high > 65_535 || high < low) {
    throw invalidConfig('PortBindings', `invalid port specification: "${text}"`);
  }
  return low === high ? low : [low, high];
}
