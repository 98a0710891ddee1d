import { execFile, execFileSync } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  adoptTcp,
  adoptUdp,
  bindUdp,
  createNetworkNamespace,
  inNetworkNamespace,
  listenTcp,
  nftApply,
  nftListJson,
  openLinks,
  openNetworkNamespace,
  type NetworkNamespace,
} from '../../../src/engine/sys/index.js';
import { bothWays, chooseWay, enterPrivateNamespaces, errnoOfCall } from './private-namespaces.js';

beforeAll(() => {
  enterPrivateNamespaces();
});

describe.each(bothWays)('with %s', (_, ffi) => {
  let inside: NetworkNamespace;
  beforeEach(() => {
    chooseWay(ffi);
    inside = createNetworkNamespace();
  });
  afterEach(() => {
    inside.close();
  });

  test('a new namespace has only its loopback, and ours is left', () => {
    const home = readlinkSync('/proc/thread-self/ns/net');
    expect(readlinkSync(inside.procPath)).not.toBe(home);
    const links = openLinks(inside);
    expect(links.list().map(({ name, up }) => ({ name, up }))).toEqual([{ name: 'lo', up: false }]);
    links.close();
    const again = openNetworkNamespace(inside.procPath);
    expect(readlinkSync(again.procPath)).toBe(readlinkSync(inside.procPath));
    again.close();
    again.close();
  });

  test('a bridge, a pair into a namespace, addresses and routes', () => {
    const host = openLinks();
    const guest = openLinks(inside);
    host.apply([
      { kind: 'set-up', name: 'lo' },
      { kind: 'add-bridge', name: 'tsctest', mac: '02:42:0a:00:00:01', mtu: 1400 },
      { kind: 'set-alias', name: 'tsctest', alias: 'an engine' },
      { kind: 'add-address', link: 'tsctest', address: '10.99.0.1/16' },
      { kind: 'add-address', link: 'tsctest', address: 'fd12::1/64' },
      { kind: 'set-up', name: 'tsctest' },
      {
        kind: 'add-veth',
        name: 'tscveth',
        peer: 'eth0',
        peerNamespace: inside,
        peerMac: '02:42:0a:63:00:02',
        mtu: 1400,
        master: 'tsctest',
      },
      { kind: 'set-hairpin', name: 'tscveth' },
      { kind: 'add-route', destination: '10.98.0.0/24', gateway: '10.99.0.2', link: 'tsctest' },
    ]);
    guest.apply([
      { kind: 'set-up', name: 'lo' },
      { kind: 'add-address', link: 'eth0', address: '10.99.0.2/16' },
      { kind: 'add-address', link: 'eth0', address: 'fd12::2/64' },
      { kind: 'set-up', name: 'eth0' },
      { kind: 'add-route', destination: '0.0.0.0/0', gateway: '10.99.0.1', link: 'eth0' },
      { kind: 'add-route', destination: '::/0', gateway: 'fd12::1', link: 'eth0' },
    ]);
    const bridge = host.list().find(({ name }) => name === 'tsctest');
    const port = host.list().find(({ name }) => name === 'tscveth');
    expect(bridge).toMatchObject({ type: 'bridge', up: true, mtu: 1400, mac: '02:42:0a:00:00:01', alias: 'an engine' });
    expect(port).toMatchObject({ type: 'veth', up: true, masterIndex: bridge?.index });
    expect(readFileSync('/proc/sys/net/ipv4/conf/tscveth/forwarding', 'utf8')).toBeDefined();
    expect(guest.list().find(({ name }) => name === 'eth0')).toMatchObject({ mac: '02:42:0a:63:00:02', up: true });
    expect(host.addresses()).toContainEqual({ linkIndex: bridge?.index, address: 'fd12::1', prefixLength: 64 });
    expect(host.routes()).toContainEqual({
      destination: '10.98.0.0/24',
      gateway: '10.99.0.2',
      linkIndex: bridge?.index,
    });
    expect(guest.routes().find(({ destination }) => destination === '::/0')?.gateway).toBe('fd12::1');
    const ping = ['--net=' + inside.procPath, '--', 'busybox', 'ping', '-c1', '-W2'];
    execFileSync('nsenter', [...ping, '10.99.0.1']);
    execFileSync('nsenter', [...ping, '-6', 'fd12::1']);
    host.apply([{ kind: 'delete-route', destination: '10.98.0.0/24', gateway: '10.99.0.2', link: 'tsctest' }]);
    host.apply([{ kind: 'delete-link', name: 'tscveth' }]);
    expect(guest.list().map(({ name }) => name)).toEqual(['lo']);
    host.apply([{ kind: 'delete-link', name: 'tsctest' }]);
    expect(host.list().some(({ name }) => name.startsWith('tsc'))).toBe(false);
    host.close();
    guest.close();
  });

  test('what cannot be done says so by its errno', () => {
    const links = openLinks();
    expect(errnoOfCall(() => links.apply([{ kind: 'delete-link', name: 'tscnone' }]))).toBe('ENODEV');
    links.apply([{ kind: 'add-bridge', name: 'tsctwice' }]);
    expect(errnoOfCall(() => links.apply([{ kind: 'add-bridge', name: 'tsctwice' }]))).toBe('EEXIST');
    links.apply([{ kind: 'delete-link', name: 'tsctwice' }]);
    expect(errnoOfCall(() => links.apply([{ kind: 'set-up', name: 'a-name-over-15-bytes' }]))).toBe('ERANGE');
    links.close();
  });

  test('an nft script is applied whole or not at all, here or inside', () => {
    nftApply('table ip tsctest { chain c { }; }');
    expect(errnoOfCall(() => nftApply('add table ip second\nadd rule ip tsctest none accept'))).toBe('ENOENT');
    expect(JSON.stringify(nftListJson('list tables'))).not.toContain('second');
    nftApply('table ip within { }', inside);
    expect(JSON.stringify(nftListJson('list tables', inside))).toContain('within');
    expect(JSON.stringify(nftListJson('list tables'))).not.toContain('within');
    nftApply('delete table ip tsctest');
  });

  test('an nft script is applied by a process with more files open than select(2) takes', () => {
    const files = Array.from({ length: 1100 }, () => openSync('/dev/null', 'r'));
    try {
      nftApply('table ip tscmany { }');
      nftApply('table ip within { }', inside);
      expect(JSON.stringify(nftListJson('list tables'))).toContain('tscmany');
      expect(JSON.stringify(nftListJson('list tables', inside))).toContain('within');
      nftApply('delete table ip tscmany');
    } finally {
      files.forEach((file) => closeSync(file));
    }
  });
});

describe('sockets', () => {
  beforeEach(() => {
    chooseWay('on');
  });

  test('one bound inside a namespace answers there while we are outside', async () => {
    const inside = createNetworkNamespace();
    const links = openLinks(inside);
    links.apply([{ kind: 'set-up', name: 'lo' }]);
    links.close();
    const { udp, tcp } = inNetworkNamespace(inside, () => ({
      udp: bindUdp('127.0.0.11', 0),
      tcp: listenTcp('127.0.0.11', 0),
    }));
    const socket = await adoptUdp(udp.fd);
    const server = await adoptTcp(tcp.fd);
    socket.on('message', (message, from) => socket.send(`udp ${message.toString()}`, from.port, from.address));
    server.on('connection', (connection) => connection.end('tcp hello'));
    const run = (script: string): Promise<string> =>
      new Promise((resolve) => {
        execFile(
          'nsenter',
          [`--net=${inside.procPath}`, '--', 'bash', '-c', script],
          { timeout: 20_000 },
          (_error, out) => {
            resolve(out);
          },
        );
      });
    const udpAnswer = run(`exec 3<>/dev/udp/127.0.0.11/${udp.port}; echo hello >&3; head -n 1 <&3`);
    const tcpAnswer = run(`cat </dev/tcp/127.0.0.11/${tcp.port}`);
    expect(await udpAnswer).toBe('udp hello\n');
    expect(await tcpAnswer).toBe('tcp hello');
    socket.close();
    server.close();
    inside.close();
  });

  test('a port that is listened on is taken for every address it covers', () => {
    const holder = listenTcp('0.0.0.0', 0);
    expect(errnoOfCall(() => listenTcp('127.0.0.1', holder.port))).toBe('EADDRINUSE');
    closeSync(holder.fd);
    closeSync(listenTcp('127.0.0.1', holder.port).fd);
    const datagrams = bindUdp('::', 0);
    expect(errnoOfCall(() => bindUdp('::', datagrams.port))).toBe('EADDRINUSE');
    closeSync(datagrams.fd);
  });

  test('a hundred namespaces come and go without leaving a descriptor', () => {
    const before = readdirSync('/proc/self/fd').length;
    for (let index = 0; index < 100; index += 1) {
      const namespace = createNetworkNamespace();
      const links = openLinks(namespace);
      links.apply([{ kind: 'set-up', name: 'lo' }]);
      links.close();
      nftApply('table ip t { }', namespace);
      namespace.close();
    }
    expect(readdirSync('/proc/self/fd').length).toBe(before);
  });
});
