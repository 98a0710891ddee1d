import { once } from 'node:events';
import { chmodSync, chownSync } from 'node:fs';
import { createServer } from 'node:net';
import type { Duplex } from 'node:stream';
import type { CleanupStack } from '../../../base/cleanup-stack.js';
import type { RunMountOf } from './mount-flag.js';

/**
 * A socket at `path` that leads to an agent's, with the owner and mode a step wants; the agent's own stays as it is.
 * `undo` closes it and every connection through it.
 * @returns `path`
 */
export async function relayAgent(
  agent: () => Duplex,
  path: string,
  { uid, gid, mode }: Pick<RunMountOf<'ssh'>, 'uid' | 'gid' | 'mode'>,
  undo: CleanupStack,
): Promise<string> {
  const open = new Set<Duplex>();
  const keep = (socket: Duplex): Duplex => {
    open.add(socket);
    // Either side may go at any time, with or without an error: then the other goes too.
    return socket.on('error', () => socket.destroy()).once('close', () => open.delete(socket));
  };
  const server = createServer({ allowHalfOpen: true }, (client) => {
    const upstream = keep(agent());
    keep(client).pipe(upstream).pipe(client);
    client.once('close', () => upstream.destroy());
    upstream.once('close', () => client.destroy());
  });
  server.listen(path);
  undo.defer(() => {
    server.close();
    for (const socket of open) socket.destroy();
  });
  await once(server, 'listening');
  chownSync(path, uid, gid);
  chmodSync(path, mode);
  return path;
}
