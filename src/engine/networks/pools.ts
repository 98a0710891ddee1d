import { createHash } from 'node:crypto';
import { TscomposeError } from '../../base/errors.js';
import { overlaps, parseSubnet, type Subnet } from './subnet.js';

/** Where the predefined bridge goes unless that is taken. */
const predefined = '172.17.0.0/16';

/** Docker's own defaults first, so that addresses look as people expect; then room for thousands more. */
const pools: readonly { readonly from: string; readonly size: number }[] = [
  { from: '172.18.0.0/15', size: 16 },
  { from: '172.20.0.0/14', size: 16 },
  { from: '172.24.0.0/13', size: 16 },
  { from: '192.168.0.0/16', size: 20 },
  { from: '10.201.0.0/16', size: 24 },
  { from: '10.202.0.0/15', size: 24 },
  { from: '10.204.0.0/14', size: 24 },
  { from: '10.208.0.0/12', size: 24 },
];

/**
 * The first default IPv4 range that overlaps nothing in `taken`.
 * @throws `network/no-free-subnet`
 */
export function chooseSubnet(taken: readonly Subnet[], use: 'predefined' | 'user'): Subnet {
  let tried = 0;
  for (const subnet of candidates(use)) {
    tried += 1;
    if (!taken.some((other) => overlaps(other, subnet))) return subnet;
  }
  throw new TscomposeError({
    code: 'network/no-free-subnet',
    message:
      'could not find an available, non-overlapping IPv4 address pool among the defaults to assign to the network',
    facts: { tried },
    hint: 'give the network a subnet of its own (ipam.config.subnet), or remove networks that are not used',
  });
}

function* candidates(use: 'predefined' | 'user'): Generator<Subnet> {
  if (use === 'predefined') yield parseSubnet(predefined);
  for (const { from, size } of pools) {
    const pool = parseSubnet(from);
    const step = 1n << BigInt(32 - size);
    for (let first = pool.first; first <= pool.last; first += step) {
      yield { family: 4, first, last: first + step - 1n, prefixLength: size };
    }
  }
}

/** A unique local IPv6 range (RFC 4193) for a network: the same every time, unlike anybody else's. */
export function uniqueLocalSubnet(networkId: string): Subnet {
  const hash = createHash('sha256').update(networkId).digest();
  const bytes = Buffer.concat([Buffer.from([0xfd]), hash.subarray(0, 7), Buffer.alloc(8)]);
  const first = BigInt(`0x${bytes.toString('hex')}`);
  return { family: 6, first, last: first + (1n << 64n) - 1n, prefixLength: 64 };
}
