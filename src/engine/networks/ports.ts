import type { PortMap } from '../../api/common.js';
import { CleanupStack } from '../../base/cleanup-stack.js';
import { TscomposeError } from '../../base/errors.js';
import { sysErrno } from '../sys/index.js';
import { invalid } from './errors.js';
import { findPortHolder } from './port-holder.js';
import { listenOnPort, type PortListener } from './port-listener.js';
import type { PublishedPort } from './nft-script.js';
import type { PortProtocol, PortRecord, PortRequest } from './sandbox.js';

/** The range that dynamic ports of Linux come from (ip_local_port_range), as Docker's do. */
const ephemeral = [32_768, 60_999] as const;

/** Where a published port leads. */
export interface PortTarget {
  readonly ipv4: string | undefined;
  readonly ipv6: string | undefined;
}

export interface Published {
  readonly record: PortRecord;
  readonly rules: readonly PublishedPort[];
  close(): void;
}

/** Ports of the host that containers have. One for an engine. */
export class PortTable {
  /** `tcp 8080` → who has it, on which address. */
  readonly #holders = new Map<string, Map<string, string>>();
  readonly #busy = new Map<string, Promise<unknown>>();
  #next: number = ephemeral[0];

  /**
   * Reserves a port of the host for a container, by listening on it.
   * @param holder - for the message when another container wants the same
   * @throws `network/port-in-use`, `network/port-denied`, `network/no-free-port`, `network/invalid`
   */
  async publish(request: PortRequest, target: PortTarget, holder: string): Promise<Published> {
    const { hostPort } = request;
    if (typeof hostPort === 'number' && hostPort !== 0) return this.#publishOn(hostPort, request, target, holder);
    const [first, last] = typeof hostPort === 'object' ? hostPort : ephemeral;
    for (let tried = 0; tried <= last - first; tried += 1) {
      const port = typeof hostPort === 'object' ? first + tried : this.#nextEphemeral();
      try {
        return await this.#publishOn(port, request, target, holder);
      } catch (error) {
        if (!(error instanceof TscomposeError) || error.code !== 'network/port-in-use') throw error;
        if (first === last) throw error;
      }
    }
    throw new TscomposeError({
      code: 'network/no-free-port',
      message: `no free ${request.protocol} port from ${first} to ${last} for container port ${request.containerPort}`,
      facts: { hostIp: request.hostIp, protocol: request.protocol },
    });
  }

  #nextEphemeral(): number {
    const port = this.#next;
    this.#next = port === ephemeral[1] ? ephemeral[0] : port + 1;
    return port;
  }

  /** One at a time for a port, so that two containers that want it learn of each other. */
  async #publishOn(port: number, request: PortRequest, target: PortTarget, holder: string): Promise<Published> {
    const key = `${request.protocol} ${port}`;
    const turn = (this.#busy.get(key) ?? Promise.resolve()).then(() =>
      this.#reserve(key, port, request, target, holder),
    );
    const settled = turn.catch(() => undefined);
    this.#busy.set(key, settled);
    try {
      return await turn;
    } finally {
      if (this.#busy.get(key) === settled) this.#busy.delete(key);
    }
  }

  async #reserve(
    key: string,
    port: number,
    { hostIp, containerPort, protocol }: PortRequest,
    { ipv4, ipv6 }: PortTarget,
    holder: string,
  ): Promise<Published> {
    await using undo = new CleanupStack();
    const holders = this.#holders.get(key) ?? new Map<string, string>();
    const addresses = hostIp === '' ? ['0.0.0.0', '::'] : [hostIp];
    const rival = addresses.map((address) => rivalOf(holders, address)).find((name) => name !== undefined);
    if (rival !== undefined) throw portInUse(hostIp, port, protocol, `container ${rival}`);
    const address = ipv4 ?? ipv6;
    if (address === undefined) throw invalid(`cannot publish port ${containerPort}: the container has no address`);
    const listeners: PortListener[] = [];
    for (const host of addresses) {
      try {
        const listener = await listenOnPort(protocol, host, port, { address, port: containerPort });
        undo.defer(() => {
          listener.close();
        });
        listeners.push(listener);
      } catch (error) {
        if (hostIp === '' && host === '::' && noIpv6.has(sysErrno(error) ?? '')) continue;
        throw await explain(error, hostIp, port, protocol);
      }
    }
    this.#holders.set(key, holders);
    for (const host of addresses) holders.set(host, holder);
    undo.commit();
    const record: PortRecord = {
      ...{ hostIp, hostPort: port, containerPort, protocol },
      ...(ipv4 === undefined ? {} : { ipv4 }),
      ...(ipv6 === undefined ? {} : { ipv6 }),
    };
    return {
      record,
      rules: rulesOf(record),
      close: () => {
        for (const listener of listeners) listener.close();
        for (const host of addresses) holders.delete(host);
        if (holders.size === 0) this.#holders.delete(key);
      },
    };
  }
}

const noIpv6 = new Set(['EAFNOSUPPORT', 'EADDRNOTAVAIL', 'EINVAL']);

/** Two addresses of one family clash when they are equal or one of them is every address. */
function rivalOf(holders: ReadonlyMap<string, string>, address: string): string | undefined {
  const every = address.includes(':') ? '::' : '0.0.0.0';
  if (address !== every) return holders.get(address) ?? holders.get(every);
  return [...holders].find(([other]) => other.includes(':') === address.includes(':'))?.[1];
}

async function explain(error: unknown, hostIp: string, port: number, protocol: PortProtocol): Promise<unknown> {
  switch (sysErrno(error)) {
    case 'EADDRINUSE':
      return portInUse(hostIp, port, protocol, await findPortHolder(protocol, port));
    case 'EACCES':
      return new TscomposeError({
        code: 'network/port-denied',
        message: `not allowed to use ${protocol} port ${port} of the host`,
        facts: { hostIp, port, protocol },
        hint: 'ports below 1024 need root; publish a higher one',
        cause: error,
      });
    case 'EADDRNOTAVAIL':
      return invalid(`cannot publish on ${hostIp}: no link of this host has that address`);
    case 'EPROTONOSUPPORT':
    case 'ESOCKTNOSUPPORT':
      return invalid(
        `cannot publish ${protocol} port ${port}: this kernel has no ${protocol.toUpperCase()} (protocol not supported)`,
        `load its module: modprobe ${protocol}`,
      );
    default:
      return error;
  }
}

function portInUse(hostIp: string, port: number, protocol: string, holder: string | undefined): TscomposeError {
  const where = `${hostIp === '' ? '0.0.0.0' : hostIp.includes(':') ? `[${hostIp}]` : hostIp}:${port}`;
  return new TscomposeError({
    code: 'network/port-in-use',
    message: `${protocol} port ${where} is already in use${holder === undefined ? '' : ` by ${holder}`}`,
    facts: { hostIp, port, protocol, holder },
    hint: 'publish another host port, or stop what uses this one',
  });
}

function rulesOf({ hostIp, hostPort, containerPort, protocol, ipv4, ipv6 }: PortRecord): PublishedPort[] {
  const any = hostIp === '';
  const rule = (family: 4 | 6, address: string | undefined): PublishedPort[] => {
    if (address === undefined || (!any && hostIp.includes(':') !== (family === 6))) return [];
    const every = any || hostIp === '0.0.0.0' || hostIp === '::';
    const at = every ? undefined : hostIp;
    return [{ family, via: 'host', hostIp: at, hostPort, protocol, address, port: containerPort }];
  };
  return [...rule(4, ipv4), ...rule(6, ipv6)];
}

/** A port that is reached at the container's own address: nothing of the host's is taken for it. */
export function openRouted({ containerPort, protocol }: PortRequest, family: 4 | 6, address: string): Published {
  const hostIp = family === 4 ? '0.0.0.0' : '::';
  const place = family === 4 ? { ipv4: address } : { ipv6: address };
  return {
    record: { hostIp, hostPort: 0, containerPort, protocol, ...place },
    rules: [{ family, via: 'routed', hostIp: undefined, hostPort: 0, protocol, address, port: containerPort }],
    close: () => undefined,
  };
}

/** As `inspect` shows published ports. */
export function portMapOf(ports: readonly PortRecord[]): PortMap {
  const map: PortMap = {};
  for (const { hostIp, hostPort, containerPort, protocol } of ports) {
    const bindings = (map[`${containerPort}/${protocol}`] ??= []);
    const addresses = hostIp === '' ? ['0.0.0.0', '::'] : [hostIp];
    for (const HostIp of addresses) bindings.push({ HostIp, HostPort: hostPort === 0 ? '' : String(hostPort) });
  }
  return map;
}
