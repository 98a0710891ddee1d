import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { NetworkRecord, Networks } from '../../../src/engine/networks/index.js';
import { enterPrivateNamespaces } from '../sys/private-namespaces.js';
import { NetworksSandbox, readTcp, shell, type Guest } from './guest.js';
import { Neighbour } from './neighbour.js';

/** This machine, 192.0.2.1, and a neighbour, 192.0.2.9, who sends everything by way of it. */
const own = new NetworksSandbox();
let networks: Networks;
let outside: Neighbour;

beforeAll(async () => {
  enterPrivateNamespaces();
  outside = new Neighbour({
    ours: ['192.0.2.1/24', '2001:db8::1/64'],
    theirs: ['192.0.2.9/24', '2001:db8::9/64'],
    gateways: ['192.0.2.1', '2001:db8::1'],
  });
  networks = await own.open();
});
afterAll(async () => {
  await own.remove();
  await networks.stop();
  outside.close();
});

const fromOutside = (script: string): Promise<string> => outside.run(script);
const port = (hostPort: number, containerPort = 80) =>
  ({ hostIp: '', hostPort, containerPort, protocol: 'tcp' }) as const;
let made = 0;
const create = (options: Record<string, string>, more: object = {}): Promise<NetworkRecord> => {
  made += 1;
  const Options = Object.fromEntries(
    Object.entries(options).map(([key, value]) => [`com.docker.network.${key}`, value]),
  );
  return networks.create({ Name: `net${made}`, Options, ...more });
};

describe('gateway mode', () => {
  test('routed opens published ports at the container’s own address and translates nothing', async () => {
    const net = await create(
      { 'bridge.gateway_mode_ipv4': 'routed', 'bridge.gateway_mode_ipv6': 'routed' },
      { EnableIPv6: true },
    );
    const web = await own.guest(networks, 'routed', { on: [net], ports: [port(8400), port(8401)] });
    for (const each of [80, 81]) await web.serveTcp(each, `port ${each}`);
    const { IPAddress = '', GlobalIPv6Address = '' } = web.sandbox.endpoints[net.name] ?? {};
    expect(await fromOutside(readTcp(IPAddress, 80))).toBe('port 80');
    expect(await fromOutside(readTcp(GlobalIPv6Address, 80))).toBe('port 80');
    expect(await fromOutside(readTcp(IPAddress, 81, 1))).toContain('refused');
    expect(await fromOutside(readTcp(GlobalIPv6Address, 81, 1))).toContain('refused');
    expect(await shell(readTcp('127.0.0.1', 8400, 1))).toContain('refused');
    expect(web.sandbox.ports['80/tcp']?.[0]).toEqual({ HostIp: '0.0.0.0', HostPort: '' });
    expect(await askedFrom(web)).toBe(IPAddress);
    await web.kill();
    await networks.leave(web.id);
    const next = await own.guest(networks, 'closed', { on: [{ network: net, aliases: [], ipv4: IPAddress }] });
    await next.serveTcp(80, 'closed');
    expect(await fromOutside(readTcp(IPAddress, 80, 1))).toContain('refused');
  });

  test('routed for IPv6 alone leaves IPv4 as it is', async () => {
    const net = await create({ 'bridge.gateway_mode_ipv6': 'routed' }, { EnableIPv6: true });
    const web = await own.guest(networks, 'half', { on: [net], ports: [port(8402)] });
    await web.serveTcp(80, 'half');
    expect(await fromOutside(readTcp('192.0.2.1', 8402))).toBe('half');
    expect(await fromOutside(readTcp('2001:db8::1', 8402, 1))).toContain('refused');
    expect(await fromOutside(readTcp(web.sandbox.endpoints[net.name]?.GlobalIPv6Address ?? '', 80))).toBe('half');
    expect(web.sandbox.ports['80/tcp']).toEqual([
      { HostIp: '0.0.0.0', HostPort: '8402' },
      { HostIp: '::', HostPort: '' },
    ]);
  });

  test('nat-unprotected opens every port at the container’s own address', async () => {
    const net = await create({ 'bridge.gateway_mode_ipv4': 'nat-unprotected' });
    const web = await own.guest(networks, 'open', { on: [net], ports: [port(8403)] });
    for (const each of [80, 81]) await web.serveTcp(each, `port ${each}`);
    expect(await fromOutside(readTcp(web.address(net.name), 81))).toBe('port 81');
    expect(await fromOutside(readTcp('192.0.2.1', 8403))).toBe('port 80');
    expect(await askedFrom(web)).toBe('192.0.2.1');
  });

  test('isolated gives the host no address on an internal network, and is for those alone', async () => {
    const option = { 'bridge.gateway_mode_ipv4': 'isolated' };
    await expect(create(option)).rejects.toThrow("gateway mode 'isolated' can only be used for an internal network");
    const net = await create(option, { Internal: true });
    const [one, two] = [
      await own.guest(networks, 'one', { on: [net] }),
      await own.guest(networks, 'two', { on: [net] }),
    ];
    await one.serveTcp(80, 'one');
    expect(await two.run(readTcp(one.address(net.name), 80))).toBe('one');
    expect(await shell(`ip -o -4 address show dev ${net.bridgeName}`)).toBe('');
  });
});

/** The address that a machine outside sees when the container speaks to it. */
async function askedFrom(guest: Guest): Promise<string> {
  const heard = fromOutside(`timeout 12 python3 -c '
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("192.0.2.9", 7000)); s.settimeout(10)
print(s.recvfrom(9)[1][0])'`);
  await expect.poll(() => fromOutside('cat /proc/net/udp'), { timeout: 10_000 }).toContain(':1B58 ');
  await guest.run('echo x >/dev/udp/192.0.2.9/7000');
  return heard;
}

describe('option', () => {
  test('enable_ip_masquerade=false keeps the container’s address on what leaves', async () => {
    const net = await create({ 'bridge.enable_ip_masquerade': 'false' });
    const guest = await own.guest(networks, 'plain', { on: [net] });
    expect(await askedFrom(guest)).toBe(guest.address(net.name));
  });

  test('host_binding_ipv4 is where ports without an address are published', async () => {
    const net = await create({ 'bridge.host_binding_ipv4': '127.0.0.1' });
    const web = await own.guest(networks, 'bound', { on: [net], ports: [port(8404)] });
    await web.serveTcp(80, 'bound');
    expect(await shell(readTcp('127.0.0.1', 8404))).toBe('bound');
    expect(await fromOutside(readTcp('192.0.2.1', 8404, 1))).toContain('refused');
  });

  test('inhibit_ipv4 leaves the bridge without an IPv4 address', async () => {
    const net = await create({ 'bridge.inhibit_ipv4': 'true' });
    const guest = await own.guest(networks, 'inhibited', { on: [net] });
    expect(await shell(`ip -o -4 address show dev ${net.bridgeName}`)).toBe('');
    expect(await guest.run('ip -o -4 address show dev eth0')).toContain(guest.address(net.name));
  });

  test('container_iface_prefix and the MTU are those of the links inside', async () => {
    const net = await create({ container_iface_prefix: 'lan', 'driver.mtu': '1400' });
    const guest = await own.guest(networks, 'named', { on: [net, await create({})] });
    expect(
      await guest.run('ip -o link | cut -d: -f2 | cut -d@ -f1 | xargs; ip -o link show lan0 | grep -o "mtu [0-9]*"'),
    ).toBe('lo lan0 eth0\nmtu 1400');
  });

  test('name may be a bridge of the host, which is used and stays', async () => {
    await shell('ip link add mine type bridge; ip address add 10.91.0.1/24 dev mine');
    await shell('ip link add dummy type veth');
    const IPAM = { Config: [{ Subnet: '10.92.0.0/24' }] };
    await expect(create({ 'bridge.name': 'dummy' }, { IPAM })).rejects.toThrow(
      'existing interface dummy is not a bridge',
    );
    const net = await create({ 'bridge.name': 'mine' }, { IPAM });
    await expect(create({ 'bridge.name': 'mine' })).rejects.toThrow('networks have same bridge name');
    const guest = await own.guest(networks, 'onmine', { on: [net] });
    expect(await guest.run('busybox ping -c1 -W2 10.92.0.1 >/dev/null; echo $?')).toBe('0');
    await guest.kill();
    await networks.leave(guest.id);
    await networks.remove(net.name);
    expect(await shell('ip -o -4 address show dev mine')).toContain('10.91.0.1/24');
  });

  test.each([
    ['bridge.enable_icc', 'maybe', 'strconv.ParseBool: parsing "maybe": invalid syntax'],
    ['bridge.enable_icc', '', 'strconv.ParseBool: parsing "": invalid syntax'],
    ['bridge.inhibit_ipv4', 'zz', 'strconv.ParseBool: parsing "zz": invalid syntax'],
    ['bridge.host_binding_ipv4', 'nope', 'nil ip'],
    ['driver.mtu', 'abc', 'strconv.Atoi: parsing "abc": invalid syntax'],
    ['bridge.gateway_mode_ipv6', 'odd', 'unknown gateway mode odd'],
  ])('%s=%s is refused in dockerd’s words', async (key, value, why) => {
    await expect(create({ [key]: value })).rejects.toThrow(
      `failed to parse com.docker.network.${key} value: ${value} (${why})`,
    );
  });

  test('of an unknown name is kept and does nothing', async () => {
    expect((await create({ 'bridge.foo': '1' })).options).toEqual({ 'com.docker.network.bridge.foo': '1' });
  });
});

test('a network without IPv4 has IPv6 alone, and its ports are published for both', async () => {
  await expect(create({}, { EnableIPv4: false })).rejects.toThrow('IPv4 or IPv6 must be enabled');
  const net = await create({}, { EnableIPv4: false, EnableIPv6: true });
  expect(networks.inspect(net)).toMatchObject({ EnableIPv4: false, EnableIPv6: true });
  const web = await own.guest(networks, 'sixth', { on: [net], ports: [port(8410)] });
  const client = await own.guest(networks, 'client', { on: [net] });
  await web.serveTcp(80, 'sixth');
  expect(await web.run('ip -o -4 address show dev eth0; ip route')).toBe('');
  expect(web.sandbox.endpoints[net.name]).toMatchObject({ IPAddress: '', IPPrefixLen: 0, Gateway: '' });
  const address = web.sandbox.endpoints[net.name]?.GlobalIPv6Address ?? '';
  expect(await client.run(readTcp(address, 80))).toBe('sixth');
  expect(await client.run('busybox nslookup sixth 127.0.0.11')).toContain(address);
  for (const host of ['192.0.2.1', '2001:db8::1']) expect(await fromOutside(readTcp(host, 8410))).toBe('sixth');
  expect(await shell(readTcp('127.0.0.1', 8410))).toBe('sixth');
});

test('a range that the host has come to route elsewhere is chosen anew before the first container', async () => {
  const net = await create({});
  const [range] = net.ranges;
  await shell(`ip route add ${range?.subnet ?? ''} via 192.0.2.9 metric 1`);
  const guest = await own.guest(networks, 'late', { on: [net] });
  const fresh = networks.resolve(net.name).ranges[0];
  expect(fresh?.subnet).not.toBe(range?.subnet);
  expect(await guest.run('ip route show default')).toContain(fresh?.gateway);
  expect(await shell(`ip -o -4 address show dev ${net.bridgeName}`)).not.toContain(range?.gateway);
  await shell(`ip route del ${range?.subnet ?? ''} via 192.0.2.9`);
});

describe('a running container', () => {
  test('has its ports published when it joins a network that leads outside, and moves them on when it leaves', async () => {
    const [inside, first, second] = [await create({}, { Internal: true }), await create({}), await create({})];
    const web = await own.guest(networks, 'late', {
      on: [inside],
      ports: [port(8405), { ...port(0), hostPort: [8406, 8409] }],
    });
    await web.serveTcp(80, 'late');
    expect(networks.portsOf(web.id)).toEqual({});
    await networks.connectRunning(web.id, web.pid, { network: first, aliases: [] });
    expect(await fromOutside(readTcp('192.0.2.1', 8405))).toBe('late');
    const before = networks.portsOf(web.id);
    expect(before['80/tcp']?.map(({ HostPort }) => HostPort)).toEqual(['8405', '8405', '8406', '8406']);
    await networks.connectRunning(web.id, web.pid, { network: second, aliases: [] });
    await networks.disconnectRunning(web.id, web.pid, first.id);
    expect(networks.portsOf(web.id)).toEqual(before);
    expect(await fromOutside(readTcp('192.0.2.1', 8405))).toBe('late');
    await networks.disconnectRunning(web.id, web.pid, second.id);
    expect(networks.portsOf(web.id)).toEqual({});
    expect(await shell(readTcp('127.0.0.1', 8405, 1))).toContain('refused');
  });

  test('sends by the network of the highest priority, whenever that came, and keeps a way that it chose itself', async () => {
    const [low, high, six] = [await create({}), await create({}), await create({}, { EnableIPv6: true })];
    const guest = await own.guest(networks, 'router', { on: [low] });
    const gateway = ({ ranges: [range] }: NetworkRecord): string => range?.gateway ?? '';
    const route = (): Promise<string> => guest.run('ip route show default; ip -6 route show default | cut -d" " -f1-5');
    expect(await route()).toBe(`default via ${gateway(low)} dev eth0`);
    await networks.connectRunning(guest.id, guest.pid, { network: high, aliases: [], priority: 10 });
    expect(await route()).toBe(`default via ${gateway(high)} dev eth1`);
    await networks.connectRunning(guest.id, guest.pid, { network: six, aliases: [] });
    expect(await route()).toBe(
      `default via ${gateway(high)} dev eth1 \ndefault via ${six.ranges[1]?.gateway ?? ''} dev eth2`,
    );
    await networks.disconnectRunning(guest.id, guest.pid, high.id);
    expect(await route()).toContain(`default via ${gateway(low)} dev eth0`);
    await guest.run(
      'ip link add tun0 type veth peer name tun1; ip link set tun0 up; ip route replace default dev tun0',
    );
    await networks.connectRunning(guest.id, guest.pid, { network: high, aliases: [], priority: 10 });
    expect(await route()).toContain('default dev tun0');
  });
});
