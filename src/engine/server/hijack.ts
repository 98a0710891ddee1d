import type { Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import type { Exchange } from './exchange.js';

/** A connection taken over: raw bytes from here on. */
export interface Hijacked {
  readonly output: Writable;
  /** What the client sends; absent without an upgrade, where nothing can follow the request. */
  readonly input: Readable | undefined;
  /** Ends our direction; the client sees the end of the stream. */
  end(): void;
}

/**
 * Answers 101 to a request that asks for an upgrade, otherwise 200 with a body that lasts until the connection closes
 * (reference, "Hijacked streams"). Client bytes that came with the request's head are the first of `input`.
 */
export function hijack({ response, upgrade }: Exchange, contentType: string): Hijacked {
  if (upgrade === undefined) {
    response.removeHeader('Transfer-Encoding'); // then Node neither chunks nor keeps the connection
    response.writeHead(200, { 'Content-Type': contentType, Connection: 'close' });
    response.flushHeaders();
    return { output: response, input: undefined, end: () => void response.end() };
  }
  const common = Object.entries(response.getHeaders()).map(([name, value]) => `${name}: ${String(value)}\r\n`);
  response.detachSocket(upgrade);
  upgrade.write(
    `HTTP/1.1 101 UPGRADED\r\nContent-Type: ${contentType}\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n${common.join('')}\r\n`,
  );
  return {
    output: upgrade,
    input: upgrade,
    end: () => {
      upgrade.end();
      upgrade.unpipe(); // a process that leaves its input unread would hold it up
      upgrade.resume(); // the client's own end is read, so that the connection can close
    },
  };
}

/** Answers 101 and gives the connection away: what both sides say from here on is `protocol`. */
export function takeOver({ response }: Exchange, socket: Socket, protocol: string): Socket {
  response.detachSocket(socket);
  socket.write(`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${protocol}\r\n\r\n`);
  return socket;
}
