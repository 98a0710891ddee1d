import { isIP } from 'node:net';
import type { IpamPool } from '../../api/network.js';
import { invalid } from './errors.js';
import { cidrHint, contains, overlaps, readSubnet, subnetText, type Subnet } from './subnet.js';

/**
 * The ranges that a request asks for. Those of IPv6 on a network without it are passed over, as dockerd does: files that
 * name one and leave `enable_ipv6` out are common.
 * @throws `network/invalid` with everything that is wrong, in dockerd's words
 */
export function checkedPools(pools: readonly IpamPool[], enableIPv6: boolean): readonly IpamPool[] {
  const asked = pools.filter((pool) => Object.values(pool).some((value) => value !== '' && value !== null));
  const wanted = asked.filter(({ Subnet = '' }) => enableIPv6 || readSubnet(Subnet)?.family !== 6);
  const problems = wanted.flatMap(problemsOf);
  if (problems.length === 0) return wanted;
  const list = problems.length === 1 ? problems : problems.map((problem) => `* ${problem}`);
  const hint = wanted.some(({ Subnet = '' }) => readSubnet(Subnet) === undefined) ? cidrHint : undefined;
  throw invalid(['invalid network config:', ...list].join('\n'), hint);
}

function problemsOf({ Subnet: text = '', IPRange = '', Gateway = '', AuxiliaryAddresses }: IpamPool): string[] {
  const subnet = readSubnet(text);
  if (subnet === undefined) return [`invalid subnet ${text}: invalid CIDR block notation`];
  const addresses = Object.entries(AuxiliaryAddresses ?? {}).map(([name, address]) => [
    `auxiliary address ${name}`,
    address,
  ]);
  return [
    ...unaligned('subnet', text, subnet),
    ...(IPRange === '' ? [] : problemsOfRange(IPRange, text, subnet)),
    ...(Gateway === '' ? [] : problemsOfAddress(`gateway ${Gateway}`, Gateway, text, subnet)),
    ...addresses.flatMap(([what = '', address = '']) => problemsOfAddress(what, address, text, subnet)),
  ];
}

function unaligned(what: string, text: string, range: Subnet): string[] {
  const lowest = subnetText(range);
  return isSame(text, lowest) ? [] : [`invalid ${what} ${text}: it should be ${lowest}`];
}

/** Whether both say the same address, however it is written. */
function isSame(text: string, lowest: string): boolean {
  const [address = ''] = text.split('/');
  return readSubnet(`${address}/${isIP(address) === 4 ? 32 : 128}`)?.first === readSubnet(lowest)?.first;
}

function problemsOfRange(text: string, parentText: string, parent: Subnet): string[] {
  const range = readSubnet(text);
  if (range === undefined) return [`invalid ip-range ${text}: invalid CIDR block notation`];
  if (range.family !== parent.family)
    return [`invalid ip-range ${text}: parent subnet is an IPv${parent.family} block`];
  const reason =
    range.prefixLength < parent.prefixLength
      ? `CIDR block is bigger than its parent subnet ${parentText}`
      : overlaps(range, parent)
        ? undefined
        : `parent subnet ${parentText} doesn't contain ip-range`;
  return [
    ...unaligned('ip-range', text, range),
    ...(reason === undefined ? [] : [`invalid ip-range ${text}: ${reason}`]),
  ];
}

function problemsOfAddress(what: string, address: string, parentText: string, parent: Subnet): string[] {
  const family = isIP(address);
  if (family === 0) return [`invalid ${what}: invalid address`];
  if (family !== parent.family) return [`invalid ${what}: parent subnet is an IPv${parent.family} block`];
  if (contains(parent, address)) return [];
  return [`invalid ${what}: parent subnet ${parentText} doesn't contain this address`];
}
