import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Networks } from '../../../src/engine/networks/index.js';
import { enterPrivateNamespaces } from '../sys/private-namespaces.js';
import { NetworksSandbox, readTcp, shell } from './guest.js';
import { Neighbour } from './neighbour.js';

const own = new NetworksSandbox();
let networks: Networks;
let outside: Neighbour;

/** This machine has a link into a network, `lan0`, on which another machine, 192.0.2.9, stands. */
beforeAll(async () => {
  enterPrivateNamespaces();
  outside = new Neighbour({ link: 'lan0', ours: ['192.0.2.1/24'], theirs: ['192.0.2.9/24', '192.0.3.9/24'] });
  await shell('ip link add lan1 type veth');
  networks = await own.open();
});
afterEach(async () => {
  for (const guest of own.guests.splice(0)) {
    await guest.kill();
    await networks.leave(guest.id);
  }
  for (const { name, predefined } of networks.list()) if (!predefined) await networks.remove(name);
});
afterAll(async () => {
  await own.remove();
  await networks.stop();
  outside.close();
});

const fromOutside = (script: string): Promise<string> => outside.run(script);
/** Asks the name server of a container for an address, as any resolver does. */
const askName = (name: string): string => `python3 -c '
import socket, struct
q = struct.pack(">6H", 7, 256, 1, 0, 0, 0) + bytes([len("${name}")]) + b"${name}" + bytes([0, 0, 1, 0, 1])
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(3); s.sendto(q, ("127.0.0.11", 53))
print(socket.inet_ntoa(s.recv(512)[-4:]))'`;
const lan = (more: object = {}) => ({
  Driver: 'macvlan',
  Options: { parent: 'lan0', ...more },
  IPAM: { Config: [{ Subnet: '192.0.2.0/24', IPRange: '192.0.2.64/26', Gateway: '192.0.2.9' }] },
});

describe('macvlan', () => {
  test('containers stand on the parent’s network with MACs of their own, and know each other by name', async () => {
    const net = await networks.create({ Name: 'lan', ...lan() });
    const one = await own.guest(networks, 'one', { on: [net] });
    const two = await own.guest(networks, 'two', {
      on: [{ network: net, aliases: [], mac: '02:11:22:33:44:55', ipv4: '192.0.2.99' }],
    });
    await one.serveTcp(80, 'hello');
    expect(await fromOutside(readTcp(one.address('lan'), 80))).toBe('hello');
    expect(await two.run(readTcp(one.address('lan'), 80))).toBe('hello');
    expect(await fromOutside(`${readTcp('192.0.2.99', 80)}; ip neigh show 192.0.2.99`)).toContain('02:11:22:33:44:55');
    expect(await two.run('ip -d link show eth0; ip route')).toMatch(
      /macvlan mode bridge[^]*default via 192\.0\.2\.9 dev eth0/,
    );
    expect(await two.run(askName('one'))).toBe(one.address('lan'));
    // The host is not on its own parent link's network, so it reaches none of them: the kernel's rule for macvlan.
    expect(await shell(readTcp(one.address('lan'), 80, 1))).toContain('refused');
    expect(networks.endpointsOf(two.id)['lan']).toMatchObject({
      ...{ IPAddress: '192.0.2.99', IPPrefixLen: 24, Gateway: '192.0.2.9', MacAddress: '02:11:22:33:44:55' },
    });
    expect(networks.inspect(net)).toMatchObject({ Driver: 'macvlan', Options: { parent: 'lan0' }, Internal: false });
    await expect(networks.create({ Name: 'again', ...lan() })).rejects.toThrow('already using parent interface lan0');
  });

  test('a private one keeps its containers apart, an internal one has no way out', async () => {
    const net = await networks.create({ Name: 'private', ...lan({ macvlan_mode: 'private' }), Internal: true });
    const one = await own.guest(networks, 'alone1', { on: [net] });
    const two = await own.guest(networks, 'alone2', { on: [net] });
    await one.serveTcp(80, 'hello');
    expect(await two.run(readTcp(one.address('private'), 80, 1))).toContain('refused');
    expect(await two.run('ip route')).not.toContain('default');
  });

  test('with several subnets an address says which, and the gateway is that one’s', async () => {
    const Config = [{ Subnet: '192.0.2.0/30' }, { Subnet: '192.0.3.0/24', Gateway: '192.0.3.9' }];
    const net = await networks.create({ Name: 'several', ...lan(), IPAM: { Config } });
    const asked = await own.guest(networks, 'asked', { on: [{ network: net, aliases: [], ipv4: '192.0.3.7' }] });
    expect(await asked.run('ip -4 -o address show dev eth0; ip route')).toMatch(
      /192\.0\.3\.7\/24[^]*default via 192\.0\.3\.9/,
    );
    const first = await own.guest(networks, 'first', { on: [net] });
    const second = await own.guest(networks, 'second', { on: [net] }); // the first subnet is full
    expect([first.address('several'), second.address('several')]).toEqual(['192.0.2.2', '192.0.3.1']);
  });

  test('a running container joins and leaves; its ports stay published by its bridge', async () => {
    const net = await networks.create({ Name: 'joined', ...lan() });
    const bridge = await networks.create({ Name: 'bridged' });
    const port = { hostIp: '', hostPort: 8211, containerPort: 80, protocol: 'tcp' as const };
    const guest = await own.guest(networks, 'joiner', {
      on: [{ network: net, aliases: [], priority: 9 }, bridge],
      ports: [port],
    });
    await guest.serveTcp(80, 'joined');
    expect(await shell(readTcp('127.0.0.1', 8211))).toBe('joined');
    await networks.disconnectRunning(guest.id, guest.pid, net.id);
    expect(await guest.run('ip -br link')).not.toContain('eth0');
    expect(await guest.run('ip route')).toContain('default via');
    await networks.connectRunning(guest.id, guest.pid, { network: net, aliases: ['again'] });
    expect(await guest.run('ip -d link show eth0')).toContain('macvlan');
    expect(await shell(readTcp('127.0.0.1', 8211))).toBe('joined');
  });

  test('nothing of it is left on the host', async () => {
    expect(await shell('ip -br link')).not.toMatch(/macvlan|tscv/);
  });
});

test.each<[string, object, string]>([
  ['without a parent', { Driver: 'macvlan', Options: {} }, 'a macvlan network needs a parent link'],
  ['on a link that is not there', lan({ parent: 'nope' }), 'macvlan parent link nope is not a link of this host'],
  ['on the loopback', lan({ parent: 'lo' }), 'loopback interface is not a valid macvlan parent link'],
  ['on a link that is down', lan({ parent: 'lan1' }), 'parent link lan1 is down'],
  ['in a mode nobody knows', lan({ macvlan_mode: 'x' }), "requested macvlan mode 'x' is not valid, 'bridge' mode"],
  ['as ipvlan alike', { Driver: 'ipvlan', Options: { parent: 'lan0', ipvlan_mode: 'x' } }, "ipvlan mode 'x'"],
  ['as ipvlan without a parent', { Driver: 'ipvlan' }, 'an ipvlan network needs a parent link'],
])('%s a network is refused and nothing is kept', async (_, request, message) => {
  await expect(networks.create({ Name: 'bad', ...request })).rejects.toMatchObject({
    code: 'network/invalid',
    message: expect.stringContaining(message) as string,
  });
  expect(networks.list().map(({ name }) => name)).not.toContain('bad');
});

test('ipvlan links share the parent’s MAC, or the kernel’s lack of them is told', async () => {
  const Options = { parent: 'lan0' };
  const IPAM = { Config: [{ Subnet: '192.0.2.0/24', Gateway: '192.0.2.9' }] };
  const net = await networks.create({ Name: 'ip', Driver: 'ipvlan', Options, IPAM });
  const mac = '02:11:22:33:44:55';
  await expect(own.guest(networks, 'mac', { on: [{ network: net, aliases: [], mac }] })).rejects.toThrow(
    'ipvlan interfaces do not support custom mac address assignment',
  );
  const probe = await shell('ip link add link lan0 name probe0 type ipvlan 2>&1 && ip link delete probe0');
  if (probe !== '') {
    await expect(own.guest(networks, 'ipv', { on: [net] })).rejects.toThrow('this kernel has no ipvlan links');
    return;
  }
  const guest = await own.guest(networks, 'ipv', { on: [{ network: net, aliases: [], ipv4: '192.0.2.44' }] });
  await guest.serveTcp(80, 'hello');
  expect(await fromOutside(readTcp('192.0.2.44', 80))).toBe('hello');
});
