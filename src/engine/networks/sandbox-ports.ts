import { readBridgeOptions } from './bridge-options.js';
import { wayOut, type PluggedEndpoint } from './endpoints.js';
import type { PacketRules } from './packet-rules.js';
import { openRouted, type PortTable, type Published } from './ports.js';
import type { PortRecord, PortRequest } from './sandbox.js';

/** One published port of a container, and why it is there. */
export interface SandboxPort extends Published {
  /** Which of those that the container wants. */
  readonly of: number;
  readonly endpointId: string;
  readonly via: 'host' | 'routed';
}

export interface PortPlan {
  readonly table: PortTable;
  readonly rules: PacketRules;
  /** For the message when another container wants the same. */
  readonly holder: string;
  readonly wanted: readonly PortRequest[];
  /** What the host's ports were, to be had again. */
  readonly before: readonly PortRecord[];
  readonly failed: (request: PortRequest, error: unknown) => void;
}

/**
 * The ports of a container as its networks are now: what leads to a network that it has left is closed, what is missing
 * is published, the rest stays as it is. The rules go out with the next flush.
 * @param present - changed in place, so that a failure part of the way leaves what there is to undo
 */
export async function arrangePorts(
  present: SandboxPort[],
  plugged: readonly PluggedEndpoint[],
  { table, rules, holder, wanted, before, failed }: PortPlan,
): Promise<void> {
  const way = portsWay(plugged);
  const ids = new Set(plugged.map(({ endpoint }) => endpoint.endpointId));
  const stays = ({ via, endpointId }: SandboxPort): boolean =>
    via === 'host' ? endpointId === way?.endpoint.endpointId : ids.has(endpointId);
  for (const port of present.filter((one) => !stays(one))) {
    port.close();
    rules.removePorts(port.rules);
    present.splice(present.indexOf(port), 1);
  }
  const has = (of: number, via: SandboxPort['via'], endpointId: string): boolean =>
    present.some((port) => port.of === of && port.via === via && port.endpointId === endpointId);
  const add = (port: SandboxPort): void => {
    present.push(port);
    rules.addPorts(port.rules);
  };
  for (const [of, request] of wanted.entries()) {
    if (way !== undefined && !has(of, 'host', way.endpoint.endpointId)) {
      const hostPort = before.find((port) => port.of === of && port.hostPort !== 0)?.hostPort ?? request.hostPort;
      const again = { ...request, ...(hostPort === undefined ? {} : { hostPort }) };
      try {
        for (const published of await publishOnHost(table, again, way, holder)) {
          add({ ...published, of, endpointId: way.endpoint.endpointId, via: 'host' });
        }
      } catch (error) {
        failed(request, error);
      }
    }
    for (const each of plugged) {
      const { endpointId } = each.endpoint;
      if (has(of, 'routed', endpointId)) continue;
      for (const [family, address] of routedAddresses(each)) {
        add({ ...openRouted(request, family, address), of, endpointId, via: 'routed' });
      }
    }
  }
}

/** Where published ports lead: the host redirects only into bridges. */
function portsWay(plugged: readonly PluggedEndpoint[]): PluggedEndpoint | undefined {
  return wayOut(plugged.filter(({ network }) => network.parent === undefined));
}

/** None where the network is routed for every family that the port is asked for. */
async function publishOnHost(
  table: PortTable,
  request: PortRequest,
  { network, endpoint }: PluggedEndpoint,
  holder: string,
): Promise<Published[]> {
  const { gatewayMode, hostBinding = '' } = readBridgeOptions(network.options, network);
  const hostIp = request.hostIp === '' ? hostBinding : request.hostIp;
  const asked: readonly (4 | 6)[] = hostIp === '' ? [4, 6] : [hostIp.includes(':') ? 6 : 4];
  const translated = asked.filter((family) => gatewayMode[family] !== 'routed');
  const [family] = translated;
  if (family === undefined) return [];
  const at = hostIp !== '' || translated.length === 2 ? hostIp : family === 4 ? '0.0.0.0' : '::';
  const target = { ipv4: endpoint.ipv4, ipv6: endpoint.ipv6 };
  return [await table.publish({ ...request, hostIp: at }, target, holder)];
}

function routedAddresses({ network, endpoint }: PluggedEndpoint): [4 | 6, string][] {
  if (network.driver !== 'bridge' || network.internal) return [];
  const { gatewayMode } = readBridgeOptions(network.options, network);
  const own = [
    [4, endpoint.ipv4],
    [6, endpoint.ipv6],
  ] as const;
  return own.flatMap(([family, address]): [4 | 6, string][] =>
    gatewayMode[family] === 'routed' && address !== undefined ? [[family, address]] : [],
  );
}
