import { isIP } from 'node:net';
import { addressBytes, addressText } from '../sys/index.js';
import { invalid } from './errors.js';

/** A range of addresses of one family, aligned to its size. */
export interface Subnet {
  readonly family: 4 | 6;
  /** The lowest address, as a number. */
  readonly first: bigint;
  readonly last: bigint;
  readonly prefixLength: number;
}

export const cidrHint = 'write it as address/bits, like 10.5.0.0/16';

/** `10.0.0.0/8`; host bits may be set and are dropped. @throws `network/invalid` */
export function parseSubnet(text: string): Subnet {
  const subnet = readSubnet(text);
  if (subnet !== undefined) return subnet;
  throw invalid(`invalid network config:\ninvalid subnet ${text}: invalid CIDR block notation`, cidrHint);
}

/** Like {@link parseSubnet}; undefined for what is none. */
export function readSubnet(text: string): Subnet | undefined {
  const [address = '', length = '', ...more] = text.split('/');
  const family = isIP(address);
  const bits = family === 4 ? 32 : 128;
  if (family === 0 || more.length > 0 || !/^\d{1,3}$/.test(length) || Number(length) > bits) return undefined;
  const size = 1n << BigInt(bits - Number(length));
  const first = (addressNumber(address) / size) * size;
  return { family: family === 4 ? 4 : 6, first, last: first + size - 1n, prefixLength: Number(length) };
}

export function subnetText(subnet: Subnet): string {
  return `${addressOf(subnet, 0n)}/${subnet.prefixLength}`;
}

/** The address `offset` above the lowest one. */
export function addressOf(subnet: Subnet, offset: bigint): string {
  return numberAddress(subnet.first + offset, subnet.family);
}

export function addressNumber(address: string): bigint {
  return BigInt(`0x${addressBytes(address).toString('hex')}`);
}

export function numberAddress(value: bigint, family: 4 | 6): string {
  return addressText(Buffer.from(value.toString(16).padStart(family === 4 ? 8 : 32, '0'), 'hex'));
}

export function contains(subnet: Subnet, address: string): boolean {
  if (isIP(address) !== subnet.family) return false;
  const value = addressNumber(address);
  return value >= subnet.first && value <= subnet.last;
}

/** Whether an address is one of a subnet written as text. @throws `network/invalid` for what is no subnet */
export function addressLiesIn(address: string, subnet: string): boolean {
  return contains(parseSubnet(subnet), address);
}

export function overlaps(left: Subnet, right: Subnet): boolean {
  return left.family === right.family && left.first <= right.last && right.first <= left.last;
}
