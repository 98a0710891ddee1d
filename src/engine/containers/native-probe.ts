import { closeSync } from 'node:fs';
import { request } from 'node:http';
import { connect, type Socket } from 'node:net';
import type { HealthLogEntry } from '../../api/container.js';
import { errnoOf, messageOf } from '../../base/errors.js';
import type { NativeProbe } from '../../base/native-probe.js';
import { connectFrom, isAlive, O_PATH, openBeneath, openNetworkNamespace, sysErrno } from '../sys/index.js';
import type { Container } from './container.js';

type Outcome = Pick<HealthLogEntry, 'ExitCode' | 'Output'>;
type HttpProbe = Extract<NativeProbe, { kind: 'HTTP' }>;

const maxOutputBytes = 4096;
/** Of the loopback, in the order they are tried where the probe names no address. */
const loopback = ['127.0.0.1', '::1'] as const;

export interface ProbeLimits {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/**
 * Asks a running container how it is, from inside its network namespace or through its file system, without a process of
 * its own. Exit code 0 is healthy, 1 is not; never rejects for what the container does.
 */
export async function runProbe(
  container: Container,
  probe: NativeProbe,
  { timeoutMs, signal }: ProbeLimits,
): Promise<Outcome> {
  const { process } = container.state;
  if (process === undefined) return failed('the container does not run');
  if (probe.kind === 'LOG') return failed('nobody reads the log'); // see LogWatch
  const inTime = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  const hosts = probe.kind === 'UNIX' ? ['the socket'] : probe.host === undefined ? loopback : [probe.host];
  let refused = failed('');
  for (const host of hosts) {
    const open = () => {
      if (!isAlive(process)) throw new Error('the container has ended'); // its number may be somebody else's
      const { pid } = process;
      return probe.kind === 'UNIX' ? connectBeneath(pid, probe.path) : connectInside(pid, host, probe.port);
    };
    try {
      return probe.kind === 'HTTP' ? await askHttp(open, probe, host, inTime) : await greet(open, probe, inTime);
    } catch (error) {
      if (signal.aborted) return failed('the container has ended');
      if (inTime.aborted) {
        return { ExitCode: -1, Output: `Health check exceeded timeout (${timeoutMs / 1000}s)` };
      }
      // Where nobody listens on ::1 either, what 127.0.0.1 said tells more.
      if (host === hosts[0])
        refused = failed(`${describe(probe, host)}: ${sysErrno(error) ?? errnoOf(error) ?? messageOf(error)}`);
    }
  }
  return refused;
}

function failed(Output: string): Outcome {
  return { ExitCode: 1, Output };
}

function describe(probe: Exclude<NativeProbe, { kind: 'LOG' }>, host: string): string {
  if (probe.kind === 'UNIX') return `UNIX ${probe.path}`;
  const address = `${host.includes(':') ? `[${host}]` : host}:${probe.port}`;
  return probe.kind === 'TCP' ? `TCP ${address}` : `${probe.method} http://${address}${probe.path}`;
}

function connectInside(pid: number, host: string, port: number): Socket {
  const namespace = openNetworkNamespace(`/proc/${pid}/ns/net`);
  try {
    return connectFrom(namespace, host, port);
  } finally {
    namespace.close();
  }
}

/** Links on the way lead where they do inside the container. */
function connectBeneath(pid: number, path: string): Socket {
  const fd = openBeneath(`/proc/${pid}/root`, path, O_PATH);
  const socket = connect({ path: `/proc/self/fd/${fd}` });
  socket.once('close', () => {
    closeSync(fd);
  });
  return socket;
}

/** Connects, and hangs up. */
function greet(open: () => Socket, probe: NativeProbe, signal: AbortSignal): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const socket = open();
    const abort = () => socket.destroy(new Error('too late'));
    signal.addEventListener('abort', abort, { once: true });
    socket.on('connect', () => {
      resolve({ ExitCode: 0, Output: `${probe.kind}: connected` });
      socket.end();
      socket.resume();
    });
    socket.on('error', reject);
    socket.on('close', () => {
      signal.removeEventListener('abort', abort);
    });
  });
}

function askHttp(open: () => Socket, probe: HttpProbe, host: string, signal: AbortSignal): Promise<Outcome> {
  const { method, path, port, statuses } = probe;
  return new Promise((resolve, reject) => {
    const asking = request({
      ...{ method, path, host, port, signal },
      createConnection: open, // an agent, of whatever kind, would connect from here
      headers: { 'user-agent': 'tscompose-health', connection: 'close' },
    });
    asking.on('error', reject);
    asking.on('response', (response) => {
      const status = response.statusCode ?? 0;
      const good = statuses.some(([first, last]) => status >= first && status <= last);
      const chunks: Buffer[] = [];
      let size = 0;
      const settle = () => {
        const body = Buffer.concat(chunks).subarray(0, maxOutputBytes).toString();
        resolve({
          ExitCode: good ? 0 : 1,
          Output: `${describe(probe, host)}: ${status}${body === '' ? '' : `\n${body}`}`,
        });
      };
      response.on('data', (chunk: Buffer) => {
        if (size < maxOutputBytes) chunks.push(chunk);
        size += chunk.length;
        if (size < maxOutputBytes) return;
        settle(); // it has said enough
        asking.destroy();
      });
      response.on('end', settle);
      response.on('error', reject);
    });
    asking.end();
  });
}
