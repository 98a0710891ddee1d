import { join } from 'node:path';
import { TscomposeError } from '../../base/errors.js';
import type { Log } from '../../base/log.js';
import type { EventHub } from '../events/index.js';
import { openRecords } from '../store/index.js';
import { openLinks } from '../sys/index.js';
import { checkJoinable, checkUnused, isConfigurationOfOthers } from './configuration.js';
import { Bridges } from './bridges.js';
import { Catalogue } from './catalogue.js';
import type { Networks } from './contract.js';
import { NameTable } from './dns-names.js';
import { emptyEndpointSettings, endpointSettings, networkInspect } from './endpoint-settings.js';
import { AddressPools, type PluggedEndpoint } from './endpoints.js';
import { ForeignFirewall } from './foreign-firewall.js';
import { readHostRanges } from './host-ranges.js';
import { KernelSettings } from './kernel-settings.js';
import { hostsLinesFor, ownNames, readHostResolver, renderResolvConf } from './name-files.js';
import { PacketRules } from './packet-rules.js';
import { portMapOf, PortTable } from './ports.js';
import { RulesWatch } from './rules-watch.js';
import { networkSchema, parseNetworkRecord, type NetworkRecord } from './record.js';
import { parseSandboxRecord, sandboxSchema, type SandboxRequest } from './sandbox.js';
import { parseLink } from './sandbox-requests.js';
import { Sandboxes, type LiveSandbox } from './sandboxes.js';

export interface NetworksOptions {
  /** Records of networks, kept. */
  readonly dir: string;
  /** Records of sandboxes, which end with the boot. */
  readonly runtimeDir: string;
  /** Eight hex digits; tells this engine's rules and bridges from others'. */
  readonly engineId: string;
  readonly log: Log;
  readonly events: Pick<EventHub, 'publish'>;
}

const bridgeIdleMs = 10_000;

/** Reads the records; {@link Networks.start} then meets the kernel. */
export async function openNetworks(options: NetworksOptions): Promise<Networks> {
  const { dir, runtimeDir, engineId, log, events } = options;
  const owner = `tscompose-${engineId}`;
  const links = openLinks();
  const [networkRecords, sandboxRecords] = await Promise.all([
    openRecords({ dir, schema: networkSchema, parse: parseNetworkRecord, log }),
    openRecords({ dir: join(runtimeDir, 'sandboxes'), schema: sandboxSchema, parse: parseSandboxRecord, log }),
  ]);
  const rules = new PacketRules(owner, log);
  const settings = new KernelSettings(join(runtimeDir, 'kernel-settings.json'));
  const firewall = new ForeignFirewall(owner, log);
  const watch = new RulesWatch(rules, firewall, log);
  const catalogue = new Catalogue(networkRecords, () => readHostRanges(links, (link) => bridges.isGoing(link)));
  const bridges = new Bridges({ links, rules, settings, firewall, owner, log });
  const pools = new AddressPools();
  const names = new NameTable();
  const ports = new PortTable();
  const sandboxes = new Sandboxes({
    catalogue,
    bridges,
    pools,
    ports,
    rules,
    names,
    records: sandboxRecords,
    links,
    log,
  });
  await catalogue.ensurePredefined();

  /** The predefined bridge is there only while somebody uses it, or has a moment ago. */
  const idle = new Map<string, NodeJS.Timeout>();
  const removeWhenIdle = (network: NetworkRecord): void => {
    if (!network.predefined || !bridges.isUp(network.id) || sandboxes.usersOf(network.id).length > 0) return;
    clearTimeout(idle.get(network.id));
    const timer = setTimeout(() => {
      idle.delete(network.id);
      if (sandboxes.usersOf(network.id).length > 0) return;
      bridges.remove(network).catch((error: unknown) => {
        log.warn('cannot remove an idle bridge', { network: network.name, error });
      });
    }, bridgeIdleMs);
    timer.unref();
    idle.set(network.id, timer);
  };

  const publish = (action: string, network: NetworkRecord, container?: string): void => {
    const attributes = { name: network.name, type: network.driver, ...(container === undefined ? {} : { container }) };
    events.publish({ Type: 'network', Action: action, Actor: { ID: network.id, Attributes: attributes } });
  };

  const settingsOf = (live: LiveSandbox, { network, endpoint }: PluggedEndpoint) =>
    endpointSettings(network, endpoint, live.record);

  const leave = async (containerId: string): Promise<void> => {
    const live = sandboxes.get(containerId);
    const plugged = live === undefined ? [] : sandboxes.pluggedOf(live);
    await sandboxes.drop(containerId);
    for (const { network } of plugged) {
      publish('disconnect', network, containerId);
      removeWhenIdle(network);
    }
  };

  const endpointsOf: Networks['endpointsOf'] = (containerId) => {
    const live = sandboxes.get(containerId);
    if (live === undefined) return {};
    return Object.fromEntries(sandboxes.pluggedOf(live).map((each) => [each.network.name, settingsOf(live, each)]));
  };

  return {
    start: async () => {
      await sandboxes.adoptAll();
      rules.rebuild();
      const used = catalogue.list().filter(({ id }) => bridges.isUp(id));
      for (const network of used) sandboxes.ready.warnOfClashes(network);
      await Promise.all(used.map((network) => bridges.admit(network)));
      await bridges.sweep();
      watch.start();
    },
    stop: async () => {
      for (const timer of idle.values()) clearTimeout(timer);
      idle.clear();
      watch.stop();
      const running = sandboxes.size > 0;
      sandboxes.detach();
      await (running ? bridges.settle() : bridges.removeAll());
      links.close();
    },

    create: async (request) => {
      const record = await catalogue.create(request);
      try {
        if (record.configuration === undefined) {
          await bridges.settled(record.bridgeName);
          bridges.ensure(record);
          bridges.admit(record).catch(() => undefined); // whoever joins waits for it: looking takes 50 ms
          await rules.flush();
        }
      } catch (error) {
        await bridges.remove(record);
        await catalogue.remove(record);
        throw error;
      }
      publish('create', record);
      return record;
    },
    list: () => catalogue.list(),
    resolve: (reference) => catalogue.resolve(reference),
    remove: async (reference) => {
      const record = catalogue.resolve(reference);
      if (record.predefined) {
        const message = `${record.name} is a pre-defined network and cannot be removed`;
        throw new TscomposeError({ code: 'network/predefined', message, facts: { name: record.name } });
      }
      checkUnused(record, catalogue.list());
      const users = sandboxes.usersOf(record.id);
      if (users.length > 0) {
        throw new TscomposeError({
          code: 'network/in-use',
          message: `network ${record.name} has active endpoints (${users.join(', ')})`,
          facts: { name: record.name, containers: users },
          hint: 'stop or disconnect these containers first',
        });
      }
      await catalogue.remove(record);
      pools.forget(record.id);
      await bridges.remove(record);
      publish('destroy', record);
    },
    inspect: (network, { containers = false } = {}) => {
      const current = catalogue.get(network.id) ?? network;
      const users = sandboxes.on(network.id).flatMap((live) =>
        sandboxes
          .pluggedOf(live)
          .filter((each) => each.network.id === network.id)
          .map(({ endpoint }) => ({ container: live.record, endpoint })),
      );
      return networkInspect(current, containers ? users : undefined);
    },
    isInUse: (networkId) =>
      sandboxes.usersOf(networkId).length > 0 || isConfigurationOfOthers(catalogue.get(networkId), catalogue.list()),

    join: async (request, signal) => {
      for (const { network } of request.endpoints) checkJoinable(network);
      let made: Awaited<ReturnType<typeof sandboxes.make>>;
      try {
        made = await sandboxes.make(request, signal);
      } catch (error) {
        for (const { network } of request.endpoints) removeWhenIdle(network);
        throw error;
      }
      const { live, namespace } = made;
      const plugged = sandboxes.pluggedOf(live);
      for (const { network } of plugged) {
        clearTimeout(idle.get(network.id));
        publish('connect', network, request.containerId);
      }
      const nothing = request.endpoints.filter(({ network }) => network.driver === 'null');
      return {
        namespacePath: namespace.procPath,
        namespace,
        endpoints: {
          ...Object.fromEntries(nothing.map(({ network }) => [network.name, emptyEndpointSettings(network)])),
          ...endpointsOf(request.containerId),
        },
        ports: portMapOf(live.record.ports),
        resolvConf: renderResolvConf({
          host: readHostResolver(),
          search: request.dnsSearch,
          options: request.dnsOptions,
        }),
        hostsLines: hostsLines(request, plugged, sandboxes),
        release: () => leave(request.containerId),
      };
    },
    settle: (containerId, pid) => sandboxes.settle(containerId, pid),
    adopt: async (containerId, pid) => {
      const adopted = await sandboxes.adopt(containerId, pid);
      if (adopted) await rules.flush();
      return adopted;
    },
    leave,
    connectRunning: async (containerId, pid, endpoint) => {
      const plugged = await sandboxes.plug(containerId, pid, endpoint);
      publish('connect', plugged.network, containerId);
      const live = sandboxes.get(containerId);
      return live === undefined ? emptyEndpointSettings(plugged.network) : settingsOf(live, plugged);
    },
    disconnectRunning: async (containerId, pid, networkId) => {
      const network = catalogue.resolve(networkId);
      await sandboxes.unplug(containerId, pid, network);
      publish('disconnect', network, containerId);
      removeWhenIdle(network);
    },
    rename: (containerId, name) => sandboxes.rename(containerId, name),
    endpointsOf,
    heldAs: (name) => sandboxes.heldAs(name),
    handOver: (from, to) => sandboxes.handOver(from, to),
    portsOf: (containerId) => portMapOf(sandboxes.get(containerId)?.record.ports ?? []),
  };
}

/** The container's own names, and on the predefined bridge, which has no name server, those that it links to. */
function hostsLines(
  { hostname, domainname = '' }: SandboxRequest,
  plugged: readonly PluggedEndpoint[],
  sandboxes: Sandboxes,
): string[] {
  const addresses = plugged
    .flatMap(({ endpoint }) => [endpoint.ipv4, endpoint.ipv6])
    .filter((each) => each !== undefined);
  const names = ownNames(hostname, domainname);
  const linked = plugged
    .filter(({ network }) => network.predefined)
    .flatMap(({ network, endpoint }) =>
      endpoint.links.map(parseLink).flatMap(({ target, alias }) => {
        const found = sandboxes
          .on(network.id)
          .find(({ record }) => record.containerName === target || record.containerId.startsWith(target));
        const address = found?.record.endpoints.find(({ networkId }) => networkId === network.id)?.ipv4;
        if (found === undefined || address === undefined) return [];
        const { containerId, containerName } = found.record;
        return [`${address}\t${[...new Set([alias, containerName, containerId.slice(0, 12)])].join(' ')}`];
      }),
    );
  return [...hostsLinesFor(addresses, names), ...linked];
}
