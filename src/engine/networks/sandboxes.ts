import { CleanupStack } from '../../base/cleanup-stack.js';
import { TscomposeError } from '../../base/errors.js';
import type { Log } from '../../base/log.js';
import type { Records } from '../store/index.js';
import {
  createNetworkNamespace,
  isAlive,
  openLinks,
  openNetworkNamespace,
  processStartTime,
  type Links,
  type NetworkNamespace,
} from '../sys/index.js';
import { deleteLinks, ignoring, type Bridges } from './bridges.js';
import type { Catalogue } from './catalogue.js';
import type { NamedEndpoint, NameTable } from './dns-names.js';
import { Resolver } from './dns-server.js';
import { namesOf } from './endpoint-settings.js';
import { allocateEndpoint, plugIn, routeOut, type AddressPools, type PluggedEndpoint } from './endpoints.js';
import { invalid } from './errors.js';
import { interfaceNames, newInterface } from './interface-names.js';
import { setsNdots } from './name-files.js';
import type { PacketRules } from './packet-rules.js';
import type { PortTable } from './ports.js';
import { ReadyNetworks } from './ready-networks.js';
import type { NetworkRecord } from './record.js';
import { arrangePorts, type SandboxPort } from './sandbox-ports.js';
import { byPriority, distinct, inOrder, isAsBefore, samePort } from './sandbox-requests.js';
import { resolverOptions } from './sandbox-resolver.js';
import type { EndpointRecord, EndpointRequest, PortRequest, SandboxRecord, SandboxRequest } from './sandbox.js';

export interface SandboxesOptions {
  readonly catalogue: Catalogue;
  readonly bridges: Bridges;
  readonly pools: AddressPools;
  readonly ports: PortTable;
  readonly rules: PacketRules;
  readonly names: NameTable;
  readonly records: Records<SandboxRecord>;
  readonly links: Links;
  readonly log: Log;
}

/** What the engine holds for one container with networks. */
export interface LiveSandbox {
  record: SandboxRecord;
  /** Ours until the container's process keeps the namespace itself. */
  namespace: NetworkNamespace | undefined;
  resolver: Resolver | undefined;
  readonly published: SandboxPort[];
  named: NamedEndpoint[];
}

type PortFailure = (request: PortRequest, error: unknown) => void;

/** The sandboxes of running containers: kernel, names, ports and memory of each made and undone together. */
export class Sandboxes {
  readonly #options: SandboxesOptions;
  readonly #live = new Map<string, LiveSandbox>();
  readonly #arrivals = new Set<{ readonly containerName: string; readonly networkIds: readonly string[] }>();
  /** Networks made ready for the links of a sandbox. */
  readonly ready: ReadyNetworks;

  constructor(options: SandboxesOptions) {
    this.#options = options;
    this.ready = new ReadyNetworks({ ...options, isUsed: (networkId) => this.on(networkId).length > 0 });
  }

  get(containerId: string): LiveSandbox | undefined {
    return this.#live.get(containerId);
  }

  get size(): number {
    return this.#live.size;
  }

  heldAs(containerName: string): string[] {
    const held = [...this.#live.values()].filter(({ record }) => record.containerName === containerName);
    return held.map(({ record }) => record.containerId);
  }

  on(networkId: string): LiveSandbox[] {
    return [...this.#live.values()].filter(({ record }) =>
      record.endpoints.some((each) => each.networkId === networkId),
    );
  }

  /** Names of the containers on a network, and of those that are being put there. */
  usersOf(networkId: string): readonly string[] {
    const there = this.on(networkId).map(({ record }) => record.containerName);
    const coming = [...this.#arrivals].filter(({ networkIds }) => networkIds.includes(networkId));
    return [...new Set([...there, ...coming.map(({ containerName }) => containerName)])];
  }

  /** While `work` goes on nobody removes these networks. @throws `network/not-found` for one that is being removed */
  async #arriving<T>(containerName: string, endpoints: readonly EndpointRequest[], work: () => Promise<T>): Promise<T> {
    const networkIds = endpoints.map(({ network }) => this.#options.catalogue.resolve(network.id).id);
    const arrival = { containerName, networkIds };
    this.#arrivals.add(arrival);
    try {
      return await work();
    } finally {
      this.#arrivals.delete(arrival);
    }
  }

  /** The network and endpoint pairs of a sandbox, in order of priority. */
  pluggedOf({ record }: LiveSandbox): PluggedEndpoint[] {
    return record.endpoints.flatMap((endpoint) => {
      const network = this.#options.catalogue.get(endpoint.networkId);
      return network === undefined ? [] : [{ network, endpoint }];
    });
  }

  /** See `Networks.join`. */
  make(request: SandboxRequest, signal: AbortSignal): Promise<{ live: LiveSandbox; namespace: NetworkNamespace }> {
    return this.#arriving(request.containerName, request.endpoints, () => this.#make(request, signal));
  }

  async #make(
    request: SandboxRequest,
    signal: AbortSignal,
  ): Promise<{ live: LiveSandbox; namespace: NetworkNamespace }> {
    const { bridges, pools, rules, links } = this.#options;
    const { containerId } = request;
    const kept = await this.#resume(request);
    if (kept !== undefined) return kept;
    await this.drop(containerId); // a container that starts again without having been taken down
    const wanted = inOrder(request.endpoints);
    const networks = await this.ready.all(wanted.map(({ network }) => network));
    signal.throwIfAborted();

    await using undo = new CleanupStack();
    const interfaces = interfaceNames(wanted);
    const plugged = wanted.map((endpoint, index): PluggedEndpoint => {
      const network = networks[index] ?? endpoint.network;
      const made = allocateEndpoint(pools, { ...endpoint, network }, interfaces[index] ?? '', request.containerName);
      undo.defer(() => {
        pools.release(network, made);
      });
      return { network, endpoint: made };
    });
    const record: SandboxRecord = {
      containerId,
      containerName: request.containerName,
      hostname: request.hostname,
      endpoints: plugged.map(({ endpoint }) => endpoint),
      ports: [],
      wanted: distinct(request.ports),
      dns: request.dns,
      forward: request.internalOnly !== true,
      ndots: setsNdots(request.dnsOptions),
    };
    for (const network of networks) bridges.ensure(network);
    const namespace = createNetworkNamespace();
    undo.defer(() => {
      namespace.close();
    });
    await plugIn(links, namespace, plugged);
    routeOut(namespace, plugged);
    const live: LiveSandbox = { record, namespace, resolver: undefined, published: [], named: [] };
    this.#live.set(containerId, live);
    undo.defer(() => this.#forget(live));
    await this.#serve(live, namespace, (_, error) => {
      throw error;
    });
    signal.throwIfAborted();
    await Promise.all([rules.flush(), ...networks.map((network) => bridges.admit(network))]);
    signal.throwIfAborted();
    await this.#options.records.put(containerId, live.record);
    undo.commit();
    return { live, namespace };
  }

  /** A namespace that others kept since its owner ended, made what the next owner asks for. */
  async #resume(request: SandboxRequest): Promise<{ live: LiveSandbox; namespace: NetworkNamespace } | undefined> {
    const { containerId } = request;
    const live = this.#live.get(containerId);
    const holder = live?.record.process;
    if (live === undefined || holder === undefined || !isAlive(holder)) return undefined;
    const { pid } = holder;
    const wanted = inOrder(request.endpoints);
    this.#renew(live, request, wanted);
    for (const { network, endpoint } of this.pluggedOf(live)) {
      if (!wanted.some((each) => isAsBefore(each, endpoint))) await this.unplug(containerId, pid, network);
    }
    for (const each of wanted) {
      if (!live.record.endpoints.some((had) => isAsBefore(each, had))) await this.plug(containerId, pid, each);
    }
    await this.#arrangePorts(live, (_, error) => {
      throw error;
    });
    await this.#options.rules.flush();
    await this.#options.records.put(containerId, live.record);
    const namespace = openNetworkNamespace(`/proc/${pid}/ns/net`);
    live.namespace = namespace;
    return { live, namespace };
  }

  /** What goes by the request alone. Ports that are asked for again stay open. */
  #renew(live: LiveSandbox, request: SandboxRequest, endpoints: readonly EndpointRequest[]): void {
    const { containerName, hostname, dns, dnsOptions, internalOnly } = request;
    const wanted = distinct(request.ports);
    for (const port of live.published.splice(0)) {
      const of = wanted.findIndex((each) => samePort(each, live.record.wanted?.[port.of]));
      if (of >= 0) live.published.push({ ...port, of });
      else {
        port.close();
        this.#options.rules.removePorts(port.rules);
      }
    }
    live.record = {
      ...live.record,
      ...{ containerName, hostname, dns, wanted, forward: internalOnly !== true, ndots: setsNdots(dnsOptions) },
      ports: live.published.map(({ record, of }) => ({ ...record, of })),
      endpoints: live.record.endpoints.map((endpoint) => {
        const again = endpoints.find((each) => isAsBefore(each, endpoint));
        return again === undefined ? endpoint : { ...endpoint, aliases: again.aliases, links: again.links ?? [] };
      }),
    };
    this.#name(live);
  }

  async handOver(from: string, to: string): Promise<void> {
    const live = this.#live.get(from);
    if (live === undefined) return;
    live.record = { ...live.record, containerId: to, before: from };
    this.#live.delete(from);
    this.#live.set(to, live);
    this.#name(live);
    await this.#options.records.put(to, live.record);
    await this.#options.records.delete(from);
  }

  /** Resolver, ports and names, which a new sandbox and an adopted one need alike. */
  async #serve(live: LiveSandbox, namespace: NetworkNamespace, failed: PortFailure): Promise<void> {
    if (live.record.endpoints.length > 0) await this.#resolve(live, namespace);
    await this.#arrangePorts(live, failed);
    this.#name(live);
  }

  async #arrangePorts(live: LiveSandbox, failed: PortFailure): Promise<void> {
    const { ports: table, rules } = this.#options;
    const { containerName: holder, wanted = [], ports: before } = live.record;
    await arrangePorts(live.published, this.pluggedOf(live), { table, rules, holder, wanted, before, failed });
    live.record = { ...live.record, ports: live.published.map(({ record, of }) => ({ ...record, of })) };
  }

  async #resolve(live: LiveSandbox, namespace: NetworkNamespace): Promise<void> {
    const options = resolverOptions(live, () => this.pluggedOf(live), this.#options);
    live.resolver = await Resolver.open(namespace, options, live.record.resolverPorts);
    live.record = { ...live.record, resolverPorts: live.resolver.ports };
  }

  /** The predefined bridge has no names: so Docker's users expect it. */
  #name(live: LiveSandbox): void {
    for (const named of live.named) this.#options.names.remove(named);
    live.named = this.pluggedOf(live)
      .filter(({ network }) => !network.predefined)
      .map(({ network, endpoint }) => ({
        networkId: network.id,
        networkName: network.name,
        name: live.record.containerName,
        names: namesOf(live.record, endpoint),
        addresses: [endpoint.ipv4, endpoint.ipv6].filter((address) => address !== undefined),
      }));
    for (const named of live.named) this.#options.names.add(named);
  }

  async settle(containerId: string, pid: number): Promise<void> {
    const live = this.#live.get(containerId);
    const startTime = processStartTime(pid);
    if (live === undefined || startTime === undefined) return;
    live.record = { ...live.record, process: { pid, startTime } };
    await this.#options.records.put(containerId, live.record);
    live.namespace?.close();
    live.namespace = undefined;
  }

  /** Sandboxes of an earlier engine whose process is alive, taken up; of the others only the record is left to go. */
  async adoptAll(): Promise<void> {
    const { records, log } = this.#options;
    const before = new Set(records.list().map((record) => record.before));
    for (const record of records.list()) {
      const { containerId, process } = record;
      // Without a process an engine died while making it, and the namespace with the engine.
      if (process === undefined || !isAlive(process) || before.has(containerId)) {
        await records.delete(containerId);
        continue;
      }
      try {
        await this.adopt(containerId, process.pid);
      } catch (error) {
        log.error('cannot take up the network of a running container', { containerId, error });
      }
    }
  }

  async adopt(containerId: string, pid: number): Promise<boolean> {
    if (this.#live.has(containerId)) return true;
    const { records, catalogue, bridges, pools, log } = this.#options;
    const record = records.get(containerId);
    const startTime = processStartTime(pid);
    if (record === undefined || startTime === undefined) return false;
    const endpoints = record.endpoints.filter(({ networkId }) => catalogue.get(networkId) !== undefined);
    // Records of an engine that did not note what was wanted tell what there was.
    const ports = record.ports.map((port, of) => ({ of, ...port }));
    const live: LiveSandbox = {
      record: { ...record, ports, wanted: record.wanted ?? record.ports, endpoints, process: { pid, startTime } },
      ...{ namespace: undefined, resolver: undefined, published: [], named: [] },
    };
    for (const { network, endpoint } of this.pluggedOf(live)) {
      bridges.ensure(network);
      pools.claim(network, endpoint);
    }
    this.#live.set(containerId, live);
    const namespace = openNetworkNamespace(`/proc/${pid}/ns/net`);
    try {
      await this.#serve(live, namespace, (port, error) => {
        log.error('a published port was taken while no engine ran', { containerId, port: port.hostPort, error });
      });
    } finally {
      namespace.close();
    }
    await records.put(containerId, live.record);
    return true;
  }

  /** Undoes everything of a container. Idempotent. */
  async drop(containerId: string): Promise<void> {
    const live = this.#live.get(containerId);
    if (live !== undefined) {
      for (const { network, endpoint } of this.pluggedOf(live)) this.#options.pools.release(network, endpoint);
      live.namespace?.close();
      live.namespace = undefined;
      await this.#forget(live);
    }
    if (this.#options.records.get(containerId) !== undefined) await this.#options.records.delete(containerId);
  }

  async #forget(live: LiveSandbox): Promise<void> {
    if (this.#live.get(live.record.containerId) === live) this.#live.delete(live.record.containerId);
    live.resolver?.close();
    live.resolver = undefined;
    for (const named of live.named) this.#options.names.remove(named);
    for (const published of live.published.splice(0)) {
      published.close();
      this.#options.rules.removePorts(published.rules);
    }
    live.named = [];
    await this.#options.rules.flush();
  }

  plug(containerId: string, pid: number, request: EndpointRequest): Promise<PluggedEndpoint> {
    const name = this.#live.get(containerId)?.record.containerName ?? containerId.slice(0, 12);
    return this.#arriving(name, [request], () => this.#plug(containerId, pid, request));
  }

  async #plug(containerId: string, pid: number, request: EndpointRequest): Promise<PluggedEndpoint> {
    const { bridges, pools, links, records } = this.#options;
    const live = this.#live.get(containerId) ?? this.#blank(containerId, pid);
    if (live.record.endpoints.some(({ networkId }) => networkId === request.network.id)) {
      const facts = { network: request.network.name, container: live.record.containerName };
      const message = `container ${facts.container} is already on network ${facts.network}`;
      throw new TscomposeError({ code: 'network/endpoint-exists', message, facts });
    }
    const [network = request.network] = await this.ready.all([request.network]);
    await using undo = new CleanupStack();
    const endpoint = allocateEndpoint(
      pools,
      { ...request, network },
      newInterface(live.record, request),
      live.record.containerName,
    );
    undo.defer(() => {
      pools.release(network, endpoint);
    });
    const namespace = openNetworkNamespace(`/proc/${pid}/ns/net`);
    try {
      bridges.ensure(network);
      await plugIn(links, namespace, [{ network, endpoint }]);
      undo.defer(() => this.#moveOn(live, pid));
      undo.defer(() => unplugLink(pid, network, endpoint));
      if (live.resolver === undefined) await this.#resolve(live, namespace);
      const before = live.record.endpoints;
      live.record = { ...live.record, endpoints: [...before, endpoint].toSorted(byPriority) };
      undo.defer(() => {
        live.record = { ...live.record, endpoints: before };
        this.#name(live);
      });
      this.#name(live);
      routeOut(namespace, this.pluggedOf(live));
      await this.#arrangePorts(live, (_, error) => {
        throw error;
      });
      await Promise.all([this.#options.rules.flush(), bridges.admit(network)]);
      await records.put(containerId, live.record);
      undo.commit();
      return { network, endpoint };
    } finally {
      namespace.close();
    }
  }

  async unplug(containerId: string, pid: number, network: NetworkRecord): Promise<void> {
    const live = this.#live.get(containerId);
    const endpoint = live?.record.endpoints.find(({ networkId }) => networkId === network.id);
    if (live === undefined || endpoint === undefined) {
      const container = live?.record.containerName ?? containerId;
      const message = `container ${container} is not connected to network ${network.name}`;
      const facts = { network: network.name, container };
      throw new TscomposeError({ code: 'network/not-connected', message, facts });
    }
    live.record = { ...live.record, endpoints: live.record.endpoints.filter((other) => other !== endpoint) };
    this.#name(live);
    await unplugLink(pid, network, endpoint);
    await this.#moveOn(live, pid);
    this.#options.pools.release(network, endpoint);
    await this.#options.rules.flush();
    await this.#options.records.put(containerId, live.record);
  }

  /** Default routes and published ports went with a link: they go on over another network. */
  async #moveOn(live: LiveSandbox, pid: number): Promise<void> {
    const { containerId } = live.record;
    const namespace = openNetworkNamespace(`/proc/${pid}/ns/net`);
    try {
      routeOut(namespace, this.pluggedOf(live));
    } finally {
      namespace.close();
    }
    await this.#arrangePorts(live, (port, error) => {
      this.#options.log.error('a published port could not move on', { containerId, port: port.hostPort, error });
    });
  }

  async rename(containerId: string, containerName: string): Promise<void> {
    const live = this.#live.get(containerId);
    if (live === undefined) return;
    live.record = { ...live.record, containerName };
    this.#name(live);
    await this.#options.records.put(containerId, live.record);
  }

  /** Ends serving without taking anything down: containers go on. */
  detach(): void {
    for (const live of this.#live.values()) {
      live.resolver?.close();
      for (const published of live.published) published.close();
    }
    this.#live.clear();
  }

  #blank(containerId: string, pid: number): LiveSandbox {
    const startTime = processStartTime(pid);
    if (startTime === undefined) throw invalid(`container ${containerId.slice(0, 12)} is not running`);
    const live: LiveSandbox = {
      record: {
        ...{ containerId, containerName: containerId.slice(0, 12), hostname: '', endpoints: [], ports: [], dns: [] },
        ...{ forward: true, process: { pid, startTime } },
      },
      ...{ namespace: undefined, resolver: undefined, published: [], named: [] },
    };
    this.#live.set(containerId, live);
    return live;
  }
}

/** A pair of links ends with the host's side; a link on a parent has only the container's. */
async function unplugLink(pid: number, { parent }: NetworkRecord, endpoint: EndpointRecord): Promise<void> {
  if (parent === undefined) return deleteLinks([endpoint.linkName]);
  const namespace = openNetworkNamespace(`/proc/${pid}/ns/net`);
  const guest = openLinks(namespace);
  try {
    ignoring('ENODEV', () => {
      guest.apply([{ kind: 'delete-link', name: endpoint.interfaceName }]);
    });
  } finally {
    guest.close();
    namespace.close();
  }
}
