import { readdir, readFile, readlink } from 'node:fs/promises';
import type { PortProtocol } from './sandbox.js';

/**
 * Who has a port of the host: `process nginx (pid 812)`, or undefined when nobody can be found (another namespace's
 * process, or the port has just been freed). Reads every process's open files, so only worth it for an error message.
 */
export async function findPortHolder(protocol: PortProtocol, port: number): Promise<string | undefined> {
  const inodes = new Set<string>();
  for (const table of [protocol, `${protocol}6`]) {
    for (const inode of socketsOn(await readFile(`/proc/net/${table}`, 'latin1').catch(() => ''), protocol, port)) {
      inodes.add(`socket:[${inode}]`);
    }
  }
  if (inodes.size === 0) return undefined;
  for (const pid of await readdir('/proc')) {
    if (!/^\d+$/.test(pid)) continue;
    const files = await readdir(`/proc/${pid}/fd`).catch(() => []); // gone meanwhile, or not ours to look at
    for (const fd of files) {
      const target = await readlink(`/proc/${pid}/fd/${fd}`).catch(() => '');
      if (!inodes.has(target)) continue;
      const name = (await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => 'unknown')).trim();
      return `process ${name} (pid ${pid})`;
    }
  }
  return undefined;
}

/** Inodes of the sockets that hold the port: for TCP those that listen (state 0A), see proc_pid_net(5). */
function socketsOn(table: string, protocol: PortProtocol, port: number): string[] {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return table.split('\n').flatMap((line) => {
    const fields = line.trim().split(/\s+/);
    const [, local = '', , state, , , , , , inode] = fields;
    if (!local.endsWith(suffix) || inode === undefined || inode === '0') return [];
    return protocol === 'tcp' && state !== '0A' ? [] : [inode];
  });
}
