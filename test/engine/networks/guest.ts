import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import { silentLog } from '../../../src/base/log.js';
import {
  openNetworks,
  type EndpointRequest,
  type NetworkRecord,
  type Networks,
  type Sandbox,
  type SandboxRequest,
} from '../../../src/engine/networks/index.js';
import { eventually } from '../../support/engine-sandbox.js';

/** One engine's networks over folders of its own. */
export class NetworksSandbox {
  readonly folder = mkdtempSync(join(tmpdir(), 'tsc-networks-'));
  readonly events: string[] = [];
  readonly guests: Guest[] = [];
  readonly engineId: string;

  constructor(engineId = randomBytes(4).toString('hex')) {
    this.engineId = engineId;
  }

  async open(): Promise<Networks> {
    const networks = await openNetworks({
      dir: join(this.folder, 'networks'),
      runtimeDir: join(this.folder, 'run'),
      engineId: this.engineId,
      log: silentLog,
      events: { publish: ({ Action, Actor }) => this.events.push(`${Action} ${Actor.Attributes['name'] ?? ''}`) },
    });
    await networks.start();
    return networks;
  }

  async guest(networks: Networks, name: string, more: GuestOptions = {}): Promise<Guest> {
    const guest = await Guest.start(networks, name, more);
    this.guests.push(guest);
    return guest;
  }

  /** Ends every guest, and tells the networks. */
  async endGuests(networks: Networks): Promise<void> {
    for (const guest of this.guests.splice(0)) {
      await guest.kill();
      await networks.leave(guest.id);
    }
  }

  async remove(): Promise<void> {
    for (const guest of this.guests) await guest.kill();
    rmSync(this.folder, { recursive: true });
  }
}

export interface GuestOptions extends Partial<Omit<SandboxRequest, 'endpoints'>> {
  readonly on?: readonly (NetworkRecord | EndpointRequest)[];
}

/** Stands in for a container: a process that keeps the namespace of its sandbox. */
export class Guest {
  readonly id: string;
  readonly sandbox: Sandbox;
  readonly #process: ChildProcess;

  private constructor(id: string, sandbox: Sandbox, process: ChildProcess) {
    this.id = id;
    this.sandbox = sandbox;
    this.#process = process;
  }

  static async start(networks: Networks, name: string, { on = [], ...more }: GuestOptions = {}): Promise<Guest> {
    const containerId = randomBytes(32).toString('hex');
    const sandbox = await networks.join(
      {
        ...{ containerId, containerName: name, hostname: containerId.slice(0, 12), ports: [] },
        ...{ dns: [], dnsSearch: [], dnsOptions: [] },
        ...more,
        endpoints: on.map((each) => ('network' in each ? each : { network: each, aliases: [] })),
      },
      AbortSignal.timeout(20_000),
    );
    const child = spawn('nsenter', [`--net=${sandbox.namespacePath}`, '--', 'sh', '-c', 'echo; exec sleep 1000'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    await networks.settle(containerId, child.pid ?? 0);
    return new Guest(containerId, sandbox, child);
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  /** The address on a network. */
  address(network: string): string {
    return this.sandbox.endpoints[network]?.IPAddress ?? '';
  }

  /** Runs a shell script inside, and gives what it printed on both streams; a failure is told at the end. */
  run(script: string): Promise<string> {
    return shell(script, ['nsenter', `--net=/proc/${this.pid}/ns/net`, '--']);
  }

  /** A server that answers each connection with a line and closes it. */
  serveTcp(port: number, line: string): Promise<void> {
    return this.#serve('tcp', port, tcpServer, [String(port), line]);
  }

  /** Answers every datagram with `line` and the asker's address. */
  serveUdp(port: number, line: string): Promise<void> {
    return this.#serve('udp', port, udpServer, [String(port), line]);
  }

  readonly #servers: ChildProcess[] = [];

  async #serve(protocol: 'tcp' | 'udp', port: number, program: string, args: readonly string[]): Promise<void> {
    const inside = [`--net=/proc/${this.pid}/ns/net`, '--', 'python3', '-c', program, ...args];
    this.#servers.push(spawn('nsenter', inside, { stdio: 'ignore' }));
    const hex = port.toString(16).toUpperCase().padStart(4, '0');
    const sockets = `cat /proc/net/${protocol} /proc/net/${protocol}6`;
    await eventually(`${protocol} ${port} is bound`, async () => (await this.run(sockets)).includes(`:${hex} `));
  }

  async kill(): Promise<void> {
    for (const child of [...this.#servers, this.#process]) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
  }
}

const tcpServer = `
import socket, sys
server = socket.create_server(("", int(sys.argv[1])), family=socket.AF_INET6, dualstack_ipv6=True)
while True:
    connection, _ = server.accept()
    connection.sendall(sys.argv[2].encode())
    connection.close()`;

const udpServer = `
import socket, sys
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("0.0.0.0", int(sys.argv[1])))
while True:
    _, who = server.recvfrom(2048)
    server.sendto((sys.argv[2] + " " + who[0]).encode(), who)`;

/** Runs a script here, or behind a prefix such as nsenter. */
export function shell(script: string, prefix: readonly string[] = []): Promise<string> {
  const [file, args]: [string, string[]] =
    prefix.length === 0 ? ['bash', ['-c', script]] : ['env', [...prefix, 'bash', '-c', script]];
  return new Promise((resolve) => {
    execFile(file, args, { timeout: 15_000 }, (error, stdout, stderr) => {
      const code = error === null ? '' : `[failed ${String(error.code)}]`;
      resolve(`${stdout}${stderr}${code}`.trim());
    });
  });
}

/** Reads one line from a TCP address; where nothing is expected to answer, a second is long enough. */
export const readTcp = (address: string, port: number, seconds = 10): string =>
  `timeout ${seconds} bash -c 'cat </dev/tcp/${address}/${port}' 2>&1 || echo refused`;

/** Sends a datagram and reads the answer. */
export const askUdp = (address: string, port: number, seconds = 10): string =>
  `timeout ${seconds} python3 -c 'import socket,sys
s=socket.socket(socket.AF_INET6 if ":" in "${address}" else socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(${seconds})
s.sendto(b"hi",("${address}",${port}))
print(s.recvfrom(2048)[0].decode())' 2>/dev/null || echo silence`;

/** Sends a datagram (in hex) with the source port 0, which only a raw socket can, then one as usual; gives the answer. */
export const fromPortZero = (address: string, port: number, payload: string): string => `python3 -c '
import socket, struct
data, six = bytes.fromhex("${payload}"), ":" in "${address}"
family = socket.AF_INET6 if six else socket.AF_INET
raw = socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_UDP)
if six: raw.setsockopt(socket.IPPROTO_IPV6, 7, 6) # IPV6_CHECKSUM, at byte 6: without one the packet is dropped
raw.sendto(struct.pack("!4H", 0, ${port}, 8 + len(data), 0) + data, ("${address}", 0 if six else ${port}))
own = socket.socket(family, socket.SOCK_DGRAM)
own.settimeout(8)
own.connect(("${address}", ${port}))
own.send(data)
print(own.recv(512).hex())'`;
