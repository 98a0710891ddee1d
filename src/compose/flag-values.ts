import { posix, resolve } from 'node:path';
import { invalidUsage } from '../base/invalid-usage.js';
import { readEnvFile } from './environment.js';
import { splitCommand } from './go-values.js';
import type { Mount, Port } from './model.js';
import { parseMount } from './mount-syntax.js';
import { parsePorts } from './port-syntax.js';
import { Problems } from './problems.js';

/** `--publish`: the short form of `ports`. @throws `usage/invalid` */
export function parsePublishFlag(spec: string): readonly Port[] {
  const parsed = parsePorts(spec);
  if ('problem' in parsed)
    throw invalidUsage('--publish', `--publish: "${spec}" is no port mapping: ${parsed.problem}`);
  return parsed.ports.map(({ target, published, hostIp, protocol }) => ({
    mode: 'ingress',
    target,
    protocol,
    ...(published === undefined ? {} : { published }),
    ...(hostIp === undefined ? {} : { host_ip: hostIp }),
  }));
}

/** `--volume`: the short form of `volumes`; a relative path starts at `folder`, `~` is `home`. @throws `usage/invalid` */
export function parseVolumeFlag(spec: string, folder: string, home: string): Mount {
  const mount = parseMount(spec);
  if ('problem' in mount) throw invalidUsage('--volume', `--volume: "${spec}" is no mount: ${mount.problem}`);
  const { type, source, readOnly, noCopy, propagation, selinux } = mount;
  const common = { type, target: posix.normalize(mount.target), ...(readOnly ? { read_only: true } : {}) };
  if (type === 'volume') {
    return { ...common, ...(source === '' ? {} : { source }), ...(noCopy ? { volume: { nocopy: true } } : {}) };
  }
  return {
    ...common,
    source: resolve(folder, source.replace(/^~(?=\/|$)/, home)),
    bind: {
      create_host_path: true,
      ...(propagation === undefined ? {} : { propagation }),
      ...(selinux === undefined ? {} : { selinux }),
    },
  };
}

/** A command line as a shell would split it. @throws `usage/invalid` for quotes that do not close */
export function splitCommandFlag(flag: string, line: string): readonly string[] {
  const words = splitCommand(line);
  if (words === undefined) throw invalidUsage(flag, `${flag}: "${line}" has a quote that does not close`);
  return words;
}

/**
 * Variables of `--env-from-file` files, later ones over earlier ones.
 * @throws `compose/env-file-missing`, `compose/env-file-syntax`, or several of them
 */
export function readEnvFlags(
  files: readonly string[],
  environment: Readonly<Record<string, string>>,
  folder: string,
): ReadonlyMap<string, string> {
  const problems = new Problems();
  const values = new Map<string, string>();
  for (const file of files) {
    const lookup = (key: string): string | undefined => environment[key] ?? values.get(key);
    const read = readEnvFile(resolve(folder, file), { problems, lookup, onUnset: () => undefined });
    for (const [key, value] of read) values.set(key, value);
  }
  problems.throwIfAny();
  return values;
}
