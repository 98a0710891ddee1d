import type { Socket as UdpSocket } from 'node:dgram';
import type { Server, Socket } from 'node:net';
import {
  adoptTcp,
  adoptUdp,
  bindUdp,
  inNetworkNamespace,
  listenTcp,
  nftApply,
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

/** Docker's address for this, which many configuration files hold. */
export const resolverAddress = '127.0.0.11';

export interface ResolverOptions {
  readonly names: NameTable;
  /** Who asks here, now. */
  readonly asker: () => Asker;
  /** Where other questions go; undefined: nowhere. */
  readonly servers: () => readonly string[] | undefined;
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

  private constructor(udp: UdpSocket, tcp: Server, options: ResolverOptions) {
    this.#udp = udp;
    this.#tcp = tcp;
    this.#options = options;
    udp.on('error', () => undefined); // an asker that is gone; nothing to tell it
    tcp.on('error', () => undefined);
    udp.on('message', (message, from) => {
      void this.#answer(message, 'udp').then((answer) => {
        if (answer !== undefined && !this.#closing.signal.aborted) udp.send(answer, from.port, from.address);
      });
    });
    tcp.on('connection', (socket) => {
      this.#serve(socket);
    });
  }

  /**
   * Opens the sockets inside and points port 53 at them, replacing what an earlier engine left there.
   * The synchronous part happens before the first await.
   * @throws `sys/call-failed`
   */
  static async open(namespace: NetworkNamespace, options: ResolverOptions): Promise<Resolver> {
    const { udp, tcp } = inNetworkNamespace(namespace, () => ({
      udp: bindUdp(resolverAddress, 0),
      tcp: listenTcp(resolverAddress, 0),
    }));
    nftApply(redirection(udp.port, tcp.port), namespace);
    const [socket, server] = await Promise.all([adoptUdp(udp.fd), adoptTcp(tcp.fd)]);
    return new Resolver(socket, server, options);
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
      void this.#answer(message, 'tcp').then((answer) => {
        if (answer !== undefined && socket.writable) socket.write(frame(answer));
      });
    });
    socket.setTimeout(30_000, () => socket.destroy());
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#connections.delete(socket));
    socket.on('data', (bytes: Buffer) => {
      reader.push(bytes);
    });
  }

  async #answer(message: Buffer, transport: 'udp' | 'tcp'): Promise<Buffer | undefined> {
    const query = parseQuery(message);
    if (query === undefined) return encodeFormatError(message);
    const room = transport === 'tcp' ? 65_535 : query.maxBytes;
    const known = this.#lookUp(query);
    if (known !== undefined) return encodeResponse(query, 'NOERROR', known, room);
    const servers = this.#options.servers();
    // A name without a dot can only have been one of ours. A container of internal networks alone must not be able to
    // tell the world anything, not even by asking.
    if (servers === undefined || !query.name.includes('.')) return encodeResponse(query, 'NXDOMAIN');
    const forwarded = await forwardQuestion(message, transport, servers, this.#closing.signal);
    return forwarded ?? encodeResponse(query, 'SERVFAIL');
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

/** In the container's namespace; the table is remade in one transaction, so that names never stop resolving. */
function redirection(udpPort: number, tcpPort: number): string {
  return `table ip tscompose-dns
delete table ip tscompose-dns
table ip tscompose-dns {
  chain output {
    type nat hook output priority -100; policy accept;
    ip daddr ${resolverAddress} udp dport 53 dnat to ${resolverAddress}:${udpPort}
    ip daddr ${resolverAddress} tcp dport 53 dnat to ${resolverAddress}:${tcpPort}
  }
}
`;
}
