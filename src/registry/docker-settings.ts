import { readFileSync, statSync } from 'node:fs';
import { BlockList, isIP } from 'node:net';
import { join } from 'node:path';
import { errnoOf, messageOf, TscomposeError } from '../base/errors.js';
import { objectOf, parseObject } from './documents.js';
import type { ProxySettings } from './proxy.js';

declare module '../base/errors.js' {
  interface ErrorFacts {
    'registry/bad-settings': { readonly path: string; readonly reason: string };
  }
}

/** What dockerd's `daemon.json` says about registries; its other keys are another daemon's business. */
export interface DockerSettings {
  /** `insecure-registries`: spoken to over plain HTTP, or TLS without checking. */
  isInsecure(host: string): boolean;
  /** `registry-mirrors`: asked before Docker Hub, and for nothing else. */
  readonly hubMirrors: readonly string[];
  /** `proxies`: each that is there counts before the environment's. */
  readonly proxies: Partial<ProxySettings>;
}

const none: DockerSettings = { isInsecure: () => false, hubMirrors: [], proxies: {} };

/**
 * Gives the settings of a folder that dockerd keeps its own in (`/etc/docker`), read again when the file has changed.
 * @returns a function that throws `registry/bad-settings`
 */
export function watchDockerSettings(folder: string): () => DockerSettings {
  const path = join(folder, 'daemon.json');
  let known: { readonly version: string; readonly settings: DockerSettings } = { version: '', settings: none };
  return () => {
    const version = versionOf(path);
    if (version !== known.version) known = { version, settings: version === '' ? none : readSettings(path) };
    return known.settings;
  };
}

function versionOf(path: string): string {
  try {
    const { mtimeMs, size, ino } = statSync(path);
    return `${mtimeMs} ${size} ${ino}`;
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EACCES'].includes(errnoOf(error) ?? '')) return '';
    throw error;
  }
}

function readSettings(path: string): DockerSettings {
  let file: Record<string, unknown>;
  try {
    file = parseObject(path, readFileSync(path));
  } catch (error) {
    throw badSettings(path, messageOf(error), error);
  }
  const list = (key: string): readonly string[] => {
    const value = file[key] ?? [];
    const isList = Array.isArray(value) && value.every((item): item is string => typeof item === 'string');
    if (!isList) throw badSettings(path, `${key} is not a list of strings`);
    return value;
  };
  const hubMirrors = list('registry-mirrors');
  for (const mirror of hubMirrors) {
    const isUrl = URL.canParse(mirror) && ['http:', 'https:'].includes(new URL(mirror).protocol);
    if (!isUrl) throw badSettings(path, `registry-mirrors: "${mirror}" is not an http or https URL`);
  }
  const proxies = Object.fromEntries(
    (
      [
        ['http', 'http-proxy'],
        ['https', 'https-proxy'],
        ['none', 'no-proxy'],
      ] as const
    ).flatMap(([key, name]) => {
      const value = objectOf(file['proxies'])?.[name] ?? '';
      if (typeof value !== 'string') throw badSettings(path, `proxies.${name} is not a text`);
      return value === '' ? [] : [[key, value] as const];
    }),
  );
  return { hubMirrors, proxies, isInsecure: insecureHosts(list('insecure-registries'), path) };
}

/** Entries are hosts, with the port where there is one, or networks such as `10.1.0.0/16`. */
function insecureHosts(entries: readonly string[], path: string): (host: string) => boolean {
  const hosts = new Set<string>();
  const networks = new BlockList();
  for (const entry of entries) {
    const [, address = '', bits = ''] = /^(.+)\/(\d+)$/.exec(entry) ?? [];
    if (address === '') {
      if (entry.includes('/'))
        throw badSettings(path, `insecure-registries: "${entry}" is neither a host nor a network`);
      hosts.add(entry);
      continue;
    }
    try {
      networks.addSubnet(address, Number(bits), isIP(address) === 6 ? 'ipv6' : 'ipv4');
    } catch (error) {
      throw badSettings(path, `insecure-registries: "${entry}" is not a network`, error);
    }
  }
  return (host) => {
    const name = host.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
    const family = isIP(name);
    return hosts.has(host) || (family !== 0 && networks.check(name, family === 6 ? 'ipv6' : 'ipv4'));
  };
}

function badSettings(path: string, reason: string, cause?: unknown): TscomposeError<'registry/bad-settings'> {
  return new TscomposeError({
    code: 'registry/bad-settings',
    message: `cannot use the settings for registries in ${path}: ${reason}`,
    facts: { path, reason },
    hint: 'the engine reads registry-mirrors, insecure-registries and proxies there, as dockerd does',
    cause,
  });
}
