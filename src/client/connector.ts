import { closeSync, openSync, readFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { Connector, EngineAddress, TlsFiles } from './host.js';

/** Loads only what the kind of address needs: start-up time counts in a command line. */
export async function createConnector(address: EngineAddress): Promise<Connector> {
  switch (address.kind) {
    case 'unix':
      return unixConnector(address.path);
    case 'tcp': {
      if (address.tls !== undefined) return await tlsConnector(address.host, address.port, address.tls);
      const net = await import('node:net');
      return { open: () => net.connect({ host: address.host, port: address.port, noDelay: true }) };
    }
    case 'ssh': {
      const { sshConnector } = await import('./ssh.js');
      return sshConnector(address);
    }
  }
}

/** sun_path holds 108 bytes with its final zero (unix(7)). */
const maxSocketPathBytes = 107;

async function unixConnector(path: string): Promise<Connector> {
  const net = await import('node:net');
  if (Buffer.byteLength(path) <= maxSocketPathBytes) {
    return { open: () => net.connect({ path }) };
  }
  return {
    open: () => {
      // A longer path is reached through its directory's descriptor; connect(2) has happened when `connect` returns.
      const directory = openSync(dirname(path), 'r');
      try {
        return net.connect({ path: `/proc/self/fd/${directory}/${basename(path)}` });
      } finally {
        closeSync(directory);
      }
    },
  };
}

async function tlsConnector(host: string, port: number, files: TlsFiles): Promise<Connector> {
  const tls = await import('node:tls');
  const isIp = (await import('node:net')).isIP(host) !== 0;
  const context = tls.createSecureContext({
    ...(files.verify && files.caFile !== undefined ? { ca: readFileSync(files.caFile) } : {}),
    ...(files.certFile === '' ? {} : { cert: readFileSync(files.certFile), key: readFileSync(files.keyFile) }),
  });
  const options = { host, port, secureContext: context, rejectUnauthorized: files.verify };
  return { open: () => tls.connect(isIp ? options : { ...options, servername: host }) };
}
