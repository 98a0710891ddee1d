import type { PortMap } from '../../api/common.js';
import type { EndpointSettings } from '../../api/container.js';
import type { NetworkNamespace, ProcessIdentity } from '../sys/index.js';
import type { NetworkRecord } from './record.js';

export type PortProtocol = 'tcp' | 'udp' | 'sctp';

export interface EndpointRequest {
  readonly network: NetworkRecord;
  readonly aliases: readonly string[];
  /** `container` or `container:alias`. */
  readonly links?: readonly string[];
  readonly ipv4?: string;
  readonly ipv6?: string;
  readonly mac?: string;
  /** The highest gets `eth0` and the default route; equal ones keep their order. */
  readonly priority?: number;
  readonly driverOpts?: Readonly<Record<string, string>>;
  /** More addresses of the link, without prefix length. */
  readonly linkLocal?: readonly string[];
}

export interface PortRequest {
  /** Empty: every address of both families. */
  readonly hostIp: string;
  /** A range means any one port of it; nothing means any free port. */
  readonly hostPort?: number | readonly [number, number];
  readonly containerPort: number;
  readonly protocol: PortProtocol;
}

export interface SandboxRequest {
  /** 64 hex digits. */
  readonly containerId: string;
  readonly containerName: string;
  readonly hostname: string;
  readonly domainname?: string;
  readonly endpoints: readonly EndpointRequest[];
  readonly ports: readonly PortRequest[];
  /** Servers to forward to instead of the host's. */
  readonly dns: readonly string[];
  readonly dnsSearch: readonly string[];
  readonly dnsOptions: readonly string[];
  /** Forward no question, whatever its networks. */
  readonly internalOnly?: boolean;
}

/** A network namespace ready for a container. */
export interface Sandbox {
  /** Valid until {@link Networks.settle} or {@link Sandbox.release}. */
  readonly namespacePath: string;
  readonly namespace: NetworkNamespace;
  /** By network name, filled in as `inspect` shows them. */
  readonly endpoints: Readonly<Record<string, EndpointSettings>>;
  readonly ports: PortMap;
  /** Contents of /etc/resolv.conf. */
  readonly resolvConf: string;
  /** Lines of /etc/hosts, without extra hosts. */
  readonly hostsLines: readonly string[];
  /** Gives everything back when no container comes of it. */
  release(): Promise<void>;
}

/** One container on one network, as remembered. */
export interface EndpointRecord {
  readonly endpointId: string;
  readonly networkId: string;
  readonly linkName: string;
  /** `eth0` and so on. */
  readonly interfaceName: string;
  readonly mac: string;
  readonly ipv4?: string;
  readonly ipv6?: string;
  readonly aliases: readonly string[];
  readonly links: readonly string[];
  readonly requested: { readonly ipv4?: string; readonly ipv6?: string; readonly mac?: string };
  readonly driverOpts: Readonly<Record<string, string>>;
  readonly linkLocal?: readonly string[];
  readonly priority?: number;
}

/** A published port with everything chosen. */
export interface PortRecord {
  /** As asked: empty for every address. */
  readonly hostIp: string;
  /** 0 where the network is routed: the container's own port is reached. */
  readonly hostPort: number;
  readonly containerPort: number;
  readonly protocol: PortProtocol;
  readonly ipv4?: string;
  readonly ipv6?: string;
  /** Which of {@link SandboxRecord.wanted} it is. */
  readonly of?: number;
}

/** What the engine must know to serve a running container after its own restart. Lives as long as the boot. */
export interface SandboxRecord {
  readonly containerId: string;
  readonly containerName: string;
  readonly hostname: string;
  readonly endpoints: readonly EndpointRecord[];
  readonly ports: readonly PortRecord[];
  /** What the container asked to publish; kept while no network of its own could. */
  readonly wanted?: readonly PortRequest[];
  readonly dns: readonly string[];
  readonly forward: boolean;
  /** The user has set `ndots` above 0. */
  readonly ndots?: boolean;
  /** Where its name server listens inside. */
  readonly resolverPorts?: { readonly udp: number; readonly tcp: number };
  /** The process that keeps the namespace, once there is one. */
  readonly process?: ProcessIdentity;
  /** The container that had the namespace before; its own record may be there still. */
  readonly before?: string;
}

export const sandboxSchema = 1;

/** @throws Error when `value` is not a record as {@link sandboxSchema} writes it */
export function parseSandboxRecord(value: unknown): SandboxRecord {
  if (typeof value === 'object' && value !== null && 'containerId' in value && 'endpoints' in value) {
    if (typeof value.containerId === 'string' && Array.isArray(value.endpoints)) return value as SandboxRecord;
  }
  throw new Error('not a sandbox record');
}
