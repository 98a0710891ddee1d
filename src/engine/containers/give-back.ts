import type { Container } from './container.js';
import { releaseVolumes } from './oci-mounts.js';
import { unmountInOtherNamespaces } from './other-namespaces.js';
import { cgroupPathOf, type Room } from './room.js';
import { leaveNetwork } from './shared-network.js';
import { clearBundle, forgetExit } from './start.js';

/** Everything a run had: processes left behind, network, mounts, bundle. Nothing in it may keep the rest from happening. */
export async function giveBack(room: Room, container: Container): Promise<void> {
  const { id, record } = container;
  const parts: readonly (readonly [string, () => unknown])[] = [
    ['processes', () => room.oci.discard(id, { monitor: false, cgroupsPath: cgroupPathOf(room, container) })],
    ['network', () => leaveNetwork(room, container)],
    ['mounts elsewhere', () => unmountInOtherNamespaces(room, id)],
    ['bundle', () => clearBundle(room, id)],
    ['exit', () => container.isWritten && forgetExit(room, id)], // else it is all that an engine after us would know
    ['volumes', () => releaseVolumes(room, record)],
  ];
  for (const [what, work] of parts) {
    try {
      await work();
    } catch (error) {
      room.log.warn('cannot give back a part of an ended container', { containerId: id, what, error });
    }
  }
}
