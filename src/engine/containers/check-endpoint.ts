import { isIP, isIPv4, isIPv6 } from 'node:net';
import type { EndpointSettings } from '../../api/container.js';
import { addressLiesIn, type NetworkRecord } from '../networks/index.js';
import { invalidConfig } from './errors.js';

/**
 * Refuses what an endpoint may not ask of its network, in dockerd's words. An address of a network whose range the
 * engine chose is refused too: the range may be another one the next time.
 * @param context - what a complaint begins with
 * @throws `container/invalid-config`
 */
export function checkEndpoint(network: NetworkRecord, settings: EndpointSettings, context = ''): void {
  const { IPAMConfig, Aliases, MacAddress = '' } = settings;
  if (MacAddress !== '' && !isMac(MacAddress))
    throw invalidConfig('MacAddress', `${context}invalid MAC address ${MacAddress}`);
  const { IPv4Address: ipv4 = '', IPv6Address: ipv6 = '' } = IPAMConfig ?? {};
  const problems: string[] = [];
  if (ipv4 !== '' || ipv6 !== '') {
    if (network.predefined) problems.push('user specified IP address is supported on user defined networks only');
    if (ipv4 !== '' && !isIPv4(ipv4)) problems.push(`invalid IPv4 address: ${ipv4}`);
    if (ipv6 !== '' && !isIPv6(ipv6)) problems.push(`invalid IPv6 address: ${ipv6}`);
    const chosen = [ipv4, ipv6].some((address) => address !== '' && !hasOwnRange(network, address.includes(':')));
    if (chosen) {
      problems.push(
        'user specified IP address is supported only when connecting to networks with user configured subnets',
      );
    } else {
      for (const address of [ipv4, ipv6]) {
        if (address === '' || network.ranges.some(({ subnet }) => addressLiesIn(address, subnet))) continue;
        problems.push(`no configured subnet or ip-range contain the IP address ${address}`);
      }
    }
  }
  for (const address of IPAMConfig?.LinkLocalIPs ?? []) {
    if (isIP(address) === 0) problems.push(`invalid link-local IP address: ${address}`);
  }
  if (network.predefined && (Aliases ?? []).length > 0) {
    problems.push('network-scoped alias is supported only for containers in user defined networks');
  }
  if (problems.length === 0) return;
  const list = problems.length === 1 ? problems : problems.map((problem) => `* ${problem}`);
  throw invalidConfig('NetworkingConfig', [`${context}invalid endpoint settings:`, ...list].join('\n'));
}

function isMac(text: string): boolean {
  return /^[0-9a-f]{2}(?:([:-])[0-9a-f]{2})(?:\1[0-9a-f]{2}){4}$/i.test(text);
}

function hasOwnRange({ ranges }: NetworkRecord, ipv6: boolean): boolean {
  return ranges.some(({ automatic, subnet }) => !automatic && subnet.includes(':') === ipv6);
}
