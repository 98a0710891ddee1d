import { createHash } from 'node:crypto';
import { runToolSync, spawnFast, sysErrno, type Links } from '../sys/index.js';
import type { ForeignFirewall } from './foreign-firewall.js';
import { writeIfPresent, type KernelSettings } from './kernel-settings.js';
import type { FilteredNetwork } from './nft-script.js';
import type { PacketRules } from './packet-rules.js';
import { requireParent } from './parents.js';
import type { NetworkRecord } from './record.js';

export interface BridgesOptions {
  readonly links: Links;
  readonly rules: PacketRules;
  readonly settings: KernelSettings;
  readonly firewall: ForeignFirewall;
  /** Marks the bridges as this engine's (the link's alias). */
  readonly owner: string;
}

/** The host's side of networks: bridge links with their rules and settings. */
export class Bridges {
  readonly #options: BridgesOptions;
  readonly #up = new Map<string, FilteredNetwork>();
  readonly #removing = new Map<string, Promise<void>>();

  constructor(options: BridgesOptions) {
    this.#options = options;
  }

  isUp(networkId: string): boolean {
    return this.#up.has(networkId);
  }

  /** Waits for a removal under way, after which {@link ensure} may be called. */
  async settled(networkId: string): Promise<void> {
    await this.#removing.get(networkId);
  }

  /**
   * Makes the bridge unless it is there; its rules go out with the next flush. Synchronous, 1-3 ms. A network on a
   * parent link needs only that one.
   * @throws `network/invalid` when the parent link is not there
   */
  ensure(network: NetworkRecord): void {
    if (this.#up.has(network.id)) return;
    const { links, rules, settings, owner } = this.#options;
    if (network.parent !== undefined) {
      requireParent(links, network.parent);
      return;
    }
    const { bridgeName: name } = network;
    settings.ensure('net/ipv4/ip_forward', '1');
    if (network.enableIPv6) settings.ensure('net/ipv6/conf/all/forwarding', '1');
    const found = links.list().find((link) => link.name === name);
    if (found === undefined) {
      links.apply([{ kind: 'add-bridge', name, alias: owner, mac: bridgeMac(network.id), mtu: network.mtu }]);
    }
    // Connections to 127.0.0.1 of the host are redirected into the bridge; the rules keep it from being misused.
    writeIfPresent(`/proc/sys/net/ipv4/conf/${name}/route_localnet`, '1');
    writeIfPresent(`/proc/sys/net/ipv6/conf/${name}/disable_ipv6`, network.enableIPv6 ? '0' : '1');
    for (const { subnet, gateway } of network.ranges) {
      if (gateway === undefined) continue;
      const address = `${gateway}/${subnet.split('/')[1] ?? ''}`;
      ignoring('EEXIST', () => {
        links.apply([{ kind: 'add-address', link: name, address }]);
      });
    }
    links.apply([{ kind: 'set-up', name }]);
    const filtered = filteredNetwork(network);
    this.#up.set(network.id, filtered);
    rules.addNetwork(filtered);
  }

  /** Lets the bridge through a foreign firewall. */
  async admit(network: NetworkRecord): Promise<void> {
    if (network.parent === undefined) await this.#options.firewall.ensure(network.bridgeName);
  }

  /** Removes the bridge and its rules; with the last one also what they needed of the host. */
  async remove(network: NetworkRecord): Promise<void> {
    const filtered = this.#up.get(network.id);
    if (filtered === undefined) return this.settled(network.id);
    this.#up.delete(network.id);
    this.#options.rules.removeNetwork(filtered);
    const removal = (async () => {
      await this.#options.rules.flush();
      await deleteLinks([network.bridgeName]);
    })();
    this.#removing.set(network.id, removal);
    try {
      await removal;
    } finally {
      this.#removing.delete(network.id);
    }
    if (this.#up.size === 0) await this.#restoreHost();
  }

  /** Removes everything that carries this engine's mark, in memory or not. */
  async removeAll(): Promise<void> {
    for (const filtered of this.#up.values()) this.#options.rules.removeNetwork(filtered);
    this.#up.clear();
    await this.sweep();
    await this.#restoreHost();
  }

  /** Removes bridges of this engine that are not in use: those of an earlier process. */
  async sweep(): Promise<void> {
    const { links, owner } = this.#options;
    const used = new Set([...this.#up.values()].map(({ bridge }) => bridge));
    const stale = links.list().filter((link) => link.type === 'bridge' && link.alias === owner && !used.has(link.name));
    await deleteLinks(stale.map(({ name }) => name));
    if (this.#up.size === 0) await this.#restoreHost();
  }

  async #restoreHost(): Promise<void> {
    this.#options.rules.rebuild();
    // Where others have bridges, forwarding has become theirs as well.
    const others = this.#options.links
      .list()
      .some(({ type, alias }) => type === 'bridge' && alias !== this.#options.owner);
    this.#options.settings.giveBack(others ? 'keep' : 'restore');
    await this.#options.firewall.remove();
  }
}

function filteredNetwork(network: NetworkRecord): FilteredNetwork {
  return {
    bridge: network.bridgeName,
    subnets: network.ranges.map(({ subnet }) => ({ family: subnet.includes(':') ? 6 : 4, text: subnet })),
    internal: network.internal,
    isolated: isIsolated(network),
    masquerade: network.options['com.docker.network.bridge.enable_ip_masquerade'] !== 'false',
  };
}

/** Docker's `enable_icc`. */
export function isIsolated({ options }: Pick<NetworkRecord, 'options'>): boolean {
  return options['com.docker.network.bridge.enable_icc'] === 'false';
}

/** Fixed, since a bridge without one takes the lowest of its ports and so changes it as containers come and go. */
function bridgeMac(networkId: string): string {
  const hash = createHash('sha256').update(networkId).digest('hex');
  return `02:42:${(hash.slice(0, 8).match(/../g) ?? []).join(':')}`;
}

/**
 * Deletes links in another process: the kernel waits 20 ms and more for each, and would do so on the main thread.
 * Links that are gone already are no error.
 */
export async function deleteLinks(names: readonly string[]): Promise<void> {
  await Promise.all(
    names.map(async (name) => {
      const { exitCode } = await spawnFast({ file: 'ip', args: ['link', 'delete', 'dev', name], stdio: {} }).exited;
      if (exitCode === 0) return;
      ignoring('ENODEV', () => {
        runToolSync('ip', ['link', 'delete', 'dev', name]); // again, for its words
      });
    }),
  );
}

export function ignoring(errno: string, work: () => void): void {
  try {
    work();
  } catch (error) {
    if (sysErrno(error) !== errno) throw error;
  }
}
