import { isIP } from 'node:net';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { AddressPool } from '../../../../src/engine/networks/address-pool.js';
import { chooseSubnet, uniqueLocalSubnet } from '../../../../src/engine/networks/pools.js';
import { contains, overlaps, parseSubnet, subnetText, type Subnet } from '../../../../src/engine/networks/subnet.js';
import { addressBytes, addressText } from '../../../../src/engine/sys/index.js';

test('an address is the same after being written as bytes and read back', () => {
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (text) => {
      const bytes = addressBytes(text);
      const again = addressText(bytes);
      expect(isIP(again)).toBe(isIP(text));
      expect(addressBytes(again)).toEqual(bytes);
    }),
  );
});

test.each([
  ['2001:db8:0:0:0:0:0:1', '2001:db8::1'],
  ['::', '::'],
  ['::1', '::1'],
  ['fd00::', 'fd00::'],
  ['1:0:0:2:0:0:0:3', '1:0:0:2::3'],
  ['1:0:2:3:4:5:6:7', '1:0:2:3:4:5:6:7'],
  ['::ffff:192.0.2.1', '::ffff:c000:201'],
])('%s is written as %s', (text, shortest) => {
  expect(addressText(addressBytes(text))).toBe(shortest);
});

test('a subnet drops its host bits', () => {
  expect(subnetText(parseSubnet('10.5.6.7/16'))).toBe('10.5.0.0/16');
  expect(subnetText(parseSubnet('fd00:1:2:3::9/64'))).toBe('fd00:1:2:3::/64');
});

test.each(['10.5.0.0', '10.5.0.0/33', '10.5.0/16', '10.5.0.0/', '10.5.0.0/1/2', 'fd00::/129', '/8', '10.5.0.0/-1'])(
  '%s is no subnet',
  (text) => {
    expect(() => parseSubnet(text)).toThrow('invalid CIDR');
  },
);

test('subnets overlap when one holds an address of the other, and never across families', () => {
  expect(overlaps(parseSubnet('10.0.0.0/8'), parseSubnet('10.200.0.0/24'))).toBe(true);
  expect(overlaps(parseSubnet('10.0.0.0/24'), parseSubnet('10.0.1.0/24'))).toBe(false);
  expect(overlaps(parseSubnet('0.0.0.0/0'), parseSubnet('::/0'))).toBe(false);
  expect(contains(parseSubnet('10.0.0.0/24'), '10.0.0.255')).toBe(true);
  expect(contains(parseSubnet('10.0.0.0/24'), 'fd00::1')).toBe(false);
});

test('ranges begin where Docker begins, and go on into hundreds that never overlap', () => {
  const taken: Subnet[] = [chooseSubnet([], 'predefined')];
  for (let index = 0; index < 200; index += 1) taken.push(chooseSubnet(taken, 'user'));
  const texts = taken.map(subnetText);
  expect(texts.slice(0, 3)).toEqual(['172.17.0.0/16', '172.18.0.0/16', '172.19.0.0/16']);
  expect(texts[15]).toBe('192.168.0.0/20');
  expect(texts[31]).toBe('10.201.0.0/24');
  expect(new Set(texts).size).toBe(201);
});

test('a range that something on the host has is passed over', () => {
  const host = [parseSubnet('172.16.0.0/12'), parseSubnet('192.168.1.0/24')];
  expect(subnetText(chooseSubnet(host, 'predefined'))).toBe('192.168.16.0/20');
});

test('when every range is taken, that is said', () => {
  expect(() => chooseSubnet([parseSubnet('0.0.0.0/0')], 'user')).toThrow(
    'could not find an available, non-overlapping IPv4 address pool',
  );
});

test('an automatic IPv6 range is unique local and stays the same for a network', () => {
  expect(subnetText(uniqueLocalSubnet('one'))).toMatch(/^fd[0-9a-f:]+\/64$/);
  expect(uniqueLocalSubnet('one')).toEqual(uniqueLocalSubnet('one'));
  expect(uniqueLocalSubnet('one')).not.toEqual(uniqueLocalSubnet('two'));
});

function pool(subnet: string, reserved: string[] = [], range = subnet): AddressPool {
  return new AddressPool('net', parseSubnet(subnet), parseSubnet(range), reserved);
}

test('addresses come in order, without those of the subnet, the gateway and the broadcast', () => {
  const small = pool('10.0.0.0/29', ['10.0.0.1', '10.0.0.4']);
  expect(['a', 'b', 'c', 'd'].map((holder) => small.allocate(holder))).toEqual([
    '10.0.0.2',
    '10.0.0.3',
    '10.0.0.5',
    '10.0.0.6',
  ]);
  expect(() => small.allocate('e')).toThrow('no free address');
});

test('a released address goes to another holder only after all others', () => {
  const small = pool('10.0.0.0/29', ['10.0.0.1']);
  const first = small.allocate('a');
  small.release(first);
  expect(['b', 'c', 'd', 'e', 'f'].map((holder) => small.allocate(holder))).toEqual([
    '10.0.0.3',
    '10.0.0.4',
    '10.0.0.5',
    '10.0.0.6',
    '10.0.0.2',
  ]);
});

test('a holder that comes back has the address it had, unless another has it by now', () => {
  const small = pool('10.0.0.0/29', ['10.0.0.1']);
  const first = small.allocate('a');
  small.release(first);
  expect(small.allocate('b')).toBe('10.0.0.3');
  expect(small.allocate('a')).toBe(first);
  small.release(first);
  small.claim(first);
  expect(small.allocate('a')).toBe('10.0.0.4');
});

test('a claimed address may lie outside of the range that is handed out, but not of the subnet', () => {
  const ranged = pool('10.0.0.0/16', ['10.0.0.1'], '10.0.5.0/30');
  expect(ranged.claim('10.0.9.9')).toBe('10.0.9.9');
  expect(() => ranged.claim('10.0.9.9')).toThrow('already in use');
  expect(() => ranged.claim('10.1.0.1')).toThrow('lies outside');
  expect([ranged.allocate('a'), ranged.allocate('b')]).toEqual(['10.0.5.0', '10.0.5.1']);
});
