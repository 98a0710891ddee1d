import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { closeSync } from 'node:fs';
import { connect, createServer, isIPv6, type Server, type Socket } from 'node:net';
import { bindSctp, canEnterNamespaces } from '../sys/index.js';
import type { PortProtocol } from './sandbox.js';

export interface ProxyTarget {
  readonly address: string;
  readonly port: number;
}

/**
 * A socket on the host's side of a published port. It reserves the port, so that a taken port is an error and not a
 * hijack, and carries what the packet rules cannot redirect, above all connections to `[::1]`.
 */
export interface PortListener {
  readonly port: number;
  close(): void;
}

/** @throws a Node system error: EADDRINUSE, EACCES, EADDRNOTAVAIL, EAFNOSUPPORT; `sys/call-failed` for SCTP */
export async function listenOnPort(
  protocol: PortProtocol,
  address: string,
  port: number,
  target: ProxyTarget,
): Promise<PortListener> {
  switch (protocol) {
    case 'tcp':
      return listenTcp(address, port, target);
    case 'udp':
      return listenUdp(address, port, target);
    case 'sctp':
      return Promise.resolve(reserveSctp(address, port));
  }
}

/** Keeps others off the port; the rules carry everything, since nothing here speaks SCTP. */
function reserveSctp(address: string, port: number): PortListener {
  if (!canEnterNamespaces()) return { port, close: () => undefined }; // without FFI nothing can be reserved
  const socket = bindSctp(address, port);
  return {
    port,
    close: () => {
      closeSync(socket.fd);
    },
  };
}

/** Half a conversation whose other end has vanished is found out; docker-proxy asks as often. */
const alive = { allowHalfOpen: true, noDelay: true, keepAlive: true, keepAliveInitialDelay: 15_000 } as const;
/** Each takes two descriptors of this process, which serves more than this port. */
const maxConnections = 2048;

async function listenTcp(address: string, port: number, target: ProxyTarget): Promise<PortListener> {
  const open = new Set<Socket>();
  const server = createServer(alive, (near) => {
    const far = connect({ host: target.address, port: target.port, ...alive });
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      open.add(from);
      from.on('error', () => to.destroy());
      from.on('close', () => {
        open.delete(from);
        if (!from.readableEnded) to.destroy(); // half a conversation ends by FIN, a broken one by RST
      });
      from.pipe(to);
    }
  });
  server.maxConnections = maxConnections;
  const bound = await listening(server, () => {
    server.listen({ host: address, port, ipv6Only: true, exclusive: true });
  });
  return {
    port: bound,
    close: () => {
      server.close();
      for (const socket of open) socket.destroy();
    },
  };
}

const idleMs = 90_000;

async function listenUdp(address: string, port: number, target: ProxyTarget): Promise<PortListener> {
  const socket = createSocket({ type: isIPv6(address) ? 'udp6' : 'udp4', ipv6Only: isIPv6(address) });
  const clients = new Map<string, { readonly far: UdpSocket; readonly timer: NodeJS.Timeout }>();
  socket.on('message', (message, from) => {
    if (from.port === 0) return; // nobody an answer could go to, and Node throws at the attempt
    const key = `${from.address} ${from.port}`;
    let client = clients.get(key);
    if (client === undefined) {
      if (clients.size >= 1024) return; // UDP may lose packets, but not this process its descriptors
      const far = createSocket(isIPv6(target.address) ? 'udp6' : 'udp4');
      const timer = setTimeout(() => {
        clients.delete(key);
        far.close();
      }, idleMs);
      timer.unref();
      far.on('error', () => undefined); // refused at the other end: the sender's next packet tries again
      far.on('message', (answer) => {
        timer.refresh();
        socket.send(answer, from.port, from.address);
      });
      client = { far, timer };
      clients.set(key, client);
    }
    client.timer.refresh();
    client.far.send(message, target.port, target.address);
  });
  const bound = await listening(socket, () => {
    socket.bind({ address, port, exclusive: true });
  });
  return {
    port: bound,
    close: () => {
      socket.close();
      for (const { far, timer } of clients.values()) {
        clearTimeout(timer);
        far.close();
      }
    },
  };
}

async function listening(socket: Server | UdpSocket, listen: () => void): Promise<number> {
  const ready = once(socket, 'listening');
  listen();
  try {
    await ready;
  } catch (error) {
    socket.close();
    throw error;
  }
  socket.on('error', () => undefined); // out of descriptors while accepting: the next connection may do better
  const address = socket.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}
