import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Log } from '../../base/log.js';
import { runToolSync, spawnFast, sysErrno, type LinkInfo, type Links } from '../sys/index.js';
import { bridgeNameOf } from './bridge-name.js';
import { readBridgeOptions } from './bridge-options.js';
import { invalid } from './errors.js';
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
  readonly log: Log;
}

const givesBackAfterMs = 5_000;

/** The host's side of networks: bridge links with their rules and settings. */
export class Bridges {
  readonly #options: BridgesOptions;
  readonly #up = new Map<string, FilteredNetwork>();
  /** Links that the kernel is taking away, by name. */
  readonly #going = new Map<string, Promise<void>>();
  /** Gives the host's settings back: there is no bridge any more, and has been none for a while. */
  #givingBack: NodeJS.Timeout | undefined;

  constructor(options: BridgesOptions) {
    this.#options = options;
  }

  isUp(networkId: string): boolean {
    return this.#up.has(networkId);
  }

  /** Waits until a link that is being removed has gone, after which {@link ensure} may make one of that name. */
  async settled(bridgeName: string): Promise<void> {
    await this.#going.get(bridgeName);
  }

  /** Whether a link is on its way out: nobody can use it or its addresses any more. */
  isGoing(link: string): boolean {
    return this.#going.has(link);
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
    const { gatewayMode, inhibitIpv4 } = optionsOf(network);
    const present = links.list();
    settings.ensure('net/ipv4/ip_forward', '1');
    if (network.enableIPv6) this.#forwardIpv6(present);
    rules.setUplinks(uplinksOf(links, present));
    const found = present.find((link) => link.name === name);
    if (found !== undefined && found.type !== 'bridge') throw invalid(`existing interface ${name} is not a bridge`);
    if (found === undefined) {
      links.apply([{ kind: 'add-bridge', name, mac: bridgeMac(network.id), mtu: network.mtu }]);
    }
    // The kernel takes no alias with a new link (rtnetlink.c), so an engine may be killed between the two.
    if (found === undefined || isUnmarked(found, network)) links.apply([{ kind: 'set-alias', name, alias: owner }]);
    // Connections to 127.0.0.1 of the host are redirected into the bridge; the rules keep it from being misused.
    writeIfPresent(`/proc/sys/net/ipv4/conf/${name}/route_localnet`, '1');
    writeIfPresent(`/proc/sys/net/ipv6/conf/${name}/disable_ipv6`, network.enableIPv6 ? '0' : '1');
    for (const { subnet, gateway } of network.ranges) {
      const family = subnet.includes(':') ? 6 : 4;
      if (gateway === undefined || gatewayMode[family] === 'isolated' || (family === 4 && inhibitIpv4)) continue;
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

  /** A host that forwards takes no routes from its router's advertisements any more, unless told to (ip-sysctl). */
  #forwardIpv6(present: readonly LinkInfo[]): void {
    const { settings } = this.#options;
    for (const { name } of present) {
      if (settingOf(name, 'accept_ra') !== '1' || settingOf(name, 'forwarding') !== '0') continue;
      settings.ensure(`net/ipv6/conf/${name}/accept_ra`, '2');
    }
    settings.ensure('net/ipv6/conf/all/forwarding', '1');
  }

  /** Lets the bridge through a foreign firewall. */
  async admit(network: NetworkRecord): Promise<void> {
    if (network.parent === undefined) await this.#options.firewall.ensure();
  }

  /**
   * Removes the bridge and its rules; after the last one, in a while, also what they needed of the host. The link is
   * down at once; that the kernel frees it, which takes 30 ms and more, is left to {@link settled}.
   */
  async remove(network: NetworkRecord): Promise<void> {
    const filtered = this.#up.get(network.id);
    this.#up.delete(network.id);
    const { links, owner, rules } = this.#options;
    if (filtered !== undefined) rules.removeNetwork(filtered);
    const link = links.list().find(({ name }) => name === network.bridgeName);
    // One that was there before stays.
    if (link !== undefined && (link.alias === owner || isUnmarked(link, network))) this.#letGo(link.name);
    if (filtered === undefined) return;
    await rules.flush();
    this.#giveBackSoon();
  }

  #letGo(link: string): void {
    const { links, log } = this.#options;
    ignoring('ENODEV', () => {
      links.apply([{ kind: 'set-down', name: link }]); // its routes go, and leave the range to others
    });
    const gone = deleteLinks([link])
      .catch((error: unknown) => {
        log.warn('cannot remove a bridge', { link, error });
      })
      .finally(() => this.#going.delete(link));
    this.#going.set(link, gone);
  }

  /** The next network often comes at once, and needs the same of the host: looking at its firewalls takes 30 ms. */
  #giveBackSoon(): void {
    if (this.#up.size > 0) return;
    clearTimeout(this.#givingBack);
    this.#givingBack = setTimeout(() => {
      this.settle().catch((error: unknown) => {
        this.#options.log.warn('cannot give the settings of the host back', { error });
      });
    }, givesBackAfterMs).unref();
  }

  /** Gives back at once what would be given back in a while. */
  async settle(): Promise<void> {
    await Promise.all(this.#going.values());
    if (this.#givingBack !== undefined && this.#up.size === 0) await this.#restoreHost();
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
    await Promise.all(this.#going.values());
    const stale = links.list().filter((link) => link.type === 'bridge' && link.alias === owner && !used.has(link.name));
    await deleteLinks(stale.map(({ name }) => name));
    if (this.#up.size === 0) await this.#restoreHost();
  }

  async #restoreHost(): Promise<void> {
    clearTimeout(this.#givingBack);
    this.#givingBack = undefined;
    this.#options.rules.rebuild();
    // Where others have bridges, forwarding has become theirs as well.
    const others = this.#options.links
      .list()
      .some(({ type, alias }) => type === 'bridge' && alias !== this.#options.owner);
    this.#options.settings.giveBack(others ? 'keep' : 'restore');
    await this.#options.firewall.remove();
  }
}

/** A bridge that an engine made for this network and was killed before it could mark it. */
function isUnmarked({ name, type, alias }: LinkInfo, { id }: NetworkRecord): boolean {
  return type === 'bridge' && alias === undefined && name === bridgeNameOf(id);
}

function optionsOf(network: NetworkRecord): ReturnType<typeof readBridgeOptions> {
  return readBridgeOptions(network.options, network);
}

function filteredNetwork(network: NetworkRecord): FilteredNetwork {
  const { communication, masquerade, gatewayMode } = optionsOf(network);
  return {
    bridge: network.bridgeName,
    subnets: network.ranges.map(({ subnet }) => {
      const family = subnet.includes(':') ? 6 : 4;
      const mode = gatewayMode[family];
      return { family, text: subnet, mode, masquerade: masquerade && mode !== 'routed' };
    }),
    internal: network.internal,
    isolated: !communication,
  };
}

/** Bridges that lead out of the host: with a port that is no container's, or a default route. */
function uplinksOf(links: Links, present: readonly LinkInfo[]): string[] {
  const leading = new Set(
    links.routes().flatMap(({ destination, linkIndex }) => (isDefault(destination) ? [linkIndex] : [])),
  );
  const outward = present.filter(({ type }) => type === undefined || ['bond', 'team', 'vlan'].includes(type));
  const carrying = new Set(outward.map(({ masterIndex }) => masterIndex));
  return present
    .filter(({ type, index }) => type === 'bridge' && (leading.has(index) || carrying.has(index)))
    .map(({ name }) => name);
}

function isDefault(destination: string): boolean {
  return destination === '0.0.0.0/0' || destination === '::/0';
}

function settingOf(link: string, key: string): string {
  try {
    return readFileSync(`/proc/sys/net/ipv6/conf/${link}/${key}`, 'utf8').trim();
  } catch {
    return ''; // the kernel has no IPv6, or the link has just gone
  }
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
