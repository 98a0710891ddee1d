import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { NetworkRecord, Networks } from '../../../src/engine/networks/index.js';
import { silentLog } from '../../../src/base/log.js';
import { listenOnPort } from '../../../src/engine/networks/port-listener.js';
import { PacketRules } from '../../../src/engine/networks/packet-rules.js';
import { enterPrivateNamespaces } from '../sys/private-namespaces.js';
import { askUdp, fromPortZero, NetworksSandbox, readTcp, shell, type Guest } from './guest.js';
import { Neighbour } from './neighbour.js';

const own = new NetworksSandbox();
let networks: Networks;
let outside: Neighbour;
let front: NetworkRecord;
let back: NetworkRecord;
let closed: NetworkRecord;
let six: NetworkRecord;

/** This machine, 192.0.2.1, and a machine outside, 192.0.2.9, that knows no way to the containers. */
beforeAll(async () => {
  enterPrivateNamespaces();
  outside = new Neighbour({
    ours: ['192.0.2.1/24', '2001:db8::1/64'],
    theirs: ['192.0.2.9/24', '2001:db8::9/64'],
  });
  await shell('ip route add default via 192.0.2.254');
  networks = await own.open();
  front = await networks.create({ Name: 'front' });
  back = await networks.create({ Name: 'back' });
  closed = await networks.create({ Name: 'closed', Internal: true });
  six = await networks.create({ Name: 'six', EnableIPv6: true });
});
afterAll(async () => {
  await own.remove();
  await networks.stop();
  outside.close();
});

const ping = (address: string): string => `busybox ping -c 1 -W 1 ${address} >/dev/null 2>&1 && echo yes || echo no`;
const fromOutside = (script: string): Promise<string> => outside.run(script);

describe('between containers', () => {
  test('those of one network reach each other, those of two do not', async () => {
    const one = await own.guest(networks, 'one', { on: [front] });
    const two = await own.guest(networks, 'two', { on: [front] });
    const other = await own.guest(networks, 'other', { on: [back] });
    await one.serveTcp(80, 'hello');
    expect(await two.run(readTcp(one.address('front'), 80))).toBe('hello');
    expect(await other.run(readTcp(one.address('front'), 80, 1))).toContain('refused');
    expect(await shell(readTcp(one.address('front'), 80))).toBe('hello');
  });

  test('one on two networks reaches both', async () => {
    const both = await own.guest(networks, 'both', { on: [front, back] });
    const other = await own.guest(networks, 'second-other', { on: [back] });
    await other.serveTcp(80, 'back');
    expect(await both.run(readTcp(other.address('back'), 80))).toBe('back');
    expect(await both.run('ip -o -4 address show dev eth1')).toContain(both.address('back'));
  });

  test('an address, a MAC and a gateway that are asked for are given', async () => {
    const net = await networks.create({
      Name: 'fixed',
      IPAM: { Config: [{ Subnet: '10.77.0.0/16', IPRange: '10.77.5.0/24', Gateway: '10.77.0.9' }] },
    });
    const chosen = await own.guest(networks, 'chosen', {
      on: [{ network: net, aliases: [], ipv4: '10.77.200.3', mac: '02:11:22:33:44:55' }],
    });
    const ranged = await own.guest(networks, 'ranged', { on: [net] });
    expect(await chosen.run('ip -o address show dev eth0; cat /sys/class/net/eth0/address; ip route')).toMatch(
      /10\.77\.200\.3\/16[^]*default via 10\.77\.0\.9/,
    );
    expect(await chosen.run('ip link show eth0')).toContain('02:11:22:33:44:55');
    expect(ranged.address('fixed')).toBe('10.77.5.0');
    await expect(
      own.guest(networks, 'rival', { on: [{ network: net, aliases: [], ipv4: '10.77.200.3' }] }),
    ).rejects.toThrow('already in use');
    expect(networks.endpointsOf(chosen.id)['fixed']).toMatchObject({
      IPAMConfig: { IPv4Address: '10.77.200.3' },
      IPAddress: '10.77.200.3',
      IPPrefixLen: 16,
      Gateway: '10.77.0.9',
      MacAddress: '02:11:22:33:44:55',
    });
  });
});

describe('to the outside', () => {
  test('a container speaks with the address of the host', async () => {
    const guest = await own.guest(networks, 'speaker', { on: [front] });
    const answer = fromOutside(`timeout 5 python3 -c '
import socket
s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); s.bind(("0.0.0.0", 7000)); s.listen(1)
c, who = s.accept(); c.sendall(who[0].encode()); c.close()'`);
    await expect.poll(() => guest.run(readTcp('192.0.2.9', 7000))).toBe('192.0.2.1');
    await answer;
  });

  test('with enable_icc off those of one network do not reach each other, and their ports are published', async () => {
    const Options = { 'com.docker.network.bridge.enable_icc': 'false' };
    const apart = await networks.create({ Name: 'apart', Options });
    const port = { hostIp: '', hostPort: 8199, containerPort: 80, protocol: 'tcp' as const };
    const one = await own.guest(networks, 'apart1', { on: [apart], ports: [port] });
    const two = await own.guest(networks, 'apart2', { on: [apart] });
    await one.serveTcp(80, 'apart');
    expect(await two.run(readTcp(one.address('apart'), 80, 1))).toContain('refused');
    // Nor by way of the gateway, which would pass it on.
    const { Gateway = '' } = two.sandbox.endpoints['apart'] ?? {};
    await two.run(`ip route add ${one.address('apart')}/32 via ${Gateway} onlink dev eth0`);
    expect(await two.run(readTcp(one.address('apart'), 80, 1))).toContain('refused');
    expect(await shell(readTcp('127.0.0.1', 8199))).toBe('apart');
  });

  test.each([
    ['a network', () => front],
    ['an internal network', () => closed],
    ['a network with IPv6', () => six],
  ])('nobody outside reaches what is not published on %s, though it knows the way there', async (_, network) => {
    const on = network();
    const port = { hostIp: '', hostPort: 8300, containerPort: 80, protocol: 'tcp' as const };
    const guest = await own.guest(networks, 'hidden', { on: [on], ports: [port] });
    for (const each of [80, 81]) await guest.serveTcp(each, 'hidden');
    await guest.serveUdp(82, 'hidden');
    const { IPAddress = '', GlobalIPv6Address = '' } = guest.sandbox.endpoints[on.name] ?? {};
    const addresses = [IPAddress, GlobalIPv6Address].filter((address) => address !== '');
    await fromOutside(`ip route replace ${IPAddress}/32 via 192.0.2.1
      ip -6 route replace ${GlobalIPv6Address || 'fd00::'}/128 via 2001:db8::1`);
    for (const address of addresses) {
      expect(await shell(readTcp(address, 81))).toBe('hidden');
      const tried = [readTcp(address, 80, 1), readTcp(address, 81, 1), askUdp(address, 82, 1), ping(address)];
      expect(await Promise.all(tried.map(fromOutside))).toEqual([
        expect.stringContaining('refused'),
        expect.stringContaining('refused'),
        'silence',
        'no',
      ]);
    }
    await guest.kill();
    await networks.leave(guest.id);
  });

  test('a neighbour that sends to 127.0.0.1 over the wire does not reach what is published there', async () => {
    const ports = (['tcp', 'udp'] as const).map((protocol) => ({
      ...{ hostIp: '127.0.0.1', hostPort: 8310, containerPort: 80, protocol },
    }));
    const guest = await own.guest(networks, 'local', { on: [front], ports });
    await guest.serveTcp(80, 'local');
    await guest.serveUdp(80, 'local');
    expect(await shell(readTcp('127.0.0.1', 8310))).toBe('local');
    expect(await shell(askUdp('127.0.0.1', 8310))).toMatch(/^local /);
    // The neighbour takes 127.0.0.0/8 for a network behind this machine, as nothing stops it from doing.
    await fromOutside(`sysctl -qw net.ipv4.conf.all.route_localnet=1
      ip rule add pref 0 to 127.0.0.0/8 lookup 77; ip rule add pref 1 lookup local; ip rule del pref 0 lookup local
      ip route add 127.0.0.0/8 via 192.0.2.1 table 77`);
    expect(await fromOutside('ip route get 127.0.0.1')).toContain('via 192.0.2.1 dev eth0');
    const tried = [readTcp('127.0.0.1', 8310, 1), askUdp('127.0.0.1', 8310, 1)];
    expect(await Promise.all(tried.map(fromOutside))).toEqual([expect.stringContaining('refused'), 'silence']);
    await fromOutside('ip rule add pref 0 lookup local; ip rule del pref 1; ip rule del pref 0 lookup 77');
  });

  test('an internal network has no way out and no published ports', async () => {
    const guest = await own.guest(networks, 'inmate', {
      on: [closed],
      ports: [{ hostIp: '', hostPort: 7777, containerPort: 80, protocol: 'tcp' }],
    });
    const mate = await own.guest(networks, 'mate', { on: [closed] });
    await mate.serveTcp(80, 'mate');
    expect(await guest.run('ip route')).not.toContain('default');
    expect(await guest.run(readTcp(mate.address('closed'), 80))).toBe('mate');
    expect(guest.sandbox.ports).toEqual({});
    const routed = `ip route add default via ${networks.resolve('closed').ranges[0]?.gateway ?? ''}; `;
    expect(await guest.run(routed + readTcp('192.0.2.9', 22, 1))).toContain('refused');
  });
});

describe('published ports', () => {
  let web: Guest;
  beforeAll(async () => {
    web = await own.guest(networks, 'web', {
      on: [front],
      ports: [
        { hostIp: '', hostPort: 8080, containerPort: 80, protocol: 'tcp' },
        { hostIp: '', hostPort: 5300, containerPort: 53, protocol: 'udp' },
        { hostIp: '127.0.0.1', hostPort: 8081, containerPort: 80, protocol: 'tcp' },
        { hostIp: '192.0.2.1', hostPort: 8082, containerPort: 80, protocol: 'tcp' },
        { hostIp: '', containerPort: 80, protocol: 'tcp' },
      ],
    });
    await web.serveTcp(80, 'web');
    await web.serveUdp(53, 'udp');
  });

  test.each(['127.0.0.1', '127.0.0.9', '192.0.2.1', '::1', '2001:db8::1'])(
    'answer on %s of this machine',
    async (address) => {
      expect(await shell(readTcp(address, 8080))).toBe('web');
      expect(await shell(askUdp(address, 5300))).toMatch(/^udp /);
    },
  );

  test('answer to a machine outside, whose address the container sees', async () => {
    expect(await fromOutside(readTcp('192.0.2.1', 8080))).toBe('web');
    expect(await fromOutside(askUdp('192.0.2.1', 5300))).toBe('udp 192.0.2.9');
    expect(await fromOutside(readTcp('2001:db8::1', 8080))).toBe('web');
  });

  test('answer to containers: of the same network, of another one, and to itself', async () => {
    const near = await own.guest(networks, 'near', { on: [front] });
    const far = await own.guest(networks, 'far', { on: [back] });
    const gateway = networks.endpointsOf(far.id)['back']?.Gateway ?? '';
    for (const guest of [near, far, web]) expect(await guest.run(readTcp('192.0.2.1', 8080))).toBe('web');
    expect(await far.run(readTcp(gateway, 8080))).toBe('web');
  });

  test('bound to one address they answer there alone', async () => {
    expect(await shell(readTcp('127.0.0.1', 8081))).toBe('web');
    expect(await fromOutside(readTcp('192.0.2.1', 8081, 1))).toContain('refused');
    expect(await fromOutside(readTcp('192.0.2.1', 8082))).toBe('web');
    expect(await shell(readTcp('127.0.0.1', 8082, 1))).toContain('refused');
    const guest = await own.guest(networks, 'prober', { on: [back] });
    expect(await guest.run(readTcp('192.0.2.1', 8081, 1))).toContain('refused');
  });

  test('a free one is chosen, and shown', async () => {
    const [binding] = web.sandbox.ports['80/tcp']?.filter(({ HostPort }) => Number(HostPort) > 32_000) ?? [];
    expect(binding?.HostIp).toBe('0.0.0.0');
    expect(await shell(readTcp('127.0.0.1', Number(binding?.HostPort)))).toBe('web');
    expect(web.sandbox.ports['53/udp']).toEqual([
      { HostIp: '0.0.0.0', HostPort: '5300' },
      { HostIp: '::', HostPort: '5300' },
    ]);
  });

  test('a range gives its first free port', async () => {
    const ports = [{ hostIp: '', hostPort: [8080, 8090] as const, containerPort: 80, protocol: 'tcp' as const }];
    const guest = await own.guest(networks, 'ranger', { on: [front], ports });
    expect(guest.sandbox.ports['80/tcp']?.[0]?.HostPort).toBe('8083');
  });

  test('one that another container has is refused by its name, and nothing of the join is left', async () => {
    const ports = [{ hostIp: '', hostPort: 8080, containerPort: 80, protocol: 'tcp' as const }];
    const before = await shell('ip -o link | wc -l; ls /proc/self/fd | wc -l');
    await expect(own.guest(networks, 'rival', { on: [front], ports })).rejects.toMatchObject({
      code: 'network/port-in-use',
      facts: { port: 8080, holder: 'container web' },
    });
    await expect.poll(() => shell('ip -o link | wc -l; ls /proc/self/fd | wc -l')).toBe(before);
  });

  test('one that a process has is refused by its name', async () => {
    const server = shell('timeout 10 python3 -c \'import socket; socket.create_server(("", 8099)).accept()\'');
    await expect.poll(() => shell('cat /proc/net/tcp /proc/net/tcp6')).toContain(':1FA3 ');
    const ports = [{ hostIp: '', hostPort: 8099, containerPort: 80, protocol: 'tcp' as const }];
    await expect(own.guest(networks, 'rival', { on: [front], ports })).rejects.toThrow(
      /port 0\.0\.0\.0:8099 is already in use by process python3 \(pid \d+\)/,
    );
    await shell('timeout 3 bash -c "</dev/tcp/127.0.0.1/8099"');
    await server;
  });

  test('freed by leaving, it can be taken again at once', async () => {
    const ports = [{ hostIp: '', hostPort: 8100, containerPort: 80, protocol: 'tcp' as const }];
    const first = await own.guest(networks, 'first', { on: [front], ports });
    await first.serveTcp(80, 'first');
    expect(await shell(readTcp('127.0.0.1', 8100))).toBe('first');
    await first.kill();
    await networks.leave(first.id);
    expect(await shell(readTcp('127.0.0.1', 8100, 1))).toContain('refused');
    const second = await own.guest(networks, 'second', { on: [front], ports });
    await second.serveTcp(80, 'second');
    expect(await shell(readTcp('127.0.0.1', 8100))).toBe('second');
  });

  test('a datagram flow that goes on reaches the container that has the port now', async () => {
    const ports = [{ hostIp: '', hostPort: 8101, containerPort: 53, protocol: 'udp' as const }];
    const ask = (): Promise<string> =>
      fromOutside(askUdp('192.0.2.1', 8101).replace('s.sendto', 's.bind(("",4321));s.sendto'));
    const first = await own.guest(networks, 'first', { on: [front], ports });
    await first.serveUdp(53, 'first');
    expect(await ask()).toBe('first 192.0.2.9');
    await networks.leave(first.id); // the process lives on, so that its address would still answer
    const second = await own.guest(networks, 'second', { on: [front], ports });
    await second.serveUdp(53, 'second');
    expect(await ask()).toBe('second 192.0.2.9');
  });
});

describe('SCTP', () => {
  const port = { hostIp: '', hostPort: 8150, containerPort: 80, protocol: 'sctp' as const };
  const hasSctp = /^SCTP /m.test(readFileSync('/proc/net/protocols', 'utf8'));

  test('is published where the kernel has it, and refused in these words elsewhere', async () => {
    const guest = own.guest(networks, 'sctp', { on: [front], ports: [port] });
    if (hasSctp) expect((await guest).sandbox.ports['80/sctp']?.[0]?.HostPort).toBe('8150');
    else await expect(guest).rejects.toThrow('cannot publish sctp port 8150: this kernel has no SCTP');
  });

  test('packets from outside are led to the container, whose answers need no socket of this host', async () => {
    const guest = await own.guest(networks, 'associate', { on: [front] });
    const rules = new PacketRules('tscompose-sctp', silentLog);
    const subnets = [{ family: 4, text: front.ranges[0]?.subnet ?? '', mode: 'nat', masquerade: true }] as const;
    rules.addNetwork({ bridge: front.bridgeName, subnets, internal: false, isolated: false });
    rules.addPorts([
      {
        family: 4,
        via: 'host',
        hostIp: undefined,
        hostPort: 8150,
        protocol: 'sctp',
        address: guest.address('front'),
        port: 80,
      },
    ]);
    await rules.flush();
    const heard = guest.run(`timeout 12 python3 -c '
import socket, struct
s = socket.socket(socket.AF_INET, socket.SOCK_RAW, 132); s.settimeout(10)
print("ready", flush=True)
packet, who = s.recvfrom(99)
print(who[0], struct.unpack("!HH", packet[20:24])[1])'`);
    await expect.poll(() => guest.run('cat /proc/net/raw'), { timeout: 10_000 }).toContain(':0084 ');
    await fromOutside(`python3 -c '
import socket, struct
def crc32c(data):
  crc = 0xffffffff
  for byte in data:
    crc ^= byte
    for _ in range(8): crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
  return crc ^ 0xffffffff
chunk = struct.pack("!BBHIIHHI", 1, 0, 20, 1, 65536, 1, 1, 1)
head = struct.pack("!HHI", 4000, 8150, 0)
s = socket.socket(socket.AF_INET, socket.SOCK_RAW, 132)
s.sendto(head + struct.pack("<I", crc32c(head + bytes(4) + chunk)) + chunk, ("192.0.2.1", 0))'`);
    expect(await heard).toBe('ready\n192.0.2.9 80');
    await shell('nft delete table ip tscompose-sctp');
  });
});

describe('with IPv6', () => {
  test('containers have addresses of both kinds and reach each other and are reached by both', async () => {
    const ports = [{ hostIp: '', hostPort: 8200, containerPort: 80, protocol: 'tcp' as const }];
    const server = await own.guest(networks, 'sixth', { on: [six], ports });
    const client = await own.guest(networks, 'client', { on: [six] });
    await server.serveTcp(80, 'six');
    const address = server.sandbox.endpoints['six']?.GlobalIPv6Address ?? '';
    expect(address).toMatch(/^fd/);
    expect(await client.run(readTcp(address, 80))).toBe('six');
    expect(await client.run('busybox nslookup sixth 127.0.0.11')).toContain(address);
    for (const host of ['::1', '2001:db8::1', '127.0.0.1']) expect(await shell(readTcp(host, 8200))).toBe('six');
    expect(await fromOutside(readTcp('2001:db8::1', 8200))).toBe('six');
    expect(await client.run(readTcp('2001:db8::1', 8200))).toBe('six');
  });

  test('a network without it gives a link no address of that kind', async () => {
    const guest = await own.guest(networks, 'fourth', { on: [front] });
    expect(await guest.run('ip -6 address show dev eth0')).toBe('');
  });
});

test('a datagram from port 0, which no answer could reach, does not keep a forwarded port from its next one', async () => {
  const echo = createSocket('udp4', (message, from) => {
    echo.send(message, from.port, from.address);
  });
  echo.bind(0, '127.0.0.1').unref();
  await once(echo, 'listening');
  const listener = await listenOnPort('udp', '::1', 0, { address: '127.0.0.1', port: echo.address().port });
  expect(await shell(fromPortZero('::1', listener.port, 'abcd'))).toBe('abcd');
  listener.close();
  echo.close();
});

test('a container without networks has a loopback and nothing else', async () => {
  const guest = await own.guest(networks, 'alone', { on: [networks.resolve('none')] });
  expect(await guest.run('ip -o link | wc -l; ip -o -4 address')).toMatch(/^1\n1: lo +inet 127\.0\.0\.1/);
  expect(guest.sandbox.endpoints['none']?.NetworkID).toBe(networks.resolve('none').id);
});
