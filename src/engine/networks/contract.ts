import type { PortMap } from '../../api/common.js';
import type { EndpointSettings } from '../../api/container.js';
import type { NetworkCreateRequest, NetworkInspect } from '../../api/network.js';
import type { NetworkRecord } from './record.js';
import type { EndpointRequest, Sandbox, SandboxRequest } from './sandbox.js';

/**
 * Bridge networks, addresses, names and published ports of one engine. The kernel's part of a network (bridge, rules)
 * exists only from its first container to its removal or {@link Networks.stop}.
 */
export interface Networks {
  /**
   * Call once, before anything else. Takes up the sandboxes of containers that still run (names, ports and rules in one
   * go) and removes links and rules that nothing uses.
   */
  start(): Promise<void>;
  /**
   * Ends serving: closes sockets. When no container runs, also takes every bridge, rule and kernel setting of this
   * engine off the host.
   */
  stop(): Promise<void>;

  /**
   * @throws `network/invalid`, `network/name-in-use`, `network/predefined`, `network/overlap`, `network/driver-missing`,
   * `network/no-free-subnet`
   */
  create(request: NetworkCreateRequest): Promise<NetworkRecord>;
  /** Sorted by name; `bridge`, `host` and `none` are always there. */
  list(): readonly NetworkRecord[];
  /** By id, name or unique beginning of an id, in this order. @throws `network/not-found`, `network/ambiguous` */
  resolve(reference: string): NetworkRecord;
  /** @throws `network/not-found`, `network/predefined`, `network/in-use` while containers run on it */
  remove(reference: string): Promise<void>;
  /** As the Engine API shows it; lists leave `containers` out. */
  inspect(network: NetworkRecord, show?: { readonly containers?: boolean }): NetworkInspect;
  /** Whether running containers are on it. */
  isInUse(networkId: string): boolean;

  /**
   * Makes a namespace with its links, addresses, names and ports, or finds the one that another process has kept since
   * {@link Networks.settle}: what is asked for as before stays as it is, address and sockets too, the rest is plugged and
   * unplugged. Endpoints on `none` get nothing; `host` is not for a sandbox.
   * @throws `network/address-in-use`, `network/addresses-exhausted`, `network/invalid`, `network/port-in-use`,
   * `network/port-denied`, `network/no-free-port`, `sys/call-failed`; the abort reason
   */
  join(request: SandboxRequest, signal: AbortSignal): Promise<Sandbox>;
  /** A process now keeps the namespace, the container's or one that joined it: this engine remembers which. */
  settle(containerId: string, pid: number): Promise<void>;
  /**
   * Takes up the sandbox of a container that outlived an engine, unless {@link start} has done so.
   * @returns false when nothing is remembered of it
   */
  adopt(containerId: string, pid: number): Promise<boolean>;
  /** Gives back addresses, ports and names. Idempotent; the namespace itself ends with its last process. */
  leave(containerId: string): Promise<void>;
  /** @throws `network/endpoint-exists`, and what {@link join} throws for an endpoint */
  connectRunning(containerId: string, pid: number, endpoint: EndpointRequest): Promise<EndpointSettings>;
  /** @throws `network/not-connected` */
  disconnectRunning(containerId: string, pid: number, networkId: string): Promise<void>;
  /** Names follow at once. */
  rename(containerId: string, name: string): Promise<void>;
  /** By network name; empty when the container has no sandbox. */
  endpointsOf(containerId: string): Readonly<Record<string, EndpointSettings>>;
  /** Ids of the containers that have, or had, a namespace under this name which is still there. */
  heldAs(containerName: string): string[];
  /** What there is of a namespace is another container's from now on, which is to be started or renamed next. */
  handOver(from: string, to: string): Promise<void>;
  portsOf(containerId: string): PortMap;
}
