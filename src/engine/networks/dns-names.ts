import { addressBytes } from '../sys/index.js';

/** One container on one network, as others call it. */
export interface NamedEndpoint {
  readonly networkId: string;
  readonly networkName: string;
  /** The container's name; what a reverse lookup gives. */
  readonly name: string;
  /** Every name it answers to, its own included. */
  readonly names: readonly string[];
  readonly addresses: readonly string[];
}

/** Who asks: sees the names of its own networks, and its own links before those. */
export interface Asker {
  readonly networkIds: readonly string[];
  /** Alias → name of the linked container. */
  readonly links: ReadonlyMap<string, string>;
}

/** The names of all networks of an engine. */
export class NameTable {
  readonly #byName = new Map<string, Map<string, Set<NamedEndpoint>>>();
  readonly #byAddress = new Map<string, Map<string, NamedEndpoint>>();
  #turn = 0;

  add(endpoint: NamedEndpoint): void {
    const { networkId } = endpoint;
    const names = this.#byName.get(networkId) ?? new Map<string, Set<NamedEndpoint>>();
    this.#byName.set(networkId, names);
    for (const name of namesOf(endpoint)) names.set(name, (names.get(name) ?? new Set()).add(endpoint));
    const addresses = this.#byAddress.get(networkId) ?? new Map<string, NamedEndpoint>();
    this.#byAddress.set(networkId, addresses);
    for (const address of endpoint.addresses) addresses.set(addressKey(address), endpoint);
  }

  remove(endpoint: NamedEndpoint): void {
    const names = this.#byName.get(endpoint.networkId);
    for (const name of namesOf(endpoint)) {
      const endpoints = names?.get(name);
      endpoints?.delete(endpoint);
      if (endpoints?.size === 0) names?.delete(name);
    }
    if (names?.size === 0) this.#byName.delete(endpoint.networkId);
    const addresses = this.#byAddress.get(endpoint.networkId);
    for (const address of endpoint.addresses) {
      if (addresses?.get(addressKey(address)) === endpoint) addresses.delete(addressKey(address));
    }
    if (addresses?.size === 0) this.#byAddress.delete(endpoint.networkId);
  }

  /** Addresses of both families, in an order that moves on with every call; undefined for an unknown name. */
  resolve(asker: Asker, asked: string): string[] | undefined {
    const name = asker.links.get(asked)?.toLowerCase() ?? asked;
    for (const networkId of asker.networkIds) {
      const endpoints = this.#byName.get(networkId)?.get(name);
      if (endpoints === undefined) continue;
      const addresses = [...endpoints].flatMap((endpoint) => endpoint.addresses);
      this.#turn = (this.#turn + 1) % 0xffff;
      const start = this.#turn % Math.max(addresses.length, 1);
      return [...addresses.slice(start), ...addresses.slice(0, start)];
    }
    return undefined;
  }

  /** `container.network` for an address on one of the asker's networks. */
  reverse(asker: Asker, address: string): string | undefined {
    const key = addressKey(address);
    for (const networkId of asker.networkIds) {
      const endpoint = this.#byAddress.get(networkId)?.get(key);
      if (endpoint !== undefined) return `${endpoint.name}.${endpoint.networkName}`;
    }
    return undefined;
  }
}

function namesOf({ names, networkName }: NamedEndpoint): Set<string> {
  const lower = names.map((name) => name.toLowerCase());
  return new Set([...lower, ...lower.map((name) => `${name}.${networkName.toLowerCase()}`)]);
}

/** IPv6 addresses have many spellings. */
function addressKey(address: string): string {
  return addressBytes(address).toString('hex');
}
