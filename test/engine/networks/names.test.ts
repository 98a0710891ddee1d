import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { decode, encode } from 'dns-packet';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createLog } from '../../../src/base/log.js';
import type { NetworkRecord, Networks } from '../../../src/engine/networks/index.js';
import { NameTable } from '../../../src/engine/networks/dns-names.js';
import { Resolver, resolverAddress } from '../../../src/engine/networks/dns-server.js';
import { encodeResponse, parseQuery } from '../../../src/engine/networks/dns-message.js';
import { frame, FrameReader } from '../../../src/engine/networks/dns-forward.js';
import { openLinks, openNetworkNamespace } from '../../../src/engine/sys/index.js';
import { enterPrivateNamespaces } from '../sys/private-namespaces.js';
import { fromPortZero, NetworksSandbox, type Guest } from './guest.js';

const own = new NetworksSandbox();
let networks: Networks;
let front: NetworkRecord;
let back: NetworkRecord;
let web: Guest;
let database: Guest;

/** A resolver outside, here on this machine: it knows every name below `example`, and `printer`. */
const asked: string[] = [];
function answerOutside(message: Buffer): Buffer {
  const query = parseQuery(message);
  if (query === undefined) throw new Error('a question that cannot be read was forwarded');
  asked.push(query.name);
  if (!/example$|^printer$|arpa$/.test(query.name)) return encodeResponse(query, 'NXDOMAIN');
  return encodeResponse(query, 'NOERROR', query.type === 1 ? [{ type: 'A', value: '198.51.100.7' }] : []);
}

beforeAll(async () => {
  enterPrivateNamespaces();
  const host = openLinks();
  host.apply([
    { kind: 'set-up', name: 'lo' },
    { kind: 'add-address', link: 'lo', address: '192.0.2.53/32' },
  ]);
  host.close();
  const udp = createSocket('udp4', (message, from) => udp.send(answerOutside(message), from.port, from.address));
  udp.bind(5399, '192.0.2.53').unref();
  await once(udp, 'listening');
  const tcp = createServer((socket) => {
    const reader = new FrameReader((message) => socket.write(frame(answerOutside(message))));
    socket.on('data', (bytes: Buffer) => reader.push(bytes));
    socket.on('error', () => undefined);
  });
  tcp.listen(5399, '192.0.2.53').unref();
  networks = await own.open();
  front = await networks.create({ Name: 'front' });
  back = await networks.create({ Name: 'back' });
  database = await own.guest(networks, 'project-db-1', { on: [{ network: back, aliases: ['db', 'Data'] }] });
  web = await own.guest(networks, 'project-web-1', {
    on: [
      { network: front, aliases: ['web'] },
      { network: back, aliases: ['web'], links: ['project-db-1:storage'] },
    ],
    dns: ['192.0.2.53#5399'],
  });
});
afterAll(async () => {
  await own.remove();
  await networks.stop();
});

/** Asks the container's own resolver; `rcode` and the answers, or `rcode` alone. */
function ask(guest: Guest, name: string, type: 'A' | 'AAAA' | 'PTR' | 'TXT' = 'A', how = 'udp'): Promise<string> {
  const number = { A: 1, AAAA: 28, PTR: 12, TXT: 16 }[type];
  return guest
    .run(
      `python3 -c '
import socket, struct, sys
name, kind, how = "${name}", ${number}, "${how}"
q = struct.pack("!6H", 0x1234, 0x0100, 1, 0, 0, 0) + b"".join(bytes([len(l)]) + l.encode() for l in name.split(".") if l) + b"\\0" + struct.pack("!2H", kind, 1)
if how == "udp":
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(8)
    s.connect(("127.0.0.11", 53)); s.send(q); r = s.recv(65535)
else:
    s = socket.create_connection(("127.0.0.11", 53), 8)
    s.sendall(struct.pack("!H", len(q)) + q)
    def take(n):
        b = b""
        while len(b) < n:
            c = s.recv(n - len(b))
            if not c: raise SystemExit("closed")
            b += c
        return b
    r = take(struct.unpack("!H", take(2))[0])
flags, _, count = struct.unpack("!3H", r[2:8])
at = len(q); found = []
for _ in range(count):
    t, c, ttl, size = struct.unpack("!HHIH", r[at+2:at+12]); d = r[at+12:at+12+size]; at += 12 + size
    if t == 1: found.append(socket.inet_ntoa(d))
    elif t == 12:
        p, labels = 0, []
        while d[p]: labels.append(d[p+1:p+1+d[p]].decode()); p += 1 + d[p]
        found.append(".".join(labels))
print(["NOERROR","FORMERR","SERVFAIL","NXDOMAIN"][flags & 15] + (" TC" if flags & 0x200 else ""), len(r) if "${name}" == "many" else "", *found)
'`,
    )
    .then((text) => text.replace(/ +/g, ' ').trim());
}

describe('a container finds', () => {
  test.each(['project-db-1', 'db', 'data', 'DB', 'project-db-1.back', 'db.back', 'storage'])(
    'another as %s',
    async (name) => {
      expect(await ask(web, name)).toBe(`NOERROR ${database.address('back')}`);
      expect(await ask(web, name, 'A', 'tcp')).toBe(`NOERROR ${database.address('back')}`);
    },
  );

  test('another by its short id and its host name', async () => {
    expect(await ask(web, database.id.slice(0, 12))).toBe(`NOERROR ${database.address('back')}`);
  });

  test('nothing of another type, which is no error and not a missing name', async () => {
    expect(await ask(web, 'db', 'AAAA')).toBe('NOERROR');
    expect(await ask(web, 'db', 'TXT')).toBe('NOERROR');
  });

  test('the name of an address', async () => {
    const reversed = database.address('back').split('.').reverse().join('.');
    expect(await ask(web, `${reversed}.in-addr.arpa`, 'PTR')).toBe('NOERROR project-db-1.back');
  });

  test('nobody on a network that it is not on, and no link that is not its own', async () => {
    const other = await own.guest(networks, 'project-other-1', { on: [front], dns: ['192.0.2.53#5399'] });
    expect(await ask(other, 'db')).toBe('NXDOMAIN');
    expect(await ask(other, 'storage')).toBe('NXDOMAIN');
    expect(await ask(other, 'web')).toBe(`NOERROR ${web.address('front')}`);
    expect(await ask(database, 'web')).toBe(`NOERROR ${web.address('back')}`);
  });

  test('names outside through the resolvers it was given, over both transports', async () => {
    expect(await ask(web, 'www.example')).toBe('NOERROR 198.51.100.7');
    expect(await ask(web, 'tcp.example', 'A', 'tcp')).toBe('NOERROR 198.51.100.7');
    expect(asked).toContain('www.example');
  });

  test('a single word outside, unless its user has set ndots', async () => {
    expect(await ask(web, 'printer')).toBe('NOERROR 198.51.100.7');
    const searching = await own.guest(networks, 'searching', {
      ...{ on: [front], dns: ['192.0.2.53#5399'], dnsOptions: ['ndots:1'] },
    });
    expect(await ask(searching, 'scanner')).toBe('NXDOMAIN');
    expect(asked).not.toContain('scanner');
  });
});

test('on internal networks alone no question leaves', async () => {
  const closed = await networks.create({ Name: 'closed', Internal: true });
  const inmate = await own.guest(networks, 'inmate', { on: [closed], dns: ['192.0.2.53#5399'] });
  expect(await ask(inmate, 'secret.example')).toBe('NXDOMAIN');
  expect(asked).not.toContain('secret.example');
  expect(await ask(inmate, 'inmate')).toBe(`NOERROR ${inmate.address('closed')}`);
});

test('resolvers that do not answer give a failure, not silence', async () => {
  const lost = await own.guest(networks, 'lost', { on: [front], dns: ['192.0.2.53#5398'] });
  expect(await ask(lost, 'www.example')).toBe('SERVFAIL');
  expect(await ask(lost, 'word')).toBe('NXDOMAIN');
});

test('many containers of one alias take turns, as many as fit in a datagram and all over TCP', async () => {
  const replicas: Guest[] = [];
  for (let index = 0; index < 40; index += 1) {
    replicas.push(await own.guest(networks, `many-${index}`, { on: [{ network: back, aliases: ['many'] }] }));
  }
  const all = replicas.map((guest) => guest.address('back')).sort();
  const first = await ask(web, 'many');
  expect(first).toMatch(/^NOERROR TC (?:4\d\d|50\d|51[0-2]) /);
  expect(first.split(' ').length - 3).toBeGreaterThan(25);
  const whole = (await ask(web, 'many', 'A', 'tcp')).split(' ');
  expect(whole.slice(2).sort()).toEqual(all);
  const firsts = new Set<string | undefined>();
  for (let time = 0; time < 4; time += 1) firsts.add((await ask(web, 'many', 'A', 'tcp')).split(' ')[2]);
  expect(firsts.size).toBe(4);
  for (const guest of replicas) {
    await guest.kill();
    await networks.leave(guest.id);
  }
  expect(await ask(web, 'many')).toContain('NXDOMAIN');
}, 60_000);

test('a container may serve names itself on every address', async () => {
  const server = await own.guest(networks, 'dnsmasq', { on: [front] });
  await server.serveUdp(53, 'mine');
  await server.serveTcp(53, 'mine');
  expect(await ask(server, 'web')).toBe(`NOERROR ${web.address('front')}`);
});

test('what is no question is answered with an error or not at all', async () => {
  const send = (bytes: string) =>
    web.run(`python3 -c '
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(0.5); s.connect(("127.0.0.11", 53))
s.send(bytes.fromhex("${bytes}"))
try: print(s.recv(512).hex())
except TimeoutError: print("silence")'`);
  expect(await send('12340100')).toBe('silence');
  expect(await send('123481800000000000000000')).toBe('silence');
  expect(await send('123401000001000000000000ff')).toBe('123480010000000000000000');
  expect(await ask(web, 'db')).toBe(`NOERROR ${database.address('back')}`);
});

test('a name with a number that no address has is a question like any other', async () => {
  expect(await ask(web, '999.1.1.1.in-addr.arpa', 'PTR')).toBe('NOERROR');
  expect(await ask(web, '001.0.0.10.in-addr.arpa', 'PTR', 'tcp')).toBe('NOERROR');
  expect(asked).toContain('999.1.1.1.in-addr.arpa');
});

test('a question from port 0, which no answer could reach, is passed over', async () => {
  const nothing = '0'.repeat(24);
  expect(await web.run(fromPortZero('127.0.0.11', 53, nothing))).toBe('000080010000000000000000');
});

test('a question over which the resolver fails costs that question alone', async () => {
  const namespace = openNetworkNamespace('/proc/self/ns/net');
  const lines: string[] = [];
  let broken = true;
  const resolver = await Resolver.open(namespace, {
    ...{ log: createLog((line) => lines.push(line), 'warn'), names: new NameTable(), singleWords: () => true },
    ...{ way: () => undefined, inside: () => undefined },
    asker: () => ({ networkIds: [], links: new Map() }),
    servers: () => {
      if (broken) throw new Error('no descriptors left');
      return undefined;
    },
  });
  const socket = createSocket('udp4');
  socket.connect(resolver.ports.udp, resolverAddress);
  await once(socket, 'connect');
  const question = encode({ type: 'query', id: 1, questions: [{ type: 'A', name: 'www.example', class: 'IN' }] });
  socket.send(question);
  await expect.poll(() => lines).toMatchObject([expect.stringContaining('no descriptors left')]);
  broken = false;
  socket.send(question);
  const [answer] = (await once(socket, 'message')) as [Buffer];
  expect(decode(answer)).toMatchObject({ id: 1, rcode: 'NXDOMAIN' });
  socket.close();
  resolver.close();
  namespace.close();
});

test('a container that opens connections without end keeps only its own questions from being heard', async () => {
  const greedy = await own.guest(networks, 'greedy', { on: [front] });
  const opened = await greedy.run(`python3 -c '
import socket, time
held = [socket.create_connection(("127.0.0.11", 53), 8) for _ in range(400)]
time.sleep(0.2)
def closed(s):
    s.setblocking(False)
    try: return s.recv(1) == b""
    except BlockingIOError: return False
    except ConnectionError: return True
deadline = time.time() + 8
while sum(map(closed, held)) < 100 and time.time() < deadline: time.sleep(0.05)
print(sum(not closed(s) for s in held) <= 256)'`);
  expect(opened).toBe('True');
  expect(await ask(web, 'db', 'A', 'tcp')).toBe(`NOERROR ${database.address('back')}`);
});

test('names follow a rename, a connection and a disconnection of a running container', async () => {
  const mover = await own.guest(networks, 'mover', { on: [front] });
  expect(await ask(mover, 'db')).toBe('NXDOMAIN');
  const settings = await networks.connectRunning(mover.id, mover.pid, { network: back, aliases: ['moved'] });
  expect(await ask(mover, 'db')).toBe(`NOERROR ${database.address('back')}`);
  expect(await ask(database, 'moved')).toBe(`NOERROR ${settings.IPAddress ?? ''}`);
  expect(
    await mover.run(
      `ping -c1 -W2 ${database.address('back')} >/dev/null 2>&1 || busybox ping -c1 -W2 ${database.address('back')} >/dev/null; echo $?`,
    ),
  ).toBe('0');
  await expect(networks.connectRunning(mover.id, mover.pid, { network: back, aliases: [] })).rejects.toMatchObject({
    code: 'network/endpoint-exists',
  });
  await networks.rename(mover.id, 'settled');
  expect(await ask(database, 'settled')).toBe(`NOERROR ${settings.IPAddress ?? ''}`);
  expect(await ask(database, 'mover')).toBe('NXDOMAIN');
  await networks.disconnectRunning(mover.id, mover.pid, front.id);
  expect(await mover.run('ip -o link | cut -d: -f2 | cut -d@ -f1 | xargs')).toBe('lo eth1');
  expect(await mover.run('ip route')).toContain(`default via ${settings.Gateway ?? ''} dev eth1`);
  await expect(networks.disconnectRunning(mover.id, mover.pid, front.id)).rejects.toMatchObject({
    code: 'network/not-connected',
  });
});

test('the predefined bridge knows no names but those of its links, in the hosts file', async () => {
  const bridge = networks.resolve('bridge');
  const linked = await own.guest(networks, 'linked', { on: [bridge] });
  const linking = await own.guest(networks, 'linking', {
    on: [{ network: bridge, aliases: [], links: ['linked:alias'] }],
    hostname: 'host',
    domainname: 'example.org',
  });
  expect(await ask(linking, 'linked')).toBe('NXDOMAIN');
  expect(linking.sandbox.hostsLines).toContain(`${linked.address('bridge')}\talias linked ${linked.id.slice(0, 12)}`);
  expect(linking.sandbox.hostsLines).toContain(`${linking.address('bridge')}\thost.example.org host`);
});

test('resolv.conf points to the resolver and keeps what the user wants', async () => {
  const plain = await own.guest(networks, 'plain', { on: [front] });
  expect(plain.sandbox.resolvConf).toMatch(/^nameserver 127\.0\.0\.11$/m);
  expect(plain.sandbox.resolvConf).toMatch(/^options .*ndots:0$/m);
  const chosen = await own.guest(networks, 'chosen', {
    on: [front],
    dnsSearch: ['a.example', 'b.example'],
    dnsOptions: ['ndots:3', 'rotate'],
  });
  expect(chosen.sandbox.resolvConf).toMatch(/^search a\.example b\.example\noptions ndots:3 rotate$/m);
});
