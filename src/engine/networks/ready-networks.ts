import type { Log } from '../../base/log.js';
import type { Bridges } from './bridges.js';
import type { Catalogue, Clash } from './catalogue.js';
import type { AddressPools } from './endpoints.js';
import { invalid } from './errors.js';
import type { NetworkRecord } from './record.js';

export interface ReadyNetworksOptions {
  readonly catalogue: Catalogue;
  readonly bridges: Bridges;
  readonly pools: AddressPools;
  readonly log: Log;
  /** Whether a sandbox has a link to it. */
  readonly isUsed: (networkId: string) => boolean;
}

/** Makes networks ready to take links, with ranges that are still free. */
export class ReadyNetworks {
  readonly #options: ReadyNetworksOptions;
  readonly #underWay = new Map<string, Promise<void>>();

  constructor(options: ReadyNetworksOptions) {
    this.#options = options;
  }

  /** @throws `network/invalid` for the host's among others */
  async all(networks: readonly NetworkRecord[]): Promise<NetworkRecord[]> {
    const ready: NetworkRecord[] = [];
    for (const network of networks) {
      if (network.driver === 'host') throw invalid('the host network cannot be joined together with others');
      ready.push(await this.#one(network));
    }
    return ready;
  }

  /** One at a time for a network: the ranges of a bridge that is not up yet may be chosen anew. */
  #one(network: NetworkRecord): Promise<NetworkRecord> {
    const before = this.#underWay.get(network.id);
    const turn = before === undefined ? this.#makeReady(network) : before.then(() => this.#makeReady(network));
    const settled = turn
      .catch(() => undefined)
      .then(() => {
        if (this.#underWay.get(network.id) === settled) this.#underWay.delete(network.id);
      });
    this.#underWay.set(network.id, settled);
    return turn;
  }

  async #makeReady(network: NetworkRecord): Promise<NetworkRecord> {
    const { bridges, catalogue, pools, log, isUsed } = this.#options;
    const current = catalogue.resolve(network.id);
    await bridges.settled(current.bridgeName);
    if (isUsed(network.id)) return current;
    if (current.parent !== undefined) {
      bridges.ensure(current);
      return current;
    }
    const { record: fresh, clashes } = await catalogue.refresh(current);
    if (fresh !== current) {
      log.warn('the host uses the range of a network, which is given another', { network: network.name });
      pools.forget(network.id);
      await bridges.remove(current);
      await bridges.settled(current.bridgeName);
    }
    this.warnOfClashes(fresh, clashes);
    bridges.ensure(fresh);
    return fresh;
  }

  /** For ranges that cannot be chosen anew: what runs there does not reach that part of the host's world, or is not reached. */
  warnOfClashes(network: NetworkRecord, clashes: readonly Clash[] = this.#options.catalogue.clashes(network)): void {
    const { log } = this.#options;
    for (const { range, link } of clashes) {
      const facts = { network: network.name, subnet: range.subnet, link };
      log.warn('the host has addresses or routes in the range of a network', facts);
    }
  }
}
