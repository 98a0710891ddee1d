import { expect, test } from 'vitest';
import type { EndpointSettings } from '../../../../src/api/container.js';
import { checkEndpoint } from '../../../../src/engine/containers/check-endpoint.js';
import type { NetworkRecord } from '../../../../src/engine/networks/index.js';

const network = (name: string, more: Partial<NetworkRecord> = {}): NetworkRecord => ({
  ...{ id: 'a'.repeat(64), name, created: '', driver: 'bridge', predefined: false, internal: false, attachable: false },
  ...{ enableIPv6: false, ipamDriver: 'default', ipamOptions: {}, options: {}, labels: {}, bridgeName: '', mtu: 1500 },
  ranges: [{ subnet: '10.1.0.0/16', auxiliary: {}, automatic: true }],
  ...more,
});
const own = { ranges: [{ subnet: '10.1.0.0/16', auxiliary: {}, automatic: false }] };
const address: EndpointSettings = { IPAMConfig: { IPv4Address: '10.1.0.9' } };

test.each<[string, NetworkRecord, EndpointSettings, string]>([
  [
    'an address on the default bridge',
    network('bridge', { predefined: true }),
    address,
    'invalid endpoint settings:\n' +
      '* user specified IP address is supported on user defined networks only\n' +
      '* user specified IP address is supported only when connecting to networks with user configured subnets',
  ],
  [
    'an alias on the default bridge',
    network('bridge', { predefined: true }),
    { Aliases: ['a'] },
    'network-scoped alias',
  ],
  ['an address in a range of the engine’s choice', network('net'), address, 'networks with user configured subnets'],
  [
    'an IPv6 address where only the IPv4 range is the user’s',
    network('net', own),
    { IPAMConfig: { IPv6Address: 'fd00::9' } },
    'networks with user configured subnets',
  ],
  [
    'all that is wrong on the host network',
    network('host', { predefined: true, ranges: [] }),
    address,
    '\n* user specified IP address is supported on user defined networks only\n* user specified IP address',
  ],
])('%s is refused', (_, where, settings, message) => {
  expect(() => {
    checkEndpoint(where, settings);
  }).toThrow(message);
});

test('an address in a range of the user, and aliases on a network of the user, are taken', () => {
  checkEndpoint(network('net', own), { ...address, Aliases: ['a'] });
  checkEndpoint(network('bridge', { predefined: true }), {});
});
