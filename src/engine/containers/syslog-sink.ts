import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { openUnixDatagram } from '../sys/index.js';
import type { SyslogAddress } from './syslog-options.js';

/** An open way to a syslog daemon. */
export interface SyslogSink {
  /** Settles when the kernel has them all. @throws when the daemon is gone */
  send(messages: readonly Buffer[]): Promise<void>;
  close(): void;
}

const localPaths = ['/dev/log', '/var/run/syslog', '/var/run/log'];
const connectMs = 10_000;

/** @throws a Node system error or `sys/call-failed`, such as ECONNREFUSED; the abort reason */
export async function openSyslogSink(address: SyslogAddress, signal: AbortSignal): Promise<SyslogSink> {
  switch (address.kind) {
    case 'udp':
      return overUdp(address.host, address.port);
    case 'tcp':
      return overStream(await connected(connect({ host: address.host, port: address.port }), signal));
    case 'unix':
      return overStream(await connected(connect({ path: address.path }), signal));
    case 'unixgram':
      return overPackets(await openUnixDatagram(address.path));
    case 'local':
      return openLocal(signal);
  }
}

async function openLocal(signal: AbortSignal): Promise<SyslogSink> {
  for (const path of localPaths.filter((one) => existsSync(one))) {
    for (const kind of ['unixgram', 'unix'] as const) {
      try {
        return await openSyslogSink({ kind, path }, signal);
      } catch {
        signal.throwIfAborted();
        continue; // the next kind, the next path
      }
    }
  }
  throw new Error('Unix syslog delivery error');
}

async function connected(socket: Socket, signal: AbortSignal): Promise<Socket> {
  const late = AbortSignal.timeout(connectMs);
  try {
    await once(socket, 'connect', { signal: AbortSignal.any([signal, late]) });
    return socket;
  } catch (error) {
    socket.destroy(); // or it would fail later on, with nobody to hear it
    signal.throwIfAborted();
    throw late.aborted ? new Error(`the syslog daemon did not answer within ${connectMs / 1_000} s`) : error;
  }
}

function overStream(socket: Socket): SyslogSink {
  let failure: Error | undefined;
  socket.on('error', (error) => (failure = error));
  socket.on('close', () => (failure ??= new Error('the syslog daemon closed the connection')));
  socket.resume(); // a daemon that answers is not listened to
  return {
    send: async (messages) => {
      if (failure !== undefined) throw failure;
      await written(socket, Buffer.concat(messages));
    },
    close: () => socket.destroy(),
  };
}

function overPackets(socket: Socket): SyslogSink {
  socket.on('error', () => undefined); // told by the write that failed
  return {
    send: async (messages) => {
      for (const message of messages) await written(socket, message); // one write is one packet
    },
    close: () => socket.destroy(),
  };
}

function written(socket: Socket, bytes: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.write(bytes, (error) => {
      if (error == null) resolve();
      else reject(error);
    });
  });
}

/** What a datagram's loss is called here is a daemon that is not there: nobody can tell. */
function overUdp(host: string, port: number): SyslogSink {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  socket.on('error', () => undefined);
  return {
    send: async (messages) => {
      for (const message of messages) {
        await new Promise<void>((resolve) => {
          socket.send(message, port, host, () => {
            resolve();
          });
        });
      }
    },
    close: () => socket.close(),
  };
}
