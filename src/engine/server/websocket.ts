import type { Duplex } from 'node:stream';
import { badParameter } from './errors.js';
import type { Exchange } from './exchange.js';

/** @throws `request/bad-parameter` for a request that does not ask for a WebSocket */
export function requireWebSocket({ request, upgrade }: Exchange): void {
  if (upgrade === undefined || request.headers.upgrade?.toLowerCase() !== 'websocket') {
    throw badParameter('Upgrade', 'this address is for WebSockets only (RFC 6455, section 4.1)');
  }
}

/**
 * Makes the connection of a request a WebSocket: what is written goes out as binary messages, what comes in is the bytes
 * of the client's. A wrong handshake is
 * answered with 400 and rejects with what ended the connection.
 */
export async function acceptWebSocket({ request, response, upgrade, client }: Exchange): Promise<Duplex> {
  if (upgrade === undefined) throw new Error('bug: ask requireWebSocket first');
  const { WebSocketServer, createWebSocketStream } = await import('ws'); // few clients attach so
  client.throwIfAborted();
  const common = Object.entries(response.getHeaders()).map(([name, value]) => `${name}: ${String(value)}`);
  response.detachSocket(upgrade);
  const server = new WebSocketServer({ noServer: true });
  server.on('headers', (headers) => headers.push(...common));
  return new Promise((resolve, reject) => {
    client.addEventListener('abort', () => reject(client.reason as Error), { once: true });
    // What came with the head was put back on the connection.
    server.handleUpgrade(request, upgrade, Buffer.alloc(0), (socket) => {
      const stream = createWebSocketStream(socket);
      stream.on('error', () => undefined); // `close` follows, that is enough
      resolve(stream);
    });
  });
}
