import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { closeSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import type { Log } from '../../base/log.js';
import {
  adoptTcp,
  adoptUdp,
  bindUdp,
  canEnterNamespaces,
  inNetworkNamespace,
  listenTcp,
  nftApply,
  sysErrno,
  type BoundSocket,
  type NetworkNamespace,
} from '../sys/index.js';
import { forwardQuestion, frame, FrameReader } from './dns-forward.js';
import {
  type DnsAnswer,
  encodeFormatError,
  encodeResponse,
  parseQuery,
  recordTypes,
  reverseAddress,
  type DnsQuery,
} from './dns-message.js';
import type { Asker, NameTable } from './dns-names.js';
import { invalid } from './errors.js';
import { setInside } from './kernel-settings.js';

/** Docker's address for this, which many configuration files hold. */
export const resolverAddress = '127.0.0.11';

/** Of one container at a time over TCP: descriptors of this process, which serves others, too. */
const maxConnections = 256;

export interface ResolverOptions {
  readonly log: Log;
  /** The container's side of its first network and the host's, for where its namespace cannot be entered. */
  readonly way: () => ResolverWay | undefined;
  readonly names: NameTable;
  /** Who asks here, now. */
  readonly asker: () => Asker;
  /** Where other questions go; undefined: nowhere. */
  readonly servers: () => readonly string[] | undefined;
  /** Whether names without a dot may be known there; not so once the user has set `ndots`, for a search domain then follows. */
  readonly singleWords: () => boolean;
  /** The container's namespace, when servers on its own loopback are meant. */
  readonly inside: () => NetworkNamespace | undefined;
}

export interface ResolverWay {
  readonly interfaceName: string;
  readonly address: string;
  readonly gateway: string;
}

/** High ports on 127.0.0.11 that port 53 leads to. */
export interface ResolverPorts {
  readonly udp: number;
  readonly tcp: number;
}

/**
 * The name server of one container, on 127.0.0.11 in its namespace. It listens on high ports behind a redirection of
 * port 53, so that a container may run a name server of its own on 0.0.0.0:53. The asker is known by the socket.
 */
export class Resolver {
  readonly #options: ResolverOptions;
  readonly #udp: UdpSocket;
  readonly #tcp: Server;
  readonly #connections = new Set<Socket>();
  readonly #closing = new AbortController();

  /** Where it listens; see {@link Resolver.open}. */
  readonly ports: ResolverPorts;

  private constructor(udp: UdpSocket, tcp: Server, ports: ResolverPorts, options: ResolverOptions, only?: string) {
    this.ports = ports;
    this.#udp = udp;
    this.#tcp = tcp;
    this.#options = options;
    udp.on('error', () => undefined); // an asker that is gone; nothing to tell it
    tcp.on('error', () => undefined);
    udp.on('message', (message, from) => {
      if (only !== undefined && from.address !== only) return;
      if (from.port === 0) return; // nobody an answer could go to, and Node throws at the attempt
      void this.#respond(message, 'udp', (answer) => {
        udp.send(answer, from.port, from.address);
      });
    });
    tcp.maxConnections = maxConnections;
    tcp.on('connection', (socket) => {
      if (only !== undefined && socket.remoteAddress !== only) socket.destroy();
      else this.#serve(socket);
    });
  }

  /**
   * Opens the sockets inside and points port 53 at them. The synchronous part happens before the first await.
   * @param before - the ports of the engine before: while they are free, its redirection still holds
   * @throws `sys/call-failed`
   */
  static async open(namespace: NetworkNamespace, options: ResolverOptions, before?: ResolverPorts): Promise<Resolver> {
    if (!canEnterNamespaces()) return Resolver.#openOutside(namespace, options);
    const { udp, tcp } = inNetworkNamespace(namespace, () => ({
      udp: preferring(before?.udp, (port) => bindUdp(resolverAddress, port)),
      tcp: preferring(before?.tcp, (port) => listenTcp(resolverAddress, port)),
    }));
    const ports = { udp: udp.port, tcp: tcp.port };
    try {
      if (ports.udp !== before?.udp || ports.tcp !== before.tcp) nftApply(redirection(ports), namespace);
    } catch (error) {
      for (const { fd } of [udp, tcp]) closeSync(fd);
      throw error;
    }
    const [socket, server] = await Promise.all([adoptUdp(udp.fd), adoptTcp(tcp.fd)]);
    return new Resolver(socket, server, ports, options);
  }

  /**
   * The spare way, by ordinary tools: the server listens on the bridge's address in the host's namespace, on any free
   * port, and hears this container alone.
   * @throws `network/invalid` without a bridge
   */
  static async #openOutside(namespace: NetworkNamespace, options: ResolverOptions): Promise<Resolver> {
    const way = options.way();
    if (way === undefined) {
      throw invalid(
        'a container on macvlan or ipvlan networks alone cannot be given a name server on this machine',
        'put it on a bridge network too, or run Node.js with its native addons allowed',
      );
    }
    const socket = createSocket('udp4');
    const server = createServer();
    socket.bind({ address: way.gateway, port: 0, exclusive: true });
    server.listen({ host: way.gateway, port: 0, exclusive: true });
    await Promise.all([once(socket, 'listening'), once(server, 'listening')]);
    const bound = server.address();
    const tcp = typeof bound === 'object' && bound !== null ? bound.port : 0;
    const ports = { udp: socket.address().port, tcp };
    setInside(namespace, `net/ipv4/conf/${way.interfaceName}/route_localnet`, '1');
    nftApply(redirection(ports, way.gateway), namespace);
    return new Resolver(socket, server, ports, options, way.address);
  }

  close(): void {
    this.#closing.abort();
    this.#udp.close();
    this.#tcp.close();
    for (const connection of this.#connections) connection.destroy();
  }

  #serve(socket: Socket): void {
    this.#connections.add(socket);
    const reader = new FrameReader((message) => {
      void this.#respond(message, 'tcp', (answer) => {
        if (socket.writable) socket.write(frame(answer));
      });
    });
    socket.setTimeout(30_000, () => socket.destroy());
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#connections.delete(socket));
    socket.on('data', (bytes: Buffer) => {
      reader.push(bytes);
    });
  }

  /** Whatever goes wrong over a message costs that message alone: anybody inside can write one. */
  async #respond(message: Buffer, transport: 'udp' | 'tcp', send: (answer: Buffer) => void): Promise<void> {
    try {
      const answer = await this.#answer(message, transport);
      if (answer !== undefined && !this.#closing.signal.aborted) send(answer);
    } catch (error) {
      this.#options.log.warn('cannot answer a question of a container', { error });
    }
  }

  async #answer(message: Buffer, transport: 'udp' | 'tcp'): Promise<Buffer | undefined> {
    const query = parseQuery(message);
    if (query === undefined) return encodeFormatError(message);
    const room = transport === 'tcp' ? 65_535 : query.maxBytes;
    const known = this.#lookUp(query);
    if (known !== undefined) return encodeResponse(query, 'NOERROR', known, room);
    const { inside, singleWords } = this.#options;
    const isSingleWord = !query.name.includes('.');
    // A container of internal networks alone must not be able to tell the world anything, not even by asking.
    const servers = isSingleWord && !singleWords() ? undefined : this.#options.servers();
    if (servers === undefined) return encodeResponse(query, 'NXDOMAIN');
    const forwarded = await forwardQuestion(message, { servers, transport, inside, signal: this.#closing.signal });
    // A single word is most often a service that is not there; musl would ask five seconds long after a failure.
    return forwarded ?? encodeResponse(query, isSingleWord ? 'NXDOMAIN' : 'SERVFAIL');
  }

  /** @returns undefined for a name that is not ours; no answers when it is, but not of the type asked for */
  #lookUp({ name, type }: DnsQuery): DnsAnswer[] | undefined {
    const { names } = this.#options;
    const asker = this.#options.asker();
    if (type === recordTypes.PTR) {
      const address = reverseAddress(name);
      const found = address === undefined ? undefined : names.reverse(asker, address);
      return found === undefined ? undefined : [{ type: 'PTR', value: found }];
    }
    const addresses = names.resolve(asker, name);
    return addresses?.flatMap((value): DnsAnswer[] => {
      const own = value.includes(':') ? 'AAAA' : 'A';
      return recordTypes[own] === type ? [{ type: own, value }] : [];
    });
  }
}

/** A port that somebody inside has taken meanwhile is replaced by any other. */
function preferring(port: number | undefined, bind: (port: number) => BoundSocket): BoundSocket {
  if (port !== undefined) {
    try {
      return bind(port);
    } catch (error) {
      if (sysErrno(error) !== 'EADDRINUSE') throw error;
    }
  }
  return bind(0);
}

/**
 * In the container's namespace, in one transaction, so that names never stop resolving. While no engine listens nothing
 * says so: who asks then asks again after a while, instead of giving up at once. The rules of an earlier engine
 * are flushed and not deleted with their table: the kernel would wait 15 ms for the chain's last user.
 */
function redirection(ports: ResolverPorts, server = resolverAddress): string {
  return `table ip tscompose-dns {
  chain output {
    type nat hook output priority -100; policy accept;
  }
  chain silence {
    type filter hook output priority filter; policy accept;
  }
}
flush chain ip tscompose-dns output
flush chain ip tscompose-dns silence
add rule ip tscompose-dns silence ip saddr ${resolverAddress} icmp type destination-unreachable drop
${server === resolverAddress ? '' : sourceAddress(server)}add rule ip tscompose-dns output ip daddr ${resolverAddress} udp dport 53 dnat to ${server}:${ports.udp}
add rule ip tscompose-dns output ip daddr ${resolverAddress} tcp dport 53 dnat to ${server}:${ports.tcp}
`;
}

/** Questions start out from 127.0.0.1, where no answer from outside could come back to. */
function sourceAddress(server: string): string {
  return `table ip tscompose-dns {
  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
  }
}
flush chain ip tscompose-dns postrouting
add rule ip tscompose-dns postrouting ip saddr 127.0.0.0/8 ip daddr ${server} masquerade
`;
}
