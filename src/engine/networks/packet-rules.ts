import { asError } from '../../base/errors.js';
import type { Log } from '../../base/log.js';
import { forgetFlows, nftApply, nftListJson, sysErrno } from '../sys/index.js';
import {
  emptyTable,
  nearElement,
  networkElements,
  portElement,
  tableOf,
  type FilteredNetwork,
  type PublishedPort,
} from './nft-script.js';

type Family = 4 | 6;

/**
 * The engine's nft tables. Changes of one turn of the event loop go to the kernel as one transaction; when the kernel
 * refuses (somebody flushed the ruleset, say) the tables are built anew from what should be there.
 */
export class PacketRules {
  readonly #table: string;
  readonly #log: Log;
  readonly #networks = new Set<FilteredNetwork>();
  readonly #ports = new Set<PublishedPort>();
  readonly #present = new Set<Family>();
  #uplinks: readonly string[] = [];
  #lines: string[] = [];
  /** UDP ports that changed: their flows must meet the new rules. */
  readonly #changedUdp = new Set<number>();
  #flushing: Promise<void> | undefined;

  constructor(table: string, log: Log) {
    this.#table = table;
    this.#log = log;
  }

  addNetwork(network: FilteredNetwork): void {
    this.#networks.add(network);
    for (const family of this.#familiesOf(network)) {
      if (this.#present.has(family)) this.#lines.push(...networkElements('add', this.#table, family, network));
    }
  }

  removeNetwork(network: FilteredNetwork): void {
    if (!this.#networks.delete(network)) return;
    for (const family of this.#familiesOf(network)) {
      if (this.#present.has(family)) this.#lines.push(...networkElements('delete', this.#table, family, network));
    }
  }

  /** The bridges of the host that lead outside, instead of those told before. */
  setUplinks(bridges: readonly string[]): void {
    const change = (verb: 'add' | 'delete', bridge: string) =>
      [...this.#present].map((family) => nearElement(verb, this.#table, family, bridge));
    const [before, now] = [this.#uplinks, bridges];
    this.#lines.push(...before.filter((one) => !now.includes(one)).flatMap((bridge) => change('delete', bridge)));
    this.#lines.push(...now.filter((one) => !before.includes(one)).flatMap((bridge) => change('add', bridge)));
    this.#uplinks = bridges;
  }

  addPorts(ports: readonly PublishedPort[]): void {
    for (const port of ports) {
      this.#ports.add(port);
      if (port.protocol === 'udp') this.#changedUdp.add(port.hostPort);
      if (this.#present.has(port.family)) this.#lines.push(portElement('add', this.#table, port));
    }
  }

  removePorts(ports: readonly PublishedPort[]): void {
    for (const port of ports) {
      if (!this.#ports.delete(port)) continue;
      if (port.protocol === 'udp') this.#changedUdp.add(port.hostPort);
      // A routed port may stand for several of the host's, which are all one to the rules.
      const { via, family, address, protocol } = port;
      const isSame = (other: PublishedPort) =>
        other.via === via && other.address === address && other.protocol === protocol && other.port === port.port;
      if (via === 'routed' && [...this.#ports].some(isSame)) continue;
      if (this.#present.has(family)) this.#lines.push(portElement('delete', this.#table, port));
    }
  }

  /** Settles when everything changed so far is in the kernel. @throws `sys/call-failed` */
  flush(): Promise<void> {
    this.#flushing ??= new Promise((resolve, reject) => {
      setImmediate(() => {
        this.#flushing = undefined;
        try {
          this.flushNow();
          resolve();
        } catch (error) {
          reject(asError(error));
        }
      });
    });
    return this.#flushing;
  }

  /** The same at once. */
  flushNow(): void {
    this.#flushRules();
    for (const port of this.#changedUdp) {
      try {
        forgetFlows('udp', port);
      } catch (error) {
        this.#log.warn('flows of a published port live on until they time out', { port, error });
      }
    }
    this.#changedUdp.clear();
  }

  #flushRules(): void {
    const wanted = new Set([...this.#networks].flatMap((network) => this.#familiesOf(network)));
    const present = [...wanted].every((family) => this.#present.has(family)); // one too many goes with a rebuild
    if (present && this.#lines.length === 0) return;
    const lines = this.#lines.splice(0);
    if (present) {
      try {
        nftApply(lines.join('\n'));
        return;
      } catch (error) {
        this.#log.warn('packet rules were not as left and are rebuilt', { error });
      }
    }
    this.rebuild();
  }

  get inUse(): boolean {
    return this.#networks.size > 0;
  }

  /** Rebuilds the tables when one of them is gone. @returns whether that was so */
  restore(): boolean {
    if (this.#present.size === 0) return false;
    const { nftables } = nftListJson('list tables') as {
      readonly nftables: readonly { readonly table?: { readonly family: string; readonly name: string } }[];
    };
    const found = new Set(nftables.map(({ table }) => `${table?.family ?? ''} ${table?.name ?? ''}`));
    if ([...this.#present].every((family) => found.has(tableOf(this.#table, family)))) return false;
    this.rebuild();
    return true;
  }

  /** Replaces whatever the kernel holds of this engine by what should be there, in one transaction. */
  rebuild(): void {
    this.#lines = [];
    const wanted = new Set([...this.#networks].flatMap((network) => this.#familiesOf(network)));
    const script: string[] = [];
    for (const family of [4, 6] as const) {
      if (wanted.has(family)) script.push(emptyTable(this.#table, family), ...this.#elements(family));
      else script.push(`table ${tableOf(this.#table, family)}`, `delete table ${tableOf(this.#table, family)}`);
    }
    try {
      nftApply(script.join('\n'));
    } catch (error) {
      // A kernel without nf_tables has nothing to remove either.
      if (wanted.size > 0 || !['EOPNOTSUPP', 'ENOPROTOOPT', 'EINVAL'].includes(sysErrno(error) ?? '')) throw error;
    }
    this.#present.clear();
    for (const family of wanted) this.#present.add(family);
  }

  #elements(family: Family): string[] {
    return [
      ...this.#uplinks.map((bridge) => nearElement('add', this.#table, family, bridge)),
      ...[...this.#networks].flatMap((network) =>
        this.#familiesOf(network).includes(family) ? networkElements('add', this.#table, family, network) : [],
      ),
      ...[...this.#ports].filter((port) => port.family === family).map((port) => portElement('add', this.#table, port)),
    ];
  }

  #familiesOf(network: FilteredNetwork): Family[] {
    return ([4, 6] as const).filter((each) => network.subnets.some(({ family }) => family === each));
  }
}
