import { TscomposeError } from '../../base/errors.js';
import { addressNumber, contains, numberAddress, type Subnet } from './subnet.js';

/**
 * The addresses of one subnet. A released address goes back to who had it, for others have written it down (nginx asks
 * for its upstreams once), and to another holder only after all the other addresses, so that who still knows it does not
 * reach a stranger.
 */
export class AddressPool {
  readonly #network: string;
  readonly #subnet: Subnet;
  readonly #range: Subnet;
  readonly #taken = new Set<bigint>();
  /** The address each holder had last, until another gets it. */
  readonly #before = new Map<string, bigint>();
  readonly #holders = new Map<bigint, string>();
  #next: bigint;

  /** @param reserved - never given out by themselves: the gateway and auxiliary addresses */
  constructor(network: string, subnet: Subnet, range: Subnet, reserved: readonly string[]) {
    this.#network = network;
    this.#subnet = subnet;
    this.#range = range;
    this.#next = range.first;
    this.#taken.add(subnet.first); // the subnet itself, or IPv6's any-router address
    if (subnet.family === 4 && subnet.prefixLength < 31) this.#taken.add(subnet.last); // broadcast
    for (const address of reserved) this.#taken.add(addressNumber(address));
  }

  get family(): 4 | 6 {
    return this.#subnet.family;
  }

  /** Whether an address is of this subnet, free or not. */
  holds(address: string): boolean {
    return contains(this.#subnet, address);
  }

  /** @throws `network/addresses-exhausted` */
  allocate(holder: string): string {
    const before = this.#before.get(holder);
    if (before !== undefined && this.#take(before)) return numberAddress(before, this.#subnet.family);
    const value = this.#free();
    this.#next = value + 1n;
    const last = this.#holders.get(value);
    if (last !== undefined && this.#before.get(last) === value) this.#before.delete(last);
    this.#before.set(holder, value);
    this.#holders.set(value, holder);
    return numberAddress(value, this.#subnet.family);
  }

  #free(): bigint {
    for (let at = this.#next; at <= this.#range.last; at += 1n) if (this.#take(at)) return at;
    for (let at = this.#range.first; at < this.#next; at += 1n) if (this.#take(at)) return at;
    throw new TscomposeError({
      code: 'network/addresses-exhausted',
      message: `network ${this.#network} has no free address left`,
      facts: { network: this.#network },
      hint: 'give the network a larger subnet',
    });
  }

  /** @throws `network/invalid` when it lies outside, `network/address-in-use` */
  claim(address: string): string {
    if (!contains(this.#subnet, address)) {
      throw new TscomposeError({
        code: 'network/invalid',
        message: `address ${address} lies outside of network ${this.#network}`,
        facts: { reason: 'address outside of the subnet' },
      });
    }
    if (this.#take(addressNumber(address))) return address;
    throw new TscomposeError({
      code: 'network/address-in-use',
      message: `address ${address} of network ${this.#network} is already in use`,
      facts: { network: this.#network, address },
    });
  }

  release(address: string): void {
    this.#taken.delete(addressNumber(address));
  }

  #take(value: bigint): boolean {
    if (this.#taken.has(value)) return false;
    this.#taken.add(value);
    return true;
  }
}
