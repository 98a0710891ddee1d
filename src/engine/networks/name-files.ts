import { readFileSync } from 'node:fs';
import { resolverAddress } from './dns-server.js';

/** What /etc/resolv.conf of the host says (resolv.conf(5)). */
export interface HostResolver {
  readonly servers: readonly string[];
  readonly search: readonly string[];
  readonly options: readonly string[];
}

/** Read anew each time it is needed: DHCP and VPNs rewrite it. The last `search` or `domain` line counts. */
export function readHostResolver(path = '/etc/resolv.conf'): HostResolver {
  const found = { servers: [] as string[], search: [] as string[], options: [] as string[] };
  for (const line of textOf(path).split('\n')) {
    const [word, ...rest] = line
      .replace(/[#;].*/, '')
      .trim()
      .split(/\s+/);
    if (word === 'nameserver' && rest[0] !== undefined) found.servers.push(rest[0]);
    if (word === 'search' || word === 'domain') found.search = rest;
    if (word === 'options') found.options.push(...rest);
  }
  return found;
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // a host without one resolves nothing, and so do its containers
  }
}

export interface ResolvConfInput {
  readonly host: HostResolver;
  readonly search: readonly string[];
  readonly options: readonly string[];
}

/** The container's /etc/resolv.conf. A search of `.` means none. Names are tried as they are first (ndots:0). */
export function renderResolvConf({ host, search, options }: ResolvConfInput): string {
  const domains = search.length === 0 ? host.search : search.filter((domain) => domain !== '.');
  const chosen = options.length === 0 ? host.options.filter((option) => !option.startsWith('ndots:')) : [...options];
  if (!chosen.some((option) => option.startsWith('ndots:'))) chosen.push('ndots:0');
  return [
    '# Written by tscompose for this container.',
    `nameserver ${resolverAddress}`,
    ...(domains.length === 0 ? [] : [`search ${domains.join(' ')}`]),
    `options ${chosen.join(' ')}`,
    '',
  ].join('\n');
}

/** Whether names with fewer dots than some number are first tried in the search domains (resolv.conf(5)). */
export function setsNdots(options: readonly string[]): boolean {
  return options.some((option) => /^ndots:0*[1-9]/.test(option));
}

/** What a container calls itself, the whole name first: one with dots has a short form, too, as with Docker. */
export function ownNames(hostname: string, domainname: string): string[] {
  const whole = domainname === '' ? hostname : `${hostname}.${domainname}`;
  return [...new Set([whole, hostname.replace(/(?<=.)\..*/, '')])];
}

/** The lines that every /etc/hosts starts with, then the container's own names. */
export function hostsLinesFor(addresses: readonly string[], names: readonly string[]): string[] {
  return [
    '127.0.0.1\tlocalhost',
    '::1\tlocalhost ip6-localhost ip6-loopback',
    'fe00::\tip6-localnet',
    'ff00::\tip6-mcastprefix',
    'ff02::1\tip6-allnodes',
    'ff02::2\tip6-allrouters',
    ...addresses.map((address) => `${address}\t${names.join(' ')}`),
  ];
}
