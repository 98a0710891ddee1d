import { renameSync, rmSync, statSync } from 'node:fs';
import type { Server } from 'node:net';
import { withShortSocketPath } from '../sys/index.js';

/**
 * Listens on a unix socket of mode 0600. It is bound under a temporary name and renamed, so that whoever finds it can
 * connect, and at no moment with another mode. A socket that is there already is replaced: hold the folder's lock.
 * @returns removes the socket again, unless another engine has put its own there meanwhile
 */
export async function listenOnSocket(server: Server, path: string): Promise<() => void> {
  const temporary = `${path}.${process.pid}`;
  rmSync(temporary, { force: true });
  withShortSocketPath(temporary, (short) => {
    const before = process.umask(0o177);
    try {
      server.listen({ path: short, backlog: 1_024 }); // binds before it returns
    } finally {
      process.umask(before);
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once('listening', resolve).once('error', reject);
  });
  const { ino } = statSync(temporary);
  renameSync(temporary, path);
  return () => {
    try {
      if (statSync(path).ino === ino) rmSync(path);
    } catch {
      // gone already
    }
  };
}
