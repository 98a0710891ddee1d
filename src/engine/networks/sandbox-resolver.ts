import type { Log } from '../../base/log.js';
import { canEnterNamespaces, isAlive, openNetworkNamespace } from '../sys/index.js';
import type { Asker, NameTable } from './dns-names.js';
import { resolverAddress, type ResolverOptions, type ResolverWay } from './dns-server.js';
import { rangeOf } from './endpoint-settings.js';
import type { PluggedEndpoint } from './endpoints.js';
import { readHostResolver } from './name-files.js';
import { parseLink } from './sandbox-requests.js';
import type { SandboxRecord } from './sandbox.js';

/** What the resolver of a sandbox goes by, as the sandbox is when asked. */
export function resolverOptions(
  live: { readonly record: SandboxRecord },
  plugged: () => readonly PluggedEndpoint[],
  shared: { readonly names: NameTable; readonly log: Log },
): ResolverOptions {
  return {
    names: shared.names,
    log: shared.log,
    asker: () => askerOf(plugged()),
    way: () => plugged().flatMap(resolverWay)[0],
    servers: () => {
      const inside = plugged().every(({ network }) => network.internal);
      if (inside || !live.record.forward) return undefined;
      const own = live.record.dns.filter((server) => server !== resolverAddress); // it would ask itself
      return own.length > 0 ? own : readHostResolver().servers;
    },
    singleWords: () => live.record.ndots !== true,
    // 127.0.0.1 that the user names is the container's own, one in the host's resolv.conf is the host's.
    inside: () => {
      const holder = live.record.process;
      if (live.record.dns.length === 0 || holder === undefined || !canEnterNamespaces()) return undefined;
      return isAlive(holder) ? openNetworkNamespace(`/proc/${holder.pid}/ns/net`) : undefined;
    },
  };
}

function askerOf(plugged: readonly PluggedEndpoint[]): Asker {
  const named = plugged.filter(({ network }) => !network.predefined);
  const links = named.flatMap(({ endpoint }) => endpoint.links).map(parseLink);
  return {
    networkIds: named.map(({ network }) => network.id),
    links: new Map(links.map(({ target, alias }) => [alias.toLowerCase(), target])),
  };
}

function resolverWay({ network, endpoint }: PluggedEndpoint): ResolverWay[] {
  if (network.parent !== undefined) return []; // the host does not reach it
  const { interfaceName, ipv4: address } = endpoint;
  const gateway = rangeOf(network, 4)?.gateway;
  return address === undefined || gateway === undefined ? [] : [{ interfaceName, address, gateway }];
}
