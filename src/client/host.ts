import type { Duplex } from 'node:stream';
import { TscomposeError } from '../base/errors.js';

/** Where an engine listens. */
export type EngineAddress =
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number; readonly tls: TlsFiles | undefined }
  | {
      readonly kind: 'ssh';
      readonly destination: string;
      readonly port: number | undefined;
      readonly socket: string | undefined;
    };

/** PEM files, as `docker --tlscacert`, `--tlscert` and `--tlskey`. */
export interface TlsFiles {
  readonly caFile: string | undefined;
  readonly certFile: string;
  readonly keyFile: string;
  /** Check the engine's certificate against `caFile`. */
  readonly verify: boolean;
}

/** Opens connections to one engine. */
export interface Connector {
  /** Not connected yet; `connect` or `error` follows. */
  open(): Duplex;
}

/**
 * Reads `unix:///run/engine.sock`, `tcp://host:2375`, `http://…`, `https://…` or `ssh://user@host:22/run/docker.sock`.
 * @throws `engine/bad-host`
 */
export function parseHost(host: string, tls?: TlsFiles): EngineAddress {
  if (host.startsWith('unix://')) {
    const path = host.slice('unix://'.length);
    if (!path.startsWith('/')) throw badHost(host, 'a unix:// host needs an absolute path: unix:///path');
    return { kind: 'unix', path };
  }
  const url = URL.canParse(host) ? new URL(host) : undefined;
  switch (url?.protocol) {
    case 'tcp:':
    case 'http:':
    case 'https:': {
      const secure = tls !== undefined || url.protocol === 'https:';
      const files = tls ?? (secure ? { caFile: undefined, certFile: '', keyFile: '', verify: true } : undefined);
      if (url.hostname === '') throw badHost(host, 'a host name is missing');
      const name = url.hostname.replace(/^\[(.*)\]$/, '$1'); // IPv6
      return { kind: 'tcp', host: name, port: Number(url.port) || (secure ? 2376 : 2375), tls: files };
    }
    case 'ssh:': {
      if (url.hostname === '' || url.password !== '' || url.hostname.startsWith('-')) {
        throw badHost(host, 'write it as ssh://user@host:port, without a password');
      }
      const user = url.username === '' ? '' : `${decodeURIComponent(url.username)}@`;
      const port = url.port === '' ? undefined : Number(url.port);
      const socket = url.pathname.length > 1 ? decodeURIComponent(url.pathname) : undefined;
      return { kind: 'ssh', destination: `${user}${url.hostname}`, port, socket };
    }
    default:
      throw badHost(host, 'known forms: unix:///path, tcp://host:port, ssh://user@host');
  }
}

function badHost(host: string, hint: string): TscomposeError<'engine/bad-host'> {
  const safe = host.replace(/\/\/([^/@]*):[^/@]*@/, '//$1:***@');
  return new TscomposeError({
    code: 'engine/bad-host',
    message: `cannot use ${JSON.stringify(safe)} as an engine host`,
    facts: { host: safe },
    hint,
  });
}
