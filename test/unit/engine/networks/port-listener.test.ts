import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { listenOnPort } from '../../../../src/engine/networks/port-listener.js';

/** Ports of the sockets whose kernel timer is that of keep-alive (proc_net_tcp.txt, `tr`), local and remote. */
function watched(): string[] {
  const lines = readFileSync('/proc/net/tcp', 'latin1').trim().split('\n').slice(1);
  return lines.flatMap((line) => {
    const [, local = '', remote = '', , , timer = ''] = line.trim().split(/\s+/);
    const port = (address: string): number => parseInt(address.split(':')[1] ?? '', 16);
    return timer.startsWith('02:') ? [`${port(local)} ${port(remote)}`] : [];
  });
}

test('both ends of a forwarded connection are asked whether they are still there', async () => {
  const server = createServer((socket) => socket.on('error', () => undefined).end('x')).listen(0, '127.0.0.1');
  server.maxConnections = 1;
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const listener = await listenOnPort('tcp', '127.0.0.1', 0, { address: '127.0.0.1', port });
  const client = connect({ host: '127.0.0.1', port: listener.port, allowHalfOpen: true });
  await once(client, 'data');
  const near = `${listener.port} ${client.localPort}`;
  await expect.poll(watched).toContain(near);
  expect(watched().filter((ports) => ports.endsWith(` ${port}`))).toHaveLength(1);
  client.destroy();
  listener.close();
  server.close();
});
