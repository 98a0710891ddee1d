import { sysErrno, type LinkChange, type Links, type NetworkNamespace } from '../sys/index.js';
import { invalid } from './errors.js';
import type { ParentLink } from './record.js';
import type { EndpointRecord } from './sandbox.js';

/** The first is Docker's default. */
const modesOf = { macvlan: ['bridge', 'private', 'vepa', 'passthru'], ipvlan: ['l2', 'l3', 'l3s'] } as const;
const ipvlanFlags = ['bridge', 'private', 'vepa'] as const;

/**
 * Reads the driver's options `parent`, `macvlan_mode`, `ipvlan_mode` and `ipvlan_flag`.
 * @throws `network/invalid`, in dockerd's words where it has any
 */
export function readParent(kind: ParentLink['kind'], options: Readonly<Record<string, string>>): ParentLink {
  const link = options['parent'] ?? '';
  if (link === '') {
    const hint = `name a link of this host, such as eth0: -o parent=eth0, or driver_opts: { parent: eth0 }`;
    throw invalid(
      `${kind === 'macvlan' ? 'a macvlan' : 'an ipvlan'} network needs a parent link, and none is given`,
      hint,
    );
  }
  const asked = options[`${kind}_mode`] ?? '';
  const [fallback] = modesOf[kind];
  const mode = asked === '' ? fallback : modesOf[kind].find((one) => one === asked);
  if (mode === undefined) {
    throw invalid(`requested ${kind} mode '${asked}' is not valid, '${fallback}' mode is the ${kind} driver default`);
  }
  if (kind === 'macvlan') return { kind, link, mode };
  const askedFlag = options['ipvlan_flag'] ?? '';
  const flag = askedFlag === '' ? 'bridge' : ipvlanFlags.find((one) => one === askedFlag);
  if (flag === undefined) {
    throw invalid(`requested ipvlan flag '${askedFlag}' is not valid, 'bridge' is the ipvlan driver default`);
  }
  return { kind, link, mode, flag };
}

/** @throws `network/invalid` when the host has no such link, or one that nothing can hang on */
export function requireParent(links: Links, { kind, link }: ParentLink): void {
  const found = links.list().find(({ name }) => name === link);
  if (link === 'lo') throw invalid(`loopback interface is not a valid ${kind} parent link`);
  if (found === undefined) {
    const vlan = /^(.+)\.(\d+)$/.exec(link);
    const make = vlan === null ? '' : `: ip link add link ${vlan[1]} name ${link} type vlan id ${vlan[2]}`;
    throw invalid(
      `${kind} parent link ${link} is not a link of this host`,
      `name one that is there, or make it${make}`,
    );
  }
  if (found.masterIndex !== 0 || !found.up) {
    const problem = found.up ? 'is a port of a bridge' : 'is down';
    throw invalid(`${kind} parent link ${link} ${problem}`, found.up ? 'name the bridge' : `ip link set ${link} up`);
  }
}

/** The link of one endpoint, made right in the container's namespace. */
export function childLink(
  { kind, link, mode, flag = 'bridge' }: ParentLink,
  { interfaceName: name, mac }: EndpointRecord,
  namespace: NetworkNamespace,
  mtu: number,
): LinkChange {
  const place = { parent: link, name, namespace, mtu, mode };
  return kind === 'macvlan' ? { kind: 'add-macvlan', ...place, mac } : { kind: 'add-ipvlan', ...place, flag };
}

/** The words for a kernel that cannot make such a link, or not on that parent. */
export function explainChildLink({ kind, link }: ParentLink, error: unknown): unknown {
  const errno = sysErrno(error) ?? '';
  if (['EOPNOTSUPP', 'ENOTSUP'].includes(errno)) {
    return invalid(`this kernel has no ${kind} links`, `load the module: modprobe ${kind}`);
  }
  if (errno === 'EBUSY') return invalid(`link ${link} cannot carry ${kind} links: something else uses it alone`);
  return error;
}
