import { randomBytes } from 'node:crypto';
import type { Networks } from '../networks/index.js';
import type { OciOptions } from '../oci/index.js';

/** Puts each build step on the predefined bridge, in a sandbox that lives as long as the step. */
export function stepNetworks(networks: Networks): NonNullable<OciOptions['joinBridge']> {
  return async ({ id, extraHosts }, signal) => {
    const containerId = randomBytes(32).toString('hex');
    const sandbox = await networks.join(
      {
        containerId,
        containerName: id,
        hostname: id,
        endpoints: [{ network: networks.resolve('bridge'), aliases: [] }],
        ports: [],
        dns: [],
        dnsSearch: [],
        dnsOptions: [],
      },
      signal,
    );
    return {
      namespacePath: sandbox.namespacePath,
      resolvConf: sandbox.resolvConf,
      hostsLines: extraHosts.map((text) => hostsLine(text, hostGateway(networks))),
      release: () => sandbox.release(),
    };
  };
}

function hostGateway(networks: Networks): string {
  return networks.inspect(networks.resolve('bridge')).IPAM.Config?.[0]?.Gateway ?? '';
}

/** `name:address` as it stands in /etc/hosts; the address may be IPv6, or `host-gateway` for this machine's. */
function hostsLine(text: string, gateway: string): string {
  const at = text.search(/[:=]/);
  const address = text.slice(at + 1).replace(/^\[(.*)\]$/, '$1');
  return `${address === 'host-gateway' ? gateway : address}\t${text.slice(0, at)}`;
}
