import { execFileSync } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { frame, FrameReader } from '../../../src/engine/networks/dns-forward.js';
import { encodeResponse, parseQuery } from '../../../src/engine/networks/dns-message.js';
import type { NetworkRecord, Networks } from '../../../src/engine/networks/index.js';
import { openLinks } from '../../../src/engine/sys/index.js';
import { enterPrivateNamespaces } from '../sys/private-namespaces.js';
import { NetworksSandbox, type Guest } from './guest.js';

/**
 * What the resolvers of C libraries make of the engine's name server: glibc's, busybox's, and with `TSCOMPOSE_MUSL_GCC`
 * naming a compiler for it (Debian: musl-tools) musl's.
 */
const own = new NetworksSandbox();
let networks: Networks;
let net: NetworkRecord;
let six: NetworkRecord;
let client: Guest;
let server: Guest;
const upstream: Socket[] = [];
const [knows, refuses, keepsSilent, stammers] = ['192.0.2.53', '192.0.2.54', '192.0.2.55', '192.0.2.56'];

/** How a resolver outside answers; undefined: not at all. */
type Answers = (message: Buffer, room: number) => Buffer | undefined;

const knowing: Answers = (message, room) => {
  const query = parseQuery(message);
  if (query === undefined) throw new Error('a question that cannot be read was forwarded');
  const count = { 'www.example': 1, 'only.corp.example': 1, 'large.example': 60 }[query.name];
  if (count === undefined) return encodeResponse(query, 'NXDOMAIN');
  const values = Array.from({ length: query.type === 1 ? count : 0 }, (_, index) => `198.51.100.${index + 7}`);
  return encodeResponse(
    query,
    'NOERROR',
    values.map((value) => ({ type: 'A', value })),
    Math.max(room, query.maxBytes),
  );
};

/** A resolver of the outside on this machine's loopback, as systemd-resolved is one. */
async function serveOutside(address: string, answers: Answers): Promise<void> {
  const udp = createSocket('udp4', (message, from) => {
    const answer = answers(message, 0);
    if (answer !== undefined) udp.send(answer, from.port, from.address);
  });
  udp.bind(53, address).unref();
  upstream.push(udp);
  const tcp = createServer((socket) => {
    const reader = new FrameReader((message) => {
      const answer = answers(message, 65_535);
      if (answer !== undefined) socket.write(frame(answer));
    });
    socket.on('data', (bytes: Buffer) => {
      reader.push(bytes);
    });
    socket.on('error', () => undefined);
  });
  tcp.listen(53, address).unref();
  await Promise.all([once(udp, 'listening'), once(tcp, 'listening')]);
}

beforeAll(async () => {
  enterPrivateNamespaces();
  const host = openLinks();
  host.apply([
    { kind: 'set-up', name: 'lo' },
    ...[knows, refuses, keepsSilent, stammers].map((address) => ({
      ...({ kind: 'add-address', link: 'lo', address: `${address}/32` } as const),
    })),
  ]);
  host.close();
  await serveOutside(knows, knowing);
  await serveOutside(keepsSilent, () => undefined);
  await serveOutside(stammers, () => Buffer.from('?'));
  await serveOutside(refuses, (message) => {
    const query = parseQuery(message);
    return query && encodeResponse(query, 'SERVFAIL');
  });
  networks = await own.open();
  net = await networks.create({ Name: 'net' });
  six = await networks.create({ Name: 'six', EnableIPv6: true });
  server = await own.guest(networks, 'server', { on: [{ network: net, aliases: ['Alias', 'x'.repeat(63)] }, six] });
  client = await own.guest(networks, 'client', {
    on: [{ network: net, aliases: [], links: ['server:linked'] }, six],
    dns: [knows],
    dnsSearch: ['corp.example', 'example.org'],
  });
});
afterAll(async () => {
  for (const socket of upstream) socket.close();
  await own.remove();
  await networks.stop();
});

type Library = (name: string, more?: { readonly options?: string; readonly guest?: Guest }) => Promise<string>;

/** Runs a program with the resolv.conf of a container. */
function inside(program: string): Library {
  return async (name, { options, guest = client } = {}) => {
    const file = join(own.folder, `resolv-${guest.id}`);
    const text = guest.sandbox.resolvConf;
    writeFileSync(file, options === undefined ? text : text.replace(/^options .*$/m, `options ${options}`));
    writeFileSync(`${file}.hosts`, guest.sandbox.hostsLines.join('\n'));
    const mounted = `mount --bind ${file} /etc/resolv.conf; mount --bind ${file}.hosts /etc/hosts; ${program} ${name}`;
    const found = await guest.run(`unshare --mount sh -c '${mounted.replaceAll("'", `'\\''`)}'`);
    return found.split('\n').sort().join(' ');
  };
}

const glibc = inside(`python3 -c '
import socket, sys
try: print("\\n".join(sorted({found[4][0] for found in socket.getaddrinfo(sys.argv[1], None)})))
except socket.gaierror as error: print("none" if error.errno == socket.EAI_NONAME or error.errno == socket.EAI_NODATA else "again" if error.errno == socket.EAI_AGAIN else error)'`);

const muslCompiler = process.env['TSCOMPOSE_MUSL_GCC'];
const muslProgram = join(own.folder, 'ask-musl');
if (muslCompiler !== undefined) {
  const source = `${muslProgram}.c`;
  writeFileSync(
    source,
    `#include <netdb.h>
#include <stdio.h>
int main(int count, char **words) {
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found, *at;
  int failed = getaddrinfo(words[1], 0, &hints, &found);
  if (failed) return !printf("%s", failed == EAI_NONAME ? "none" : failed == EAI_AGAIN ? "again" : gai_strerror(failed));
  for (at = found; at; at = at->ai_next) {
    char text[64];
    getnameinfo(at->ai_addr, at->ai_addrlen, text, sizeof text, 0, 0, NI_NUMERICHOST);
    puts(text);
  }
}`,
  );
  execFileSync(muslCompiler, ['-static', '-o', muslProgram, source]);
}

const libraries: [string, Library][] = [['glibc', glibc]];
if (muslCompiler !== undefined) libraries.push(['musl', inside(muslProgram)]);

describe.each(libraries)('%s', (library, look) => {
  test.each(['server', 'alias', 'ALIAS', 'sErVeR', 'linked', 'server.net', 'x'.repeat(63)])(
    'finds %s',
    async (name) => {
      expect(await look(name)).toBe(server.address('net'));
    },
  );

  test('finds a container by its id, and one with IPv6 by both addresses', async () => {
    expect(await look(server.id.slice(0, 12))).toBe(server.address('net'));
    const both = [server.address('six'), server.sandbox.endpoints['six']?.GlobalIPv6Address];
    expect(await look('server.six')).toBe(both.sort().join(' '));
  });

  test('finds names outside, by a search domain too, and a large answer over TCP', async () => {
    expect(await look('www.example')).toBe('198.51.100.7');
    expect(await look('only', { options: 'ndots:1' })).toBe('198.51.100.7');
    // musl before 1.2.4 has no TCP and makes do with what fits into a datagram.
    expect((await look('large.example')).split(' ').length).toBeGreaterThanOrEqual(library === 'glibc' ? 60 : 25);
  });

  test('is told at once that a name is missing, here and outside', async () => {
    const options = 'ndots:0 timeout:30';
    const before = performance.now();
    expect(await look('nobody', { options })).toBe('none');
    expect(await look('missing.example', { options })).toBe('none');
    expect(performance.now() - before).toBeLessThan(25_000);
  });

  test.each(['ndots:5', 'ndots:0 single-request', 'ndots:1 use-vc', 'ndots:0 edns0', 'ndots:0 rotate timeout:1'])(
    'finds names with the option %s',
    async (options) => {
      expect(await look('server', { options })).toBe(server.address('net'));
      expect(await look('www.example', { options })).toBe('198.51.100.7');
    },
  );
});

describe('servers outside', () => {
  const asking = async (name: string, dns: readonly string[], more = ''): Promise<[string, number]> => {
    const guest = await own.guest(networks, name, { on: [net], dns });
    const before = performance.now();
    const found = await glibc('www.example', { guest, options: `ndots:0 attempts:1${more}` });
    return [found, performance.now() - before];
  };

  test('that fail or keep silent are passed over', async () => {
    expect((await asking('hopeful', ['198.51.100.1', refuses, keepsSilent, knows]))[0]).toBe('198.51.100.7');
  });

  test.each([
    ['a datagram', ''],
    ['a stream', ' use-vc'],
  ])('whose answer is less than a message, in %s, are passed over', async (_, option) => {
    expect((await asking('patient', [stammers, knows], option))[0]).toBe('198.51.100.7');
  });

  test('that all keep silent are no reason to hang: the asker hears of it before it gives up itself', async () => {
    const [found, afterMs] = await asking('hopeless', [keepsSilent, keepsSilent]);
    expect(found).toBe('again');
    expect(afterMs).toBeGreaterThan(4_000);
  });

  test('on 127.0.0.1 are those of the container itself, when it names them', async () => {
    const guest = await own.guest(networks, 'self', { on: [net], dns: ['127.0.0.1'] });
    const served = guest.run(`timeout 20 python3 -c '
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("127.0.0.1", 53)); s.settimeout(15)
for _ in range(2):
  q, who = s.recvfrom(512)
  a = b"\\xc0\\x0c\\0\\1\\0\\1\\0\\0\\0\\1\\0\\4\\x0a\\1\\2\\3" if q[-3] == 1 else b""
  s.sendto(q[:2] + b"\\x81\\x80\\0\\1\\0" + (b"\\1" if a else b"\\0") + b"\\0\\0\\0\\0" + q[12:] + a, who)'`);
    await expect.poll(() => guest.run('cat /proc/net/udp'), { timeout: 10_000 }).toContain('0100007F:0035 ');
    expect(await glibc('own.example', { guest, options: 'ndots:0' })).toBe('10.1.2.3');
    await served;
  });
});

test('a thousand questions at once are all answered, in the spelling of who asks', async () => {
  const answered = await client.run(`python3 -c '
import socket, struct, select
name = b"\\6sErVeR\\0"
sockets = []
for n in range(1000):
  s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.connect(("127.0.0.11", 53)); sockets.append(s)
for n, s in enumerate(sockets): s.send(struct.pack("!6H", n, 256, 1, 0, 0, 0) + name + b"\\0\\1\\0\\1")
good = 0
for n, s in enumerate(sockets):
  s.settimeout(5)
  r = s.recv(512)
  good += r[:2] == struct.pack("!H", n) and r[12:20] == name and r[7] == 1
print(good)'`);
  expect(answered).toBe('1000');
});

test('the name server of a container is heard by nobody else', async () => {
  expect(await client.run("ss -Hlnut | tr -s ' ' | cut -d' ' -f5 | cut -d: -f1 | sort -u")).toBe('127.0.0.11');
});
