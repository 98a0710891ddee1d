import { hostname } from 'node:os';
import { hostPlatform } from '../../../registry/index.js';
import type { BuildKitParts } from '../parts.js';
import type { Message } from '../../../api/buildkit/message.js';
import type { workerRecord } from '../wire/control.js';

type Worker = Partial<typeof workerRecord extends Message<infer T> ? T : never>;

export function buildkitVersion(version: string): { package: string; version: string } {
  return { package: 'tscompose', version: `v${version}` };
}

/** This engine as the one worker there is. */
export function workerOf({ version, hostGateway }: BuildKitParts): Worker {
  const gateway = hostGateway();
  const { architecture, os } = hostPlatform();
  return {
    id: hostname(),
    labels: {
      // Clients take it for a store that holds several platforms, attestations and OCI archives.
      'org.mobyproject.buildkit.worker.snapshotter': 'overlayfs',
      // Clients put it in for `host-gateway` in extra hosts.
      ...(gateway === undefined ? {} : { 'org.mobyproject.buildkit.worker.moby.host-gateway-ip': gateway }),
    },
    platforms: [{ architecture, os }],
    version: buildkitVersion(version),
  };
}
