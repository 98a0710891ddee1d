import { BlockList, isIP } from 'node:net';
import { isLoopback } from './loopback.js';

/** As `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` have them; empty is none. */
export interface ProxySettings {
  readonly http: string;
  readonly https: string;
  /** Hosts that are reached without, separated by commas. */
  readonly none: string;
}

/** What the environment says, in capitals or not. */
export function proxiesOf(environment: Readonly<Record<string, string | undefined>>): ProxySettings {
  const value = (name: string): string => environment[name] || environment[name.toLowerCase()] || '';
  return { http: value('HTTP_PROXY'), https: value('HTTPS_PROXY'), none: value('NO_PROXY') };
}

/**
 * The proxy that a URL is asked through, by the rules of dockerd (golang.org/x/net/http/httpproxy): never for loopback;
 * `NO_PROXY` names hosts with all below them, `.example.com` only those below, addresses, networks, any of them with a
 * port, or `*`.
 * @throws TypeError - the setting is no http or https URL
 */
export function proxyFor(url: URL, { http, https, none }: ProxySettings): URL | undefined {
  const setting = url.protocol === 'https:' ? https : http;
  if (setting === '' || isLoopback(url.host) || isExempt(url, none)) return undefined;
  const proxy = new URL(setting.includes('://') ? setting : `http://${setting}`);
  if (!['http:', 'https:'].includes(proxy.protocol)) {
    throw new TypeError(`the proxy ${proxy.host} is of the kind ${proxy.protocol} and not http`);
  }
  return proxy;
}

function isExempt(url: URL, none: string): boolean {
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1').toLowerCase();
  const port = url.port || (url.protocol === 'https:' ? '443' : '80');
  return none
    .toLowerCase()
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '')
    .some((entry) => {
      if (entry === '*') return true;
      const [, network = '', bits = ''] = /^(.+)\/(\d+)$/.exec(entry) ?? [];
      if (network !== '') return isInside(host, network, Number(bits));
      const [, name = entry, ownPort = port] = isIP(entry) === 6 ? [] : (/^\[?(.+?)\]?:(\d+)$/.exec(entry) ?? []);
      if (ownPort !== port) return false;
      if (isIP(name) !== 0 || isIP(host) !== 0) return name === host;
      const below = name.replace(/^\*?\.?/, '.');
      return host.endsWith(below) || (!/^[*.]/.test(name) && host === name);
    });
}

function isInside(host: string, network: string, bits: number): boolean {
  const [version, family] = [isIP(host), isIP(network)];
  if (version === 0 || version !== family || bits > (family === 6 ? 128 : 32)) return false;
  const kind = family === 6 ? 'ipv6' : 'ipv4';
  const block = new BlockList();
  block.addSubnet(network, bits, kind);
  return block.check(host, kind);
}
