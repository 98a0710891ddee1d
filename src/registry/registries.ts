import { join } from 'node:path';
import { watchDockerSettings } from './docker-settings.js';
import { createHttpClient, type HttpClient } from './http.js';
import { isLoopback } from './loopback.js';
import type { Patience } from './pace.js';
import { proxiesOf, proxyFor } from './proxy.js';

export interface RegistryOptions {
  /** Of whoever asks: SSL_CERT_FILE names the system's authorities, TSCOMPOSE_EXTRA_CA_CERTS more, HTTPS_PROXY a proxy. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Hosts (with port) spoken to over plain HTTP, or TLS without checking. Loopback always is. */
  readonly insecure?: readonly string[];
  /** Registries asked before the real one: domain → base URLs. */
  readonly mirrors?: Readonly<Record<string, readonly string[]>>;
  /** dockerd's own folder, with `daemon.json` and `certs.d`; read again when it changes. */
  readonly dockerDir?: string;
  /** The first pause before something is tried again; each further one is twice as long. */
  readonly firstRetryDelayMs?: number;
  readonly patience?: Patience;
}

export interface Endpoint {
  /** As messages name it. */
  readonly registry: string;
  /** Tried in this order; the first that answers is used. */
  readonly baseUrls: readonly URL[];
}

export interface Registries {
  readonly http: HttpClient;
  readonly firstRetryDelayMs: number;
  /** Asked before the domain's own registry. */
  mirrorsOf(domain: string): readonly Endpoint[];
  ownEndpoint(domain: string): Endpoint;
}

const dockerHub = 'docker.io';
const dockerHubRegistry = 'registry-1.docker.io';

export function openRegistries(options: RegistryOptions): Registries {
  const { environment, insecure = [], mirrors = {}, dockerDir = '/etc/docker' } = options;
  const settings = watchDockerSettings(dockerDir);
  const isInsecure = (host: string) => isLoopback(host) || insecure.includes(host) || settings().isInsecure(host);
  const trust = {
    certsDir: join(dockerDir, 'certs.d'),
    systemCaFile: environment['SSL_CERT_FILE'],
    extraCaFile: environment['TSCOMPOSE_EXTRA_CA_CERTS'],
  };
  const proxies = proxiesOf(environment);
  const http = createHttpClient(trust, {
    isInsecure,
    proxyFor: (url) => proxyFor(url, { ...proxies, ...settings().proxies }),
    ...(options.patience === undefined ? {} : { patience: options.patience }),
  });
  const own = (domain: string): Endpoint => {
    const host = domain === dockerHub ? dockerHubRegistry : domain;
    const schemes = isInsecure(host) ? ['https', 'http'] : ['https'];
    return { registry: domain, baseUrls: schemes.map((scheme) => new URL(`${scheme}://${host}`)) };
  };
  return {
    http,
    firstRetryDelayMs: options.firstRetryDelayMs ?? 250,
    mirrorsOf: (domain) =>
      [...(mirrors[domain] ?? []), ...(domain === dockerHub ? settings().hubMirrors : [])].map((url) => ({
        registry: new URL(url).host,
        baseUrls: [new URL(url)],
      })),
    ownEndpoint: own,
  };
}
