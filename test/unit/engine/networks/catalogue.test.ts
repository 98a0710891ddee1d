import { beforeEach, expect, test } from 'vitest';
import type { NetworkCreateRequest } from '../../../../src/api/network.js';
import { silentLog } from '../../../../src/base/log.js';
import { Catalogue, type HostRanges } from '../../../../src/engine/networks/catalogue.js';
import { networkSchema, parseNetworkRecord } from '../../../../src/engine/networks/record.js';
import { parseSubnet } from '../../../../src/engine/networks/subnet.js';
import { openRecords } from '../../../../src/engine/store/index.js';
import { folderPerTest } from '../../../support/test-folder.js';

let dir = '';
let host: HostRanges;

folderPerTest((path) => (dir = path));
beforeEach(() => {
  host = { links: [], routes: [], mtu: 1500 };
});

async function open(): Promise<Catalogue> {
  const records = await openRecords({ dir, schema: networkSchema, parse: parseNetworkRecord, log: silentLog });
  const catalogue = new Catalogue(records, () => host);
  await catalogue.ensurePredefined();
  return catalogue;
}

test('bridge, host and none are there from the start and stay the same', async () => {
  const first = (await open()).list();
  expect(first.map(({ name, driver }) => [name, driver])).toEqual([
    ['bridge', 'bridge'],
    ['host', 'host'],
    ['none', 'null'],
  ]);
  expect((await open()).list()).toEqual(first);
});

test('a network is found by its id, its name and the beginning of its id, in this order', async () => {
  const catalogue = await open();
  const net = await catalogue.create({ Name: 'net' });
  const namesake = await catalogue.create({ Name: net.id.slice(0, 12) });
  expect(catalogue.resolve(net.id)).toBe(catalogue.get(net.id));
  expect(catalogue.resolve(net.id.slice(0, 12)).id).toBe(namesake.id);
  expect(catalogue.resolve(net.id.slice(0, 13)).id).toBe(net.id);
  expect(() => catalogue.resolve('nothing')).toThrow('network nothing not found');
  expect(() => catalogue.resolve('')).toThrow('not found');
});

test('two creations of one name at once make one network', async () => {
  const catalogue = await open();
  const outcomes = await Promise.allSettled([catalogue.create({ Name: 'net' }), catalogue.create({ Name: 'net' })]);
  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
  await expect(catalogue.create({ Name: 'net' })).rejects.toMatchObject({ code: 'network/name-in-use' });
});

test('networks made at once have ranges of their own', async () => {
  const catalogue = await open();
  const made = await Promise.all(Array.from({ length: 40 }, (_, index) => catalogue.create({ Name: `n${index}` })));
  expect(new Set(made.map(({ ranges }) => ranges[0]?.subnet)).size).toBe(40);
});

test.each<[string, NetworkCreateRequest, NetworkCreateRequest, string]>([
  [
    'range',
    { Name: 'a', IPAM: { Config: [{ Subnet: '10.9.0.0/16' }] } },
    { Name: 'b', IPAM: { Config: [{ Subnet: '10.9.1.0/24' }] } },
    '10.9.1.0/24 overlaps network a',
  ],
  [
    'bridge',
    { Name: 'a', Options: { 'com.docker.network.bridge.name': 'br-x' } },
    { Name: 'b', Options: { 'com.docker.network.bridge.name': 'br-x' } },
    'networks have same bridge name',
  ],
  [
    'parent link',
    { Name: 'a', Driver: 'macvlan', Options: { parent: 'eth7' } },
    { Name: 'b', Driver: 'macvlan', Options: { parent: 'eth7' } },
    'network a is already using parent interface eth7',
  ],
])('two creations at once do not both get one %s', async (_, first, second, message) => {
  const catalogue = await open();
  const [made, refused] = await Promise.allSettled([catalogue.create(first), catalogue.create(second)]);
  expect(made.status).toBe('fulfilled');
  expect(String(refused.status === 'rejected' && refused.reason)).toContain(message);
});

test('a network that is being removed is found no more, and its range is taken until it is gone', async () => {
  const catalogue = await open();
  const record = await catalogue.create({ Name: 'old', IPAM: { Config: [{ Subnet: '10.9.0.0/16' }] } });
  const removed = catalogue.remove(record);
  expect(() => catalogue.resolve('old')).toThrow('network old not found');
  expect(catalogue.get(record.id)).toBeUndefined();
  expect(catalogue.list()).not.toContain(record);
  const early = catalogue.create({ Name: 'next', IPAM: { Config: [{ Subnet: '10.9.0.0/16' }] } });
  await expect(early).rejects.toMatchObject({ code: 'network/overlap' });
  await removed;
  await catalogue.create({ Name: 'next', IPAM: { Config: [{ Subnet: '10.9.0.0/16' }] } });
});

test('what the host uses is never chosen, and what another link took is chosen anew', async () => {
  host = { ...host, routes: [{ subnet: parseSubnet('172.16.0.0/12'), link: 'tun0' }] };
  const catalogue = await open();
  const net = await catalogue.create({ Name: 'net' });
  expect(net.ranges[0]?.subnet).toBe('192.168.16.0/20');
  expect((await catalogue.refresh(net)).record).toBe(net);
  host = { ...host, links: [{ subnet: parseSubnet('192.168.20.1/24'), link: 'vpn0' }] };
  const { record: fresh, clashes } = await catalogue.refresh(net);
  expect(fresh.ranges[0]?.subnet).toBe('192.168.32.0/20');
  expect(clashes).toEqual([]);
  expect(catalogue.get(net.id)).toEqual(fresh);
});

test('a range of the user is kept whatever the host does', async () => {
  const catalogue = await open();
  const net = await catalogue.create({ Name: 'net', IPAM: { Config: [{ Subnet: '10.9.0.0/16' }] } });
  host = { ...host, links: [{ subnet: parseSubnet('10.9.0.0/24'), link: 'vpn0' }] };
  const { record, clashes } = await catalogue.refresh(net);
  expect(record).toBe(net);
  expect(clashes).toEqual([{ range: net.ranges[0], link: 'vpn0' }]);
});

const subnet = (Subnet: string, more: object = {}): Partial<NetworkCreateRequest> => ({
  IPAM: { Config: [{ Subnet, ...more }] },
});

test.each<[string, Partial<NetworkCreateRequest>, string, string]>([
  ['an empty name', { Name: ' ' }, 'network/invalid', 'needs a name'],
  ['the name of a predefined network', { Name: 'bridge' }, 'network/predefined', 'predefined bridge network'],
  ['a second host network', { Driver: 'host' }, 'network/invalid', 'only one instance of "host"'],
  ['an unknown driver', { Driver: 'weave' }, 'network/driver-missing', 'plugin "weave" not found'],
  ['macvlan without a parent', { Driver: 'macvlan' }, 'network/invalid', 'needs a parent link'],
  [
    'two subnets on a bridge',
    { IPAM: { Config: [{ Subnet: '10.1.0.0/24' }, { Subnet: '10.2.0.0/24' }] } },
    'network/invalid',
    "bridge driver doesn't support multiple subnets",
  ],
  [
    'subnets that overlap',
    {
      Driver: 'macvlan',
      Options: { parent: 'eth7' },
      IPAM: { Config: [{ Subnet: '10.1.0.0/16' }, { Subnet: '10.1.2.0/24' }] },
    },
    'network/invalid',
    'multiple overlapping subnet configuration is not supported',
  ],
  [
    'a range without a subnet',
    { IPAM: { Config: [{ IPRange: '10.1.0.0/24' }] } },
    'network/invalid',
    'invalid subnet : invalid CIDR block notation',
  ],
  ['an unknown address manager', { IPAM: { Driver: 'dhcp' } }, 'network/driver-missing', 'plugin "dhcp" not found'],
  ['a subnet that is none', subnet('10.1.1.1'), 'network/invalid', 'invalid subnet 10.1.1.1'],
  ['a subnet with host bits', subnet('10.1.0.1/24'), 'network/invalid', 'it should be 10.1.0.0/24'],
  [
    'what is wrong with one range of addresses, all of it,',
    subnet('10.7.0.0/24', { IPRange: '10.8.0.1/16', Gateway: 'x', AuxiliaryAddresses: { a: '10.9.0.1', b: '::1' } }),
    'network/invalid',
    [
      'invalid network config:',
      '* invalid ip-range 10.8.0.1/16: it should be 10.8.0.0/16',
      '* invalid ip-range 10.8.0.1/16: CIDR block is bigger than its parent subnet 10.7.0.0/24',
      '* invalid gateway x: invalid address',
      "* invalid auxiliary address a: parent subnet 10.7.0.0/24 doesn't contain this address",
      '* invalid auxiliary address b: parent subnet is an IPv4 block',
    ].join('\n'),
  ],
  ['a range outside', subnet('10.1.0.0/24', { IPRange: '10.2.0.0/25' }), 'network/invalid', "doesn't contain ip-range"],
  [
    'a gateway that a subnet of one address has no place for',
    subnet('10.1.0.0/32'),
    'network/invalid',
    'no matching subnet for gateway 10.1.0.1',
  ],
  ['the range of another network', subnet('10.7.1.0/24'), 'network/overlap', 'overlaps network other'],
  ['the range of a link', subnet('10.8.0.0/16'), 'network/overlap', 'overlaps the addresses of link eth7'],
  [
    'a link name too long',
    { Options: { 'com.docker.network.bridge.name': 'x'.repeat(16) } },
    'network/invalid',
    'link',
  ],
  [
    'an MTU that is none',
    { Options: { 'com.docker.network.driver.mtu': 'big' } },
    'network/invalid',
    'com.docker.network.driver.mtu value: ',
  ],
])('%s is refused, and nothing is kept of it', async (_, request, code, message) => {
  host = { ...host, links: [{ subnet: parseSubnet('10.8.0.1/24'), link: 'eth7' }] };
  const catalogue = await open();
  await catalogue.create({ Name: 'other', ...subnet('10.7.0.0/16') });
  const before = catalogue.list();
  await expect(catalogue.create({ Name: 'net', ...request })).rejects.toMatchObject({
    code,
    message: expect.stringContaining(message) as string,
  });
  expect(catalogue.list()).toEqual(before);
});

test('a range of IPv6 on a network without it is passed over, whatever it says', async () => {
  const Config = [{ Subnet: 'fd00::1/64', Gateway: 'x' }, { Subnet: '10.1.0.0/24' }];
  const net = await (await open()).create({ Name: 'net', IPAM: { Config } });
  expect(net.ranges.map((range) => range.subnet)).toEqual(['10.1.0.0/24']);
});

test('what is asked for is in the record', async () => {
  const catalogue = await open();
  const net = await catalogue.create({
    Name: 'net',
    Internal: true,
    EnableIPv6: true,
    Labels: { a: 'b' },
    Options: { 'com.docker.network.driver.mtu': '1400' },
    IPAM: { Config: [{ Subnet: '10.1.0.0/16', IPRange: '10.1.9.0/24', AuxiliaryAddresses: { printer: '10.1.9.7' } }] },
  });
  expect(net).toMatchObject({ internal: true, enableIPv6: true, labels: { a: 'b' }, mtu: 1400 });
  expect(net.ranges[0]).toEqual({
    ...{ subnet: '10.1.0.0/16', ipRange: '10.1.9.0/24', gateway: '10.1.9.0', auxiliary: { printer: '10.1.9.7' } },
    automatic: false,
  });
  expect(net.ranges[1]).toMatchObject({ subnet: expect.stringMatching(/^fd.*\/64$/) as string, automatic: true });
  expect(net.bridgeName).toMatch(/^tsc[0-9a-f]{12}$/);
  expect(net.created).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/);
});
