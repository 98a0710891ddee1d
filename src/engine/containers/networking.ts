import { TscomposeError } from '../../base/errors.js';
import type { EndpointSettings } from '../../api/container.js';
import { checkEndpoint } from './check-endpoint.js';
import type { Container } from './container.js';
import { addHostsLines, removeHostsLines } from './host-files.js';
import { invalidConfig } from './errors.js';
import type { Room } from './room.js';
import { endpointRequest } from './sandbox.js';
import { networkPid } from './shared-network.js';

/**
 * Puts a container on one more network, at once where it runs, or others go on in its namespace.
 * @throws `network/not-found`, `network/endpoint-exists`, `container/invalid-config` where its mode allows none
 */
export function connectNetwork(
  room: Room,
  container: Container,
  reference: string,
  settings: EndpointSettings,
): Promise<void> {
  return container.exclusive(async () => {
    const network = room.networks.resolve(reference);
    requireOwnNetwork(container);
    if (network.driver === 'host') {
      throw refused('container cannot be disconnected from host network or connected to host network');
    }
    if (network.driver === 'null' || Object.hasOwn(container.record.endpoints, 'none')) {
      throw refused(
        'container cannot be connected to multiple networks with one of the networks in private (none) mode',
      );
    }
    checkEndpoint(network, settings);
    const key = keyOf(container, network);
    if (key !== undefined) {
      throw new TscomposeError({
        code: 'network/endpoint-exists',
        message: `endpoint with name ${container.record.name} already exists in network ${network.name}`,
        facts: { network: network.name, container: container.record.name },
      });
    }
    const pid = networkPid(room, container);
    if (pid !== undefined) {
      const made = await room.networks.connectRunning(container.id, pid, endpointRequest(room, network.id, settings));
      if (container.isLive) addHostsLines(room, container.record, addressesOf(made));
    }
    await container.note({ endpoints: { ...container.record.endpoints, [network.name]: settings } });
  });
}

/** @throws `network/not-found`, `network/not-connected` */
export function disconnectNetwork(room: Room, container: Container, reference: string): Promise<void> {
  return container.exclusive(async () => {
    const network = room.networks.resolve(reference);
    const key = keyOf(container, network);
    if (key === undefined) {
      throw new TscomposeError({
        code: 'network/not-connected',
        message: `container ${container.id} is not connected to network ${network.name}`,
        facts: { network: network.name, container: container.id },
      });
    }
    requireOwnNetwork(container);
    const pid = networkPid(room, container);
    // There is nothing to `none` but that nothing else goes with it.
    if (pid !== undefined && network.driver !== 'null') {
      const left = room.networks.endpointsOf(container.id)[network.name];
      await room.networks.disconnectRunning(container.id, pid, network.id);
      if (container.isLive && left !== undefined) removeHostsLines(room, container.record, addressesOf(left));
    }
    const kept = Object.entries(container.record.endpoints).filter(([name]) => name !== key);
    await container.note({ endpoints: Object.fromEntries(kept) });
  });
}

function addressesOf({ IPAddress = '', GlobalIPv6Address = '' }: EndpointSettings): string[] {
  return [IPAddress, GlobalIPv6Address].filter((address) => address !== '');
}

/** How the container's record calls a network: by name or by id. */
function keyOf({ record }: Container, network: { readonly name: string; readonly id: string }): string | undefined {
  return Object.keys(record.endpoints).find((key) => key === network.name || key === network.id);
}

function requireOwnNetwork({ record }: Container): void {
  const mode = record.hostConfig.NetworkMode ?? '';
  const shares = mode.startsWith('container:');
  if (!shares && mode !== 'host') return;
  throw refused(
    shares
      ? 'container sharing network namespace with another container or host cannot be connected to any other network'
      : 'container cannot be disconnected from host network or connected to host network',
  );
}

function refused(message: string): TscomposeError {
  return invalidConfig('NetworkMode', message);
}
